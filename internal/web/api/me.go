package api

import (
	"context"
	"slices"

	"opeka/internal/account"
	"opeka/internal/care"
)

// Me is the signed-in agent and what his screens need at the start.
type Me struct {
	Agent       account.Profile   `json:"agent"`
	Permissions []care.Permission `json:"permissions" doc:"Those that he has in at least one store"`
	Stores      []MyStore         `json:"stores"`
	Presence    account.Presence  `json:"presence"`
	CSRFToken   string            `json:"csrf_token" doc:"To be sent as X-CSRF-Token with unsafe methods"`
	Version     string            `json:"version"`
}

// MyStore is a store of the agent's.
type MyStore struct {
	ID          int64             `json:"id"`
	Name        string            `json:"name"`
	Color       string            `json:"color"`
	Language    string            `json:"language"`
	Currency    string            `json:"currency"`
	TimeZone    string            `json:"time_zone"`
	Permissions []care.Permission `json:"permissions"`
}

// PasswordChange is the change of one's own password.
type PasswordChange struct {
	Current  string `json:"current" maxLength:"200"`
	Password string `json:"password" maxLength:"200"`
}

// PresenceChoice is the state that an agent chooses.
type PresenceChoice struct {
	State string `json:"state" enum:"ready,busy,away,offline"`
}

// maxMyStores bounds what one agent's screens list; an installation with more is looked at store by store.
const maxMyStores = 1000

func (a *API) me(ctx context.Context, c account.Caller) (Me, error) {
	who := account.By{Scope: c.Scope, Owner: c.Owner}
	me := Me{Permissions: []care.Permission{}, Stores: []MyStore{}, CSRFToken: c.CSRF, Version: a.Version}
	var err error
	if me.Agent, err = a.Accounts.Profile(ctx, who); err != nil {
		return me, err
	}
	if me.Presence, err = a.Accounts.PresenceOf(ctx, c.Agent); err != nil {
		return me, err
	}
	stores, err := a.Accounts.Stores(ctx, who, account.Page{Limit: maxMyStores})
	for _, s := range stores {
		me.Stores = append(me.Stores, MyStore{s.ID, s.Name, s.Color, s.Language, s.Currency, s.TimeZone, append([]care.Permission{}, c.Permissions[s.ID]...)})
		me.Permissions = append(me.Permissions, c.Permissions[s.ID]...)
	}
	slices.Sort(me.Permissions)
	me.Permissions = slices.Compact(me.Permissions)
	return me, err
}

func (a *API) registerMe() {
	register(a, op{ID: "get-me", Method: "GET", Path: "/me", Tag: "Session", Summary: "Get the signed-in agent", Access: signedIn},
		func(ctx context.Context, _ *struct{}) (*Out[Me], error) { return out(a.me(ctx, caller(ctx))) })
	register(a, op{ID: "update-me", Method: "PATCH", Path: "/me", Tag: "Session", Summary: "Change one's own profile", Access: signedIn},
		func(ctx context.Context, in *struct{ Body account.ProfileChange }) (*Out[account.Profile], error) {
			return out(a.Accounts.ChangeProfile(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "change-password", Method: "POST", Path: "/me/password", Tag: "Session", Summary: "Change one's own password", Detail: "Ends all other sessions.", Access: signedIn},
		func(ctx context.Context, in *struct{ Body PasswordChange }) (*None, error) {
			if wait := a.limits.loginAccount.wait(requestOf(ctx).caller, a.DB.Now()); wait > 0 {
				return nil, tooMany("login_too_many", wait)
			}
			return none(a.Accounts.ChangePassword(ctx, by(ctx), caller(ctx).Session, in.Body.Current, in.Body.Password))
		})
	register(a, op{ID: "set-presence", Method: "PUT", Path: "/me/presence", Tag: "Session", Summary: "Say whether one is there", Access: signedIn},
		func(ctx context.Context, in *struct{ Body PresenceChoice }) (*Out[account.Presence], error) {
			return out(a.Accounts.SetPresence(ctx, by(ctx), in.Body.State))
		})
	register(a, op{ID: "heartbeat", Method: "POST", Path: "/me/heartbeat", Tag: "Session", Summary: "Say that the browser is still open", Detail: "Every 30 seconds; after 90 without one the agent is shown as offline until the next.", Access: signedIn},
		func(ctx context.Context, _ *struct{}) (*Out[account.Presence], error) {
			return out(a.Accounts.Heartbeat(ctx, by(ctx)))
		})
	register(a, op{ID: "list-sessions", Method: "GET", Path: "/me/sessions", Tag: "Session", Summary: "List where one is signed in", Access: signedIn},
		func(ctx context.Context, _ *struct{}) (*Out[List[account.Session]], error) {
			items, err := a.Accounts.Sessions(ctx, by(ctx), caller(ctx).Session)
			return out(List[account.Session]{Items: items}, err)
		})
	register(a, op{ID: "revoke-session", Method: "DELETE", Path: "/me/sessions/{id}", Tag: "Session", Summary: "Sign out elsewhere", Access: signedIn},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.RevokeSession(ctx, by(ctx), in.ID))
		})
}
