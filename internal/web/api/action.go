package api

import (
	"context"
	"net/http"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

// registerActions lists the operations by which a shop is asked to do something with an order.
func (a *API) registerActions() {
	if a.Sync == nil {
		return
	}
	const tag = "Orders"
	register(a, op{ID: "ask-order-action", Method: "POST", Path: "/orders/{id}/actions", Tag: tag, Summary: "Ask the shop to cancel an order, change its status, refund, note or reserve",
		Detail: "It is done in the background: once the shop has been seen to have the order as it is known here, it is asked, and asked again until it answers. done is reported only after the order was read again.",
		Access: needs(care.PermCommerceWrite), Status: http.StatusAccepted},
		func(ctx context.Context, in *struct {
			ByID
			Body commerce.ActionRequest
		}) (*Out[commerce.ShopAction], error) {
			return out(a.Sync.Ask(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "get-order-action-options", Method: "GET", Path: "/orders/{id}/action-options", Tag: tag, Summary: "What the shop can be asked to do with an order now", Access: needs(care.PermCommerceWrite)},
		func(ctx context.Context, in *ByID) (*Out[commerce.ActionOptions], error) {
			return out(a.Sync.Options(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-order-actions", Method: "GET", Path: "/orders/{id}/actions", Tag: tag, Summary: "What was asked of the shop for an order, the latest first", Access: needs(care.PermCommerceRead)},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[commerce.ShopAction]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Sync.Actions(ctx, scope(ctx), in.ID, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(x commerce.ShopAction) int64 { return x.ID }, err)
		})
}
