package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

// StatusMeaning is what a person says a shop's status means; an empty axis says nothing.
type StatusMeaning struct {
	ConnectionID int64  `json:"connection_id" minimum:"1"`
	Raw          string `json:"raw" minLength:"1" maxLength:"200"`
	Order        string `json:"order_state" maxLength:"40"`
	Payment      string `json:"payment_state,omitempty" maxLength:"40"`
	Fulfilment   string `json:"fulfilment_state,omitempty" maxLength:"40"`
}

func (a *API) registerOrder() {
	if a.Commerce == nil {
		return
	}
	read := needs(care.PermCommerceRead)
	const tag = "Orders"
	register(a, op{ID: "list-orders", Method: "GET", Path: "/orders", Tag: tag, Summary: "List orders, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Open bool `query:"open" doc:"Only those to which something may still happen"`
		}) (*Out[List[commerce.Order]], error) {
			return orderPage(in.Paging, func(from commerce.OrderPlace, limit int64) ([]commerce.Order, error) {
				return a.Commerce.List(ctx, scope(ctx), in.StoreID, in.Open, from, limit)
			})
		})
	register(a, op{ID: "get-order", Method: "GET", Path: "/orders/{id}", Tag: tag, Summary: "Get an order with payments, parcels, history and the live stock of its lines", Access: read},
		func(ctx context.Context, in *ByID) (*Out[commerce.Order], error) {
			return out(a.Commerce.Order(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "get-order-original", Method: "GET", Path: "/orders/{id}/original", Tag: tag, Summary: "What the shop itself sent", Access: read},
		func(ctx context.Context, in *ByID) (*Out[commerce.Original], error) {
			return out(a.Commerce.Original(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-statuses", Method: "GET", Path: "/statuses", Tag: tag, Summary: "What a shop's statuses mean; those that nobody has mapped come first", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *struct {
			ConnectionID int64 `query:"connection_id" minimum:"1" required:"true"`
		}) (*Out[List[commerce.Status]], error) {
			list, err := a.Commerce.Statuses(ctx, scope(ctx), in.ConnectionID)
			return out(List[commerce.Status]{Items: list}, err)
		})
	register(a, op{ID: "map-status", Method: "PUT", Path: "/statuses", Tag: tag, Summary: "Say what a shop's status means", Access: needs(care.PermConnections),
		Detail: "Orders that have it are placed anew in the background."},
		func(ctx context.Context, in *struct{ Body StatusMeaning }) (*None, error) {
			b := in.Body
			return none(a.Commerce.MapStatus(ctx, scope(ctx), b.ConnectionID, b.Raw, care.Axes{
				Order: care.OrderState(b.Order), Payment: care.PaymentState(b.Payment), Fulfilment: care.FulfilmentState(b.Fulfilment),
			}))
		})
}

// orderPage reads a page of orders, one more than shown to know whether there is another.
func orderPage(p Paging, read func(from commerce.OrderPlace, limit int64) ([]commerce.Order, error)) (*Out[List[commerce.Order]], error) {
	var from commerce.OrderPlace
	if err := place(p.Cursor, &from); err != nil {
		return nil, err
	}
	list, err := read(from, p.Limit+1)
	if err != nil {
		return nil, err
	}
	l := List[commerce.Order]{Items: list}
	if int64(len(list)) > p.Limit {
		l.Items = list[:p.Limit]
		last := l.Items[p.Limit-1]
		l.Next = cursor(commerce.OrderPlace{At: last.PlacedAt, ID: last.ID})
	}
	return &Out[List[commerce.Order]]{l}, nil
}
