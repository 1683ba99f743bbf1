package api

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/post"
)

// registerArrivals lists the operations on what written channels brought and nobody could take.
func (a *API) registerArrivals() {
	if a.Post == nil {
		return
	}
	const tag = "Jobs"
	operations := needs(care.PermOperations)
	register(a, op{ID: "list-dead-arrivals", Method: http.MethodGet, Path: "/arrivals/dead", Tag: tag, Summary: "List what channels brought and couldn't be taken, the oldest first",
		Detail: "Their raw form is kept until they are taken.", Access: operations},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[post.DeadArrival]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Post.Dead(ctx, scope(ctx).StoresWith(care.PermOperations, in.StoreID), p.After, int(p.Limit))
			return pageByID(in.Paging, rows, func(d post.DeadArrival) int64 { return d.ID }, err)
		})
	register(a, op{ID: "retry-dead-arrival", Method: http.MethodPost, Path: "/arrivals/dead/{id}/retry", Tag: tag, Summary: "Look again at what couldn't be taken", Access: operations, Status: http.StatusNoContent},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Post.Retry(ctx, by(ctx).Actor(), scope(ctx).StoresWith(care.PermOperations, 0), in.ID))
		})
	register(a, op{ID: "get-dead-arrival-raw", Method: http.MethodGet, Path: "/arrivals/dead/{id}/raw", Tag: tag, Summary: "Get what couldn't be taken as the channel brought it",
		Access: operations}, func(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
		raw, err := a.Post.RawOfDead(ctx, scope(ctx).StoresWith(care.PermOperations, 0), in.ID)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer raw.Close()
			hc.SetHeader("Content-Type", "application/octet-stream")
			hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="arrival-%d.bin"`, in.ID))
			hc.SetHeader("X-Content-Type-Options", "nosniff")
			hc.SetHeader("Cache-Control", "private, no-store")
			_, _ = io.Copy(hc.BodyWriter(), raw) // whoever went away misses the rest
		}}, nil
	})
	a.registerOptOuts()
}

// Address is an address of a channel.
type Address struct {
	Channel string `json:"channel" enum:"email,sms,telegram,viber,whatsapp,messenger"`
	Address string `json:"address" minLength:"1" maxLength:"320"`
}

// registerOptOuts lists the operations on addresses that must not be written to, and on links by which customers open a shop's bots.
func (a *API) registerOptOuts() {
	const tag = "Notices"
	settings := needs(care.PermSettings)
	register(a, op{ID: "list-opt-outs", Method: http.MethodGet, Path: "/opt-outs", Tag: tag, Summary: "List the addresses that must not be written to, the latest first", Access: settings},
		func(ctx context.Context, in *struct {
			InStore
			Paging
			Channel string `query:"channel" maxLength:"20"`
			Holding string `query:"q" maxLength:"100" doc:"The address contains it"`
		}) (*Out[List[post.OptOut]], error) {
			at := struct {
				At      int64
				Address string
			}{}
			if err := place(in.Cursor, &at); err != nil {
				return nil, err
			}
			rows, err := a.Post.OptOuts(ctx, scope(ctx), post.OptOutSearch{Store: in.StoreID, Channel: in.Channel, Holding: in.Holding, At: at.At, Address: at.Address, Limit: in.Limit + 1})
			if err != nil {
				return nil, err
			}
			l := List[post.OptOut]{Items: rows}
			if int64(len(rows)) > in.Limit {
				l.Items = rows[:in.Limit]
				at.At, at.Address = int64(l.Items[in.Limit-1].CreatedAt), l.Items[in.Limit-1].Address
				l.Next = cursor(at)
			}
			return &Out[List[post.OptOut]]{l}, nil
		})
	register(a, op{ID: "add-opt-out", Method: http.MethodPost, Path: "/stores/{id}/opt-outs", Tag: tag, Summary: "Keep an address from being written to", Access: settings, Status: http.StatusNoContent},
		func(ctx context.Context, in *struct {
			ByID
			Body Address
		}) (*None, error) {
			return none(a.Post.Suppress(ctx, by(ctx), in.ID, in.Body.Channel, in.Body.Address))
		})
	register(a, op{ID: "release-opt-out", Method: http.MethodPost, Path: "/stores/{id}/opt-outs/release", Tag: tag, Summary: "Let an address be written to again", Access: settings, Status: http.StatusNoContent,
		Detail: "What an address's owner forbade himself is his to allow: the audit log keeps who released it."},
		func(ctx context.Context, in *struct {
			ByID
			Body Address
		}) (*None, error) {
			return none(a.Post.Release(ctx, by(ctx), in.ID, in.Body.Channel, in.Body.Address))
		})
	if a.Customers == nil {
		return
	}
	register(a, op{ID: "make-messenger-links", Method: http.MethodPost, Path: "/customers/{id}/messenger-links", Tag: tag, Summary: "Make links by which a customer opens the shop's bots and is known there",
		Detail: "Each link is a secret for this customer alone: whoever opens the bot with it first is taken for him, and may be written to there from then on.", Access: needs(care.PermCustomerWrite)},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Order int64 `json:"order_id,omitempty" minimum:"0"`
			}
		}) (*Out[List[post.StartLink]], error) {
			c, err := a.Customers.Get(ctx, scope(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			if err := scope(ctx).Check(c.Store, care.PermCustomerWrite); err != nil {
				return nil, err
			}
			list, err := a.Post.StartLinks(ctx, by(ctx).Actor(), c.Store, c.ID, in.Body.Order)
			return out(List[post.StartLink]{Items: list}, err)
		})
}
