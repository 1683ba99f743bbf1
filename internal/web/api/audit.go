package api

import (
	"context"

	"opeka/internal/account"
	"opeka/internal/care"
)

func (a *API) registerAudit() {
	register(a, op{ID: "list-audit", Method: "GET", Path: "/audit", Tag: "Audit", Summary: "List who changed what, latest first", Access: needs(care.PermAudit)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[account.Audited]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Audit(ctx, by(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(e account.Audited) int64 { return e.ID }, err)
		})
}
