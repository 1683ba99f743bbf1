package api

import (
	"context"
	"net/http"
	"strings"

	"opeka/internal/account"
	"opeka/internal/care"
)

// InvitedAgent is a new agent with the link that he is to be sent. The link is shown this once.
type InvitedAgent struct {
	Agent      account.Person     `json:"agent"`
	Invitation account.Invitation `json:"invitation"`
}

func (a *API) registerAgents() {
	register(a, op{ID: "list-agents", Method: "GET", Path: "/agents", Tag: "People", Summary: "List agents", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Inactive bool `query:"inactive" doc:"Deactivated ones too"`
		}) (*Out[List[account.Person]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Agents(ctx, by(ctx), in.StoreID, in.Inactive, p)
			return pageByID(in.Paging, rows, func(p account.Person) int64 { return p.ID }, err)
		})
	register(a, op{ID: "invite-agent", Method: "POST", Path: "/agents", Tag: "People", Summary: "Add an agent", Detail: "Answers with a link by which the agent sets his password, once, within 7 days.", Access: needs(care.PermPeople), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body account.PersonChange }) (*Out[InvitedAgent], error) {
			p, inv, err := a.Accounts.Invite(ctx, by(ctx), in.Body)
			return out(InvitedAgent{p, a.link(inv)}, err)
		})
	register(a, op{ID: "get-agent", Method: "GET", Path: "/agents/{id}", Tag: "People", Summary: "Get an agent", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *ByID) (*Out[account.Person], error) {
			return out(a.Accounts.AgentFor(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "update-agent", Method: "PATCH", Path: "/agents/{id}", Tag: "People", Summary: "Change an agent", Detail: "Lists replace what was there; memberships only in the stores whose people the caller manages.", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *struct {
			ByID
			Body account.PersonChange
		}) (*Out[account.Person], error) {
			return out(a.Accounts.UpdateAgent(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "deactivate-agent", Method: "DELETE", Path: "/agents/{id}", Tag: "People", Summary: "Deactivate an agent", Detail: "His sessions end at once; what he did stays.", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *ByID) (*None, error) {
			inactive := false
			_, err := a.Accounts.UpdateAgent(ctx, by(ctx), in.ID, account.PersonChange{Active: &inactive})
			return none(err)
		})
	register(a, op{ID: "invite-agent-again", Method: "POST", Path: "/agents/{id}/invitation", Tag: "People", Summary: "Make a new link to set the password", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *ByID) (*Out[account.Invitation], error) {
			inv, err := a.Accounts.InviteAgain(ctx, by(ctx), in.ID)
			return out(a.link(inv), err)
		})
}

// RoleInfo is a role with what it may do.
type RoleInfo struct {
	Role        string            `json:"role"`
	Permissions []care.Permission `json:"permissions"`
}

func (a *API) registerRoles() {
	register(a, op{ID: "list-roles", Method: "GET", Path: "/roles", Tag: "People", Summary: "List the roles and what each may do in its store", Access: needs(care.PermPeople)},
		func(context.Context, *struct{}) (*Out[List[RoleInfo]], error) {
			l := List[RoleInfo]{Items: make([]RoleInfo, len(account.Roles))}
			for i, r := range account.Roles {
				l.Items[i] = RoleInfo{r, account.PermissionsOf(r)}
			}
			return out(l, nil)
		})
}

// link completes an invitation. The token stands behind the #, where no server's log sees it.
func (a *API) link(inv account.Invitation) account.Invitation {
	inv.URL = strings.TrimSuffix(a.PublicURL, "/") + "/app/invitation#" + inv.Token
	return inv
}
