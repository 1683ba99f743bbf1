package api

import (
	"context"
	"net/http"

	"opeka/internal/account"
	"opeka/internal/care"
)

// NewKey is an API key to be made.
type NewKey struct {
	StoreID int64             `json:"store_id" minimum:"1"`
	Name    string            `json:"name" minLength:"1" maxLength:"100"`
	Scopes  []care.Permission `json:"scopes" minItems:"1" maxItems:"50" doc:"What programs with the key may do"`
}

// CreatedKey is a new key with its secret, which is shown this once.
type CreatedKey struct {
	Key    account.Key `json:"key"`
	Secret string      `json:"secret"`
}

func (a *API) registerKeys() {
	register(a, op{ID: "list-keys", Method: "GET", Path: "/keys", Tag: "Keys", Summary: "List API keys", Access: needs(care.PermKeys)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[account.Key]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Keys(ctx, by(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(k account.Key) int64 { return k.ID }, err)
		})
	register(a, op{ID: "create-key", Method: "POST", Path: "/keys", Tag: "Keys", Summary: "Make an API key", Detail: "Its secret is shown in this answer and never again.", Access: needs(care.PermKeys), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body NewKey }) (*Out[CreatedKey], error) {
			k, secret, err := a.Accounts.CreateKey(ctx, by(ctx), in.Body.StoreID, in.Body.Name, in.Body.Scopes)
			return out(CreatedKey{k, secret}, err)
		})
	register(a, op{ID: "revoke-key", Method: "DELETE", Path: "/keys/{id}", Tag: "Keys", Summary: "End an API key", Access: needs(care.PermKeys)},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.RevokeKey(ctx, by(ctx), in.ID))
		})
}
