package api

import (
	"context"
	"net/http"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/post"
)

// NewConnection is a connection to be made.
type NewConnection struct {
	StoreID int64  `json:"store_id" minimum:"1"`
	Plug    string `json:"plug" minLength:"1" maxLength:"60" doc:"A name of GET /plugs"`
	account.ConnectionChange
}

// PlugList is what connections can be made of.
type PlugList struct {
	Items []account.Plug `json:"items"`
}

// TakenLetter says what became of a letter that was handed over.
type TakenLetter struct {
	Duplicate bool `json:"duplicate" doc:"It had been handed over before"`
}

func (a *API) registerConnections() {
	register(a, op{ID: "list-plugs", Method: "GET", Path: "/plugs", Tag: "Connections", Summary: "List what can be connected, with the fields of each", Access: needs(care.PermConnections)},
		func(context.Context, *struct{}) (*Out[PlugList], error) {
			return out(PlugList{a.Accounts.Plugs()}, nil)
		})
	register(a, op{ID: "list-connections", Method: "GET", Path: "/connections", Tag: "Connections", Summary: "List connections", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[account.Connection]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.ConnectionsFor(ctx, by(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(c account.Connection) int64 { return c.ID }, err)
		})
	register(a, op{ID: "create-connection", Method: "POST", Path: "/connections", Tag: "Connections", Summary: "Connect something to a store", Access: needs(care.PermConnections), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body NewConnection }) (*Out[account.Connection], error) {
			return out(a.Accounts.CreateConnection(ctx, by(ctx), in.Body.StoreID, in.Body.Plug, in.Body.ConnectionChange))
		})
	register(a, op{ID: "get-connection", Method: "GET", Path: "/connections/{id}", Tag: "Connections", Summary: "Get a connection", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *ByID) (*Out[account.Connection], error) {
			return out(a.Accounts.ConnectionFor(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "update-connection", Method: "PATCH", Path: "/connections/{id}", Tag: "Connections", Summary: "Change, pause or resume a connection", Detail: "Settings that aren't named stay, secrets too; null removes one.", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *struct {
			ByID
			Body account.ConnectionChange
		}) (*Out[account.Connection], error) {
			return out(a.Accounts.UpdateConnection(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "delete-connection", Method: "DELETE", Path: "/connections/{id}", Tag: "Connections", Summary: "Remove a connection", Detail: "A shop is left first, as by POST /connections/{id}/disconnect.", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *struct {
			ByID
			Leaving
		}) (*None, error) {
			if a.Sync != nil {
				if _, err := a.Sync.Disconnect(ctx, scope(ctx), by(ctx).Actor(), in.ID, in.Erase); err != nil {
					return nil, err
				}
			}
			if a.Post != nil {
				if _, err := a.Accounts.ConnectionFor(ctx, by(ctx), in.ID); err != nil {
					return nil, err
				}
				a.Post.Leave(ctx, in.ID)
			}
			return none(a.Accounts.DeleteConnection(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "test-connection", Method: "POST", Path: "/connections/{id}/test", Tag: "Connections", Summary: "Ask the other side who it is", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *ByID) (*Out[care.PeerInfo], error) {
			return out(a.Accounts.TestConnection(ctx, by(ctx), in.ID, a.Outgoing))
		})
	if a.Post != nil {
		register(a, op{ID: "upload-letter", Method: "POST", Path: "/letters", Tag: "Connections", Summary: "Hand over a letter as it came", Access: needs(care.PermConnections), Status: http.StatusAccepted, MaxBody: post.MaxRaw, OwnIdempotency: true,
			Detail: "The body is the whole letter with its head. It is kept before it is answered, and read afterwards. The same letter is kept once, however often it is sent."},
			func(ctx context.Context, in *struct {
				ConnectionID int64  `query:"connection_id" minimum:"0" doc:"The mailbox, by its connection"`
				Mailbox      string `query:"mailbox" maxLength:"320" doc:"Or by an address under which letters come to it"`
				RawBody      []byte `contentType:"message/rfc822"`
			}) (*Out[TakenLetter], error) {
				p, err := a.Post.Upload(ctx, scope(ctx), in.ConnectionID, in.Mailbox, in.RawBody)
				return out(TakenLetter{p.Duplicate}, err)
			})
	}
	register(a, op{ID: "rotate-connection", Method: "POST", Path: "/connections/{id}/rotate", Tag: "Connections", Summary: "Give a connection a new address for what is pushed to it", Detail: "The old address ends at once.", Access: needs(care.PermConnections)},
		func(ctx context.Context, in *ByID) (*Out[account.Connection], error) {
			return out(a.Accounts.RotateHookToken(ctx, by(ctx), in.ID))
		})
}
