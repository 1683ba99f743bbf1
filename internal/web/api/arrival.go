package api

import (
	"context"
	"net/http"

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
}
