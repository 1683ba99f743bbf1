package account

import (
	"context"
	"errors"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Client is where a request comes from.
type Client struct {
	IP        string
	UserAgent string
}

// Session is one browser in which an agent is signed in.
type Session struct {
	ID        int64   `json:"id"`
	IP        string  `json:"ip"`
	UserAgent string  `json:"user_agent"`
	CreatedAt db.Time `json:"created_at"`
	SeenAt    db.Time `json:"seen_at"`
	ExpiresAt db.Time `json:"expires_at"`
	Current   bool    `json:"current"`
}

// SignIn opens a session for an agent who knows his password and returns its token. old is the token that the browser
// had, if any, which ends: a token given to somebody before he signs in is of no use.
func (a *Accounts) SignIn(ctx context.Context, email, password, old string, c Client) (token string, err error) {
	agent, err := a.read().AgentByEmail(ctx, normalEmail(email))
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return "", err
	}
	known := err == nil && agent.Active
	hash := ""
	if known {
		hash = agent.Password
	}
	ok, err := a.passwordIs(ctx, password, hash)
	if err != nil {
		return "", err
	}
	if ok {
		return a.open(ctx, agent.ID, old, c)
	}
	if known {
		by := By{Scope: care.Scope{Agent: agent.ID}, IP: c.IP}
		err := a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
			stores, err := q.StoresOf(ctx, agent.ID)
			auditIn(tx, by, stores, entry{Action: "session.refused", Subject: agent.ID, Name: agent.Name})
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return "", &care.Error{Code: "login_failed", Kind: care.KindUnauthorised}
}

// open makes a session of an agent whose identity is established.
func (a *Accounts) open(ctx context.Context, agent int64, old string, c Client) (token string, err error) {
	token = newToken()
	csrf := newToken()
	by := By{Scope: care.Scope{Agent: agent}, IP: c.IP}
	return token, a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := q.Agent(ctx, agent)
		if err != nil {
			return err
		}
		if !row.Active { // since the password was looked at
			return &care.Error{Code: "login_failed", Kind: care.KindUnauthorised}
		}
		if old != "" {
			if _, err := q.DeleteSessionByToken(ctx, hashToken(old)); err != nil {
				return err
			}
			a.forgetScopes(tx)
		}
		stores, err := q.StoresOf(ctx, agent)
		if err != nil {
			return err
		}
		auditIn(tx, by, stores, entry{Action: "session.opened", Subject: agent, Name: row.Name})
		return q.InsertSession(ctx, query.InsertSessionParams{
			ID: tx.ID(), TokenHash: hashToken(token), AgentID: agent, Csrf: csrf, IP: clip(c.IP, 60), UserAgent: clip(c.UserAgent, 300), CreatedAt: db.At(tx.Now), ExpiresAt: db.At(tx.Now.Add(sessionIdle)),
		})
	})
}

// SignOut ends the caller's session and shows him offline when it was his last one.
func (a *Accounts) SignOut(ctx context.Context, by By, session int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		if _, err := q.DeleteSession(ctx, query.DeleteSessionParams{ID: session, AgentID: by.Agent}); err != nil {
			return err
		}
		a.forgetScopes(tx)
		left, err := q.SessionsOf(ctx, query.SessionsOfParams{AgentID: by.Agent, ExpiresAt: db.At(tx.Now)})
		if err != nil || len(left) > 0 {
			return err
		}
		p, err := q.Presence(ctx, by.Agent)
		if err != nil {
			return err
		}
		return a.setPresence(ctx, tx, q, by.Agent, p.State, Offline)
	})
}

// Sessions lists where the caller is signed in; current is the session that asks.
func (a *Accounts) Sessions(ctx context.Context, by By, current int64) ([]Session, error) {
	rows, err := a.read().SessionsOf(ctx, query.SessionsOfParams{AgentID: by.Agent, ExpiresAt: db.At(a.db.Now())})
	if err != nil {
		return nil, err
	}
	out := make([]Session, len(rows))
	for i, r := range rows {
		out[i] = Session{r.ID, r.IP, r.UserAgent, r.CreatedAt, r.SeenAt, r.ExpiresAt, r.ID == current}
	}
	return out, nil
}

// RevokeSession ends another of the caller's sessions.
func (a *Accounts) RevokeSession(ctx context.Context, by By, id int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		n, err := q.DeleteSession(ctx, query.DeleteSessionParams{ID: id, AgentID: by.Agent})
		a.forgetScopes(tx)
		return changed(n, err, "session")
	})
}

// ChangePassword sets the caller's own password and ends his other sessions.
func (a *Accounts) ChangePassword(ctx context.Context, by By, session int64, current, password string) error {
	agent, err := a.read().Agent(ctx, by.Agent)
	if err != nil {
		return missing(err, "agent")
	}
	ok, err := a.passwordIs(ctx, current, agent.Password)
	if err != nil {
		return err
	}
	if !ok {
		return care.Invalid("current", "password_wrong")
	}
	if err := checkPassword("password", password); err != nil {
		return err
	}
	hash, err := a.hashPassword(ctx, password)
	if err != nil {
		return err
	}
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error { return a.setPassword(ctx, tx, q, by, by.Agent, session, hash) })
}

// setPassword ends every session of the agent but keep.
func (a *Accounts) setPassword(ctx context.Context, tx *db.Tx, q *query.Queries, by By, agent, keep int64, hash string) error {
	n, err := q.SetPassword(ctx, query.SetPasswordParams{Password: hash, UpdatedAt: db.At(tx.Now), ID: agent})
	if err := changed(n, err, "agent"); err != nil {
		return err
	}
	if err := q.DeleteSessionsOf(ctx, query.DeleteSessionsOfParams{AgentID: agent, ID: keep}); err != nil {
		return err
	}
	a.forgetScopes(tx)
	stores, err := q.StoresOf(ctx, agent)
	auditIn(tx, by, stores, entry{Action: "password.changed", Subject: agent})
	return err
}
