package api

import (
	"context"
	"net/http"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

// Leaving says what becomes of what was read of a shop.
type Leaving struct {
	Erase bool `query:"erase" doc:"Also erase the orders, products and stock that were read. Customers and conversations stay."`
}

func (a *API) registerSync() {
	if a.Sync == nil {
		return
	}
	register(a, op{ID: "get-sync", Method: "GET", Path: "/connections/{id}/sync", Tag: "Connections", Summary: "Tell how far a shop was read and how its hooks stand", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *ByID) (*Out[commerce.SyncStatus], error) {
			return out(a.Sync.Status(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "start-sync", Method: "POST", Path: "/connections/{id}/sync", Tag: "Connections", Summary: "Read a shop whole", Status: http.StatusAccepted, Access: needs(care.PermConnections),
		Detail: "Begins the first import, or reads everything over again. From then on the shop is followed: its hooks are registered, changes are polled, open orders are looked at again. What happened before the import is told to nobody."},
		func(ctx context.Context, in *ByID) (*Out[commerce.SyncStatus], error) {
			return out(a.Sync.Start(ctx, scope(ctx), by(ctx).Actor(), in.ID))
		})
	register(a, op{ID: "register-hooks", Method: "POST", Path: "/connections/{id}/hooks", Tag: "Connections", Summary: "Make a shop push its changes here, or revive hooks that have died", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *ByID) (*Out[commerce.SyncStatus], error) {
			return out(a.Sync.RegisterHooks(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "disconnect", Method: "POST", Path: "/connections/{id}/disconnect", Tag: "Connections", Summary: "Stop following a shop and take its hooks out of it", Access: needs(care.PermConnections),
		Detail: "Do this before removing the connection: without its keys the hooks can't be reached any more."},
		func(ctx context.Context, in *struct {
			ByID
			Leaving
		}) (*Out[commerce.Left], error) {
			return out(a.Sync.Disconnect(ctx, scope(ctx), by(ctx).Actor(), in.ID, in.Erase))
		})
}
