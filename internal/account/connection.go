package account

import (
	"context"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// States of a connection.
const (
	StateOK         = "ok"
	StateDegraded   = "degraded"
	StateAuthFailed = "auth_failed"
	StatePaused     = "paused" // by an administrator: nobody asks the shop anything
)

// LiveConnection is a connection with its secrets open, for the engine that drives its plug.
type LiveConnection struct {
	care.Connection
	HookToken string
	State     string
	Version   int64 // grows with every change of settings or secrets
}

// Connection returns a connection with its secrets open. It is for the program's own engines: it knows no scope.
func (a *Accounts) Connection(ctx context.Context, id int64) (LiveConnection, error) {
	c, err := a.read().Connection(ctx, id)
	if err != nil {
		return LiveConnection{}, missing(err, "connection")
	}
	return a.live(c)
}

// ConnectionByHook returns the connection to whose address something was pushed.
func (a *Accounts) ConnectionByHook(ctx context.Context, hookToken string) (LiveConnection, error) {
	c, err := a.read().ConnectionByHook(ctx, hookToken)
	if err != nil {
		return LiveConnection{}, missing(err, "connection")
	}
	return a.live(c)
}

// Connections returns all connections of all stores that are in service, secrets open.
func (a *Accounts) Connections(ctx context.Context) ([]LiveConnection, error) {
	rows, err := a.read().AllConnections(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]LiveConnection, len(rows))
	for i, c := range rows {
		if out[i], err = a.live(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Accounts) live(c query.Connection) (LiveConnection, error) {
	secrets, err := a.sealer.Open(c.Secrets, boundTo("connection", c.ID))
	if err != nil {
		return LiveConnection{}, err
	}
	out := LiveConnection{
		Connection: care.Connection{ID: c.ID, Store: c.StoreID, Plug: c.Plug, Name: c.Name, Settings: c.Settings, Secrets: secrets},
		HookToken:  c.HookToken, State: c.State, Version: c.Version,
	}
	out.HookURL = a.hookAddress(c.HookToken)
	return out, nil
}

// SetConnectionState notes how a connection fares and tells about a change: connection.degraded, .auth_failed
// or .restored. A paused connection stays paused until an administrator resumes it.
func (a *Accounts) SetConnectionState(ctx context.Context, tx *db.Tx, id int64, state, reason string) error {
	q := query.New(tx)
	c, err := q.Connection(ctx, id)
	if err != nil {
		return missing(err, "connection")
	}
	reason = clip(reason, 500)
	if c.State == StatePaused || c.State == state && c.StateReason == reason {
		return nil
	}
	if _, err := q.SetConnectionState(ctx, query.SetConnectionStateParams{State: state, StateReason: reason, StateAt: db.At(tx.Now), ID: id}); err != nil {
		return err
	}
	if c.State == state {
		return nil // another reason for the same state
	}
	event := map[string]string{StateOK: care.EventConnectionRestored, StateDegraded: care.EventConnectionDegraded, StateAuthFailed: care.EventConnectionAuthFailed}[state]
	if event != "" {
		tx.Emit(db.Event{Store: c.StoreID, Type: event, Subject: id, Payload: care.ConnectionEvent{Connection: id, Plug: c.Plug, Reason: reason}})
	}
	return nil
}
