package api

import (
	"context"
	"net/http"

	"opeka/internal/account"
	"opeka/internal/care"
)

// IdentitySecret is the key with which a shop signs who its visitor is.
type IdentitySecret struct {
	Secret string `json:"secret"`
}

func (a *API) registerStores() {
	register(a, op{ID: "list-stores", Method: "GET", Path: "/stores", Tag: "Stores", Summary: "List stores", Access: needs(care.PermSettings)},
		func(ctx context.Context, in *Paging) (*Out[List[account.Store]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Stores(ctx, by(ctx), p)
			return pageByID(*in, rows, func(s account.Store) int64 { return s.ID }, err)
		})
	register(a, op{ID: "create-store", Method: "POST", Path: "/stores", Tag: "Stores", Summary: "Open a store", Detail: "For owners of the installation.", Access: agentNeeds(care.PermSettings), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body account.StoreChange }) (*Out[account.Store], error) {
			return out(a.Accounts.CreateStore(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "get-store", Method: "GET", Path: "/stores/{id}", Tag: "Stores", Summary: "Get a store", Access: needs(care.PermSettings)},
		func(ctx context.Context, in *ByID) (*Out[account.Store], error) {
			return out(a.Accounts.StoreFor(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "update-store", Method: "PATCH", Path: "/stores/{id}", Tag: "Stores", Summary: "Change a store", Detail: "What isn't named stays as it is.", Access: needs(care.PermSettings)},
		func(ctx context.Context, in *struct {
			ByID
			Body account.StoreChange
		}) (*Out[account.Store], error) {
			return out(a.Accounts.UpdateStore(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "archive-store", Method: "DELETE", Path: "/stores/{id}", Tag: "Stores", Summary: "Take a store out of service", Detail: "For owners of the installation. Nothing is erased.", Access: agentNeeds(care.PermSettings)},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.ArchiveStore(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "show-identity-secret", Method: "POST", Path: "/stores/{id}/identity-secret", Tag: "Stores", Summary: "Show the secret that signs visitors' identities", Detail: "The look is written into the audit log.", Access: agentNeeds(care.PermSettings)},
		func(ctx context.Context, in *ByID) (*Out[IdentitySecret], error) {
			s, err := a.Accounts.ShowIdentitySecret(ctx, by(ctx), in.ID)
			return out(IdentitySecret{s}, err)
		})
	register(a, op{ID: "rotate-identity-secret", Method: "POST", Path: "/stores/{id}/identity-secret/rotate", Tag: "Stores", Summary: "Make a new identity secret", Detail: "The one before stays valid until it is dropped or the next rotation.", Access: agentNeeds(care.PermSettings)},
		func(ctx context.Context, in *ByID) (*Out[IdentitySecret], error) {
			s, err := a.Accounts.RotateIdentitySecret(ctx, by(ctx), in.ID)
			return out(IdentitySecret{s}, err)
		})
	register(a, op{ID: "drop-old-identity-secret", Method: "DELETE", Path: "/stores/{id}/identity-secret/old", Tag: "Stores", Summary: "End the validity of the identity secret before the present one", Access: agentNeeds(care.PermSettings)},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.DropOldIdentitySecret(ctx, by(ctx), in.ID))
		})
}
