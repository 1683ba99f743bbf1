package api

import (
	"bytes"
	"context"

	"opeka/internal/care"
	"opeka/internal/digital"
)

// Revealed is an electronic piece as it is.
type Revealed struct {
	Content string `json:"content"`
}

// registerDigital lists the operations on electronic goods.
func (a *API) registerDigital() {
	if a.Digital == nil {
		return
	}
	const tag = "Electronic goods"
	read, write, settings := needs(care.PermCommerceRead), needs(care.PermCommerceWrite), needs(care.PermSettings)

	register(a, op{ID: "list-electronic-goods", Method: "GET", Path: "/electronic-goods", Tag: tag, Summary: "List what is delivered electronically, with the stock of keys", Access: read},
		func(ctx context.Context, in *struct {
			InStore
			Paging
		}) (*Out[List[digital.Goods]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Digital.List(ctx, scope(ctx), in.StoreID, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(g digital.Goods) int64 { return g.ID }, err)
		})
	register(a, op{ID: "mark-electronic-goods", Method: "PUT", Path: "/electronic-goods", Tag: tag, Summary: "Have a variant delivered electronically, or change how", Access: settings,
		Detail: "Orders placed from now on are delivered as soon as their payment is confirmed. kind key: from a stock of keys; file: the same file for everybody; action: your own program is asked, by a signed POST, as the guide for shop developers says."},
		func(ctx context.Context, in *struct{ Body digital.GoodsInput }) (*Out[digital.Goods], error) {
			return out(a.Digital.Mark(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "get-electronic-goods", Method: "GET", Path: "/electronic-goods/{id}", Tag: tag, Summary: "Get how a variant is delivered electronically", Access: read},
		func(ctx context.Context, in *ByID) (*Out[digital.Goods], error) {
			return out(a.Digital.Get(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "unmark-electronic-goods", Method: "DELETE", Path: "/electronic-goods/{id}", Tag: tag, Summary: "Deliver a variant as an ordinary one again", Access: settings,
		Detail: "Refused once it has keys, or was delivered."},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Digital.Unmark(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "add-electronic-keys", Method: "POST", Path: "/electronic-goods/{id}/keys", Tag: tag, Summary: "Take in keys or codes from a CSV file", Access: settings, MaxBody: digital.MaxKeysBytes,
		Detail: "One key in the first column of each row. With dry_run nothing is kept. Rows that aren't taken in come back with their numbers and reasons; a key that was ever taken in isn't again. Orders that wait for keys get them at once, the oldest first."},
		func(ctx context.Context, in *struct {
			ByID
			Body digital.KeyFile
		}) (*Out[digital.TakenKeys], error) {
			return out(a.Digital.AddKeys(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "set-electronic-file", Method: "PUT", Path: "/electronic-goods/{id}/file", Tag: tag, Summary: "Give the file that is delivered", Access: settings, MaxBody: digital.MaxFileBytes,
		Detail: "Whoever bought it before gets the new one when he fetches it again."},
		func(ctx context.Context, in *struct {
			ByID
			Name    string `query:"name" maxLength:"200" default:"file"`
			RawBody []byte `contentType:"application/octet-stream" required:"false"`
		}) (*Out[digital.Goods], error) {
			return out(a.Digital.SetFile(ctx, by(ctx), in.ID, in.Name, "application/octet-stream", bytes.NewReader(in.RawBody), int64(len(in.RawBody))))
		})
	register(a, op{ID: "list-electronic-pieces", Method: "GET", Path: "/orders/{id}/electronic-pieces", Tag: tag, Summary: "List what an order's customer was given electronically, masked", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[digital.Piece]], error) {
			list, err := a.Digital.OfOrder(ctx, scope(ctx), in.ID)
			return out(List[digital.Piece]{Items: list}, err)
		})
	register(a, op{ID: "send-electronic-pieces-again", Method: "POST", Path: "/orders/{id}/electronic-pieces/send-again", Tag: tag, Summary: "Tell the customer of his electronic goods once more, with a new link", Access: write,
		Detail: "By the store's policy of notices. Files can be fetched anew."},
		func(ctx context.Context, in *ByID) (*Out[List[digital.Piece]], error) {
			list, err := a.Digital.SendAgain(ctx, by(ctx), in.ID)
			return out(List[digital.Piece]{Items: list}, err)
		})
	register(a, op{ID: "deliver-electronic-pieces", Method: "POST", Path: "/orders/{id}/electronic-pieces/deliver", Tag: tag, Summary: "Deliver by hand what an order didn't get by itself", Access: write,
		Detail: "For orders older than their goods' being electronic, and after your own delivery refused. The order must be paid for."},
		func(ctx context.Context, in *ByID) (*Out[List[digital.Piece]], error) {
			list, err := a.Digital.Deliver(ctx, by(ctx), in.ID)
			return out(List[digital.Piece]{Items: list}, err)
		})
	register(a, op{ID: "reveal-electronic-piece", Method: "POST", Path: "/electronic-pieces/{id}/reveal", Tag: tag, Summary: "See a key as it is; that you looked is on record", Access: write},
		func(ctx context.Context, in *ByID) (*Out[Revealed], error) {
			s, err := a.Digital.Reveal(ctx, by(ctx), in.ID)
			return out(Revealed{s}, err)
		})
}
