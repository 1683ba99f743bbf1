package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/phone"
)

// registerOutgoing adds what tells how a store rings others; it is set with the rest of the policy by set-callback-rules.
func (a *API) registerOutgoing() {
	manage := needs(care.PermSettings)
	register(a, op{ID: "get-outgoing", Method: "GET", Path: "/stores/{id}/outgoing", Tag: tagPhone, Summary: "By which trunks a store rings others, and which countries there are to allow", Access: manage},
		func(ctx context.Context, in *ByID) (*Out[phone.Outgoing], error) {
			return out(a.Phone.OutgoingOf(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "check-number", Method: "POST", Path: "/stores/{id}/number-check", Tag: tagPhone, Summary: "Tell whether a number would be rung, and why not", Access: manage, OwnIdempotency: true,
		Detail: "By the store's rules of dialling, or by others that aren't kept yet."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Number   string          `json:"number" minLength:"1" maxLength:"80" doc:"As people write it"`
				Dialling *phone.Dialling `json:"dialling,omitempty"`
			}
		}) (*Out[phone.NumberCheck], error) {
			return out(a.Phone.CheckNumber(ctx, scope(ctx), in.ID, in.Body.Number, in.Body.Dialling))
		})
}
