package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/phone"
)

// NewHandset is a telephone to give to an agent.
type NewHandset struct {
	StoreID int64  `json:"store_id" minimum:"1"`
	Agent   int64  `json:"agent_id,omitempty" minimum:"0" doc:"The caller if absent; anybody else's takes the right to manage people"`
	Label   string `json:"label,omitempty" maxLength:"80" doc:"Which telephone it is"`
}

// registerHandsets adds agents' own SIP telephones. An agent is rung there when he has come to the telephone with its name as device: PUT /phone/me.
func (a *API) registerHandsets() {
	use, mine := needs(care.PermPhone), agentNeeds(care.PermPhone)
	register(a, op{ID: "list-handsets", Method: "GET", Path: "/handsets", Tag: tagPhone, Summary: "List agents' own SIP telephones", Access: use,
		Detail: "The caller's own, and all where he manages people."},
		func(ctx context.Context, in *struct {
			StoreID int64 `query:"store_id" minimum:"0"`
			Agent   int64 `query:"agent_id" minimum:"0"`
		}) (*Out[List[phone.Handset]], error) {
			return whole(a.Phone.Handsets(ctx, scope(ctx), in.StoreID, in.Agent))
		})
	register(a, op{ID: "get-handset-server", Method: "GET", Path: "/handset-server", Tag: tagPhone, Summary: "Where and how agents' own SIP telephones register", Access: use},
		func(ctx context.Context, _ *struct{}) (*Out[phone.HandsetServer], error) {
			return out(a.Phone.HandsetServer(ctx, scope(ctx)))
		})
	register(a, op{ID: "make-handset", Method: "POST", Path: "/handsets", Tag: tagPhone, Summary: "Make credentials for an agent's own SIP telephone", Access: mine, Status: 201,
		Detail: "The password is told this once. The telephone registers as name at the installation's SIP address, realm opeka."},
		func(ctx context.Context, in *struct{ Body NewHandset }) (*Out[phone.IssuedHandset], error) {
			return out(a.Phone.MakeHandset(ctx, by(ctx), in.Body.StoreID, in.Body.Agent, in.Body.Label))
		})
	register(a, op{ID: "revoke-handset", Method: "DELETE", Path: "/handsets/{id}", Tag: tagPhone, Summary: "End a telephone's right to register, at once", Access: mine},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Phone.RevokeHandset(ctx, by(ctx), in.ID))
		})
}
