// Package account owns who is served and who serves: stores, departments, teams, agents with their
// roles, skills, capacity and presence, sessions, API keys, the settings of connections, and the audit log
// of all of that. It decides what a caller may do (care.Scope); it never handles a conversation or an order.
package account

import (
	"context"
	"errors"
	"slices"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Bus carries hints between nodes: here, that what a session or key may do has changed, and who is present.
type Bus interface {
	Publish(topic string, data []byte)
	Subscribe(prefix string, f func(topic string, data []byte)) (cancel func())
}

// Options are what New needs beside the database.
type Options struct {
	Bus    Bus
	Sealer *Sealer     // seals the secrets of connections and stores
	Plugs  []care.Plug // what a connection may be made of
	// HookURL makes the public address at which a connection is pushed to from its hook token; nil while the installation has none.
	HookURL func(hookToken string) string
}

// Accounts is the room. Its methods are safe for concurrent use.
type Accounts struct {
	db      *db.DB
	bus     Bus
	sealer  *Sealer
	plugs   []care.Plug
	hookURL func(string) string
	callers *callerCache
	logins  chan struct{} // bounds the password hashes under way: each takes its memory
	quit    func()
}

// New opens the room. Close it to leave the bus.
func New(d *db.DB, o Options) *Accounts {
	a := &Accounts{
		db: d, bus: o.Bus, sealer: o.Sealer, plugs: o.Plugs, hookURL: o.HookURL,
		callers: newCallerCache(), logins: make(chan struct{}, parallelHashes),
	}
	a.quit = o.Bus.Subscribe(topicScopes, func(string, []byte) { a.callers.clear() })
	return a
}

// Close leaves the bus.
func (a *Accounts) Close() { a.quit() }

// By is on whose behalf a setting is changed: what the caller may do, and where he sits, for the audit log.
type By struct {
	care.Scope
	Owner bool // of the installation
	IP    string
}

// Actor is who the caller is, as events and the audit log name him.
func (b By) Actor() db.Actor {
	switch {
	case b.Agent != 0:
		return db.Actor{Kind: care.ActorAgent, ID: b.Agent}
	case b.Key != 0:
		return db.Actor{Kind: care.ActorKey, ID: b.Key}
	}
	return db.System
}

// Page says which part of a list is wanted: rows after an id, at most Limit.
type Page struct {
	After int64
	Limit int64
}

func (a *Accounts) read() *query.Queries { return query.New(a.db.Read()) }

// missing turns "no row" into care.NotFound.
func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}

// changed says that nothing was written because the row had gone.
func changed(n int64, err error, what string) error {
	if err == nil && n == 0 {
		return care.NotFound(what)
	}
	return err
}

// forgetScopes makes every node read anew what callers may do, once tx has committed.
func (a *Accounts) forgetScopes(tx *db.Tx) {
	tx.AfterCommit(func() {
		a.callers.clear()
		a.bus.Publish(topicScopes, nil)
	})
}

const topicScopes = "account.scopes"

// write is db.Write for the caller.
func (a *Accounts) write(ctx context.Context, by By, fn func(tx *db.Tx, q *query.Queries) error) error {
	return a.db.Write(ctx, by.Actor(), func(tx *db.Tx) error { return fn(tx, query.New(tx)) })
}

// Languages are those in which the program speaks.
var Languages = []string{"en", "uk", "ru", "pl"}

func checkLanguage(field, l string) error {
	if slices.Contains(Languages, l) {
		return nil
	}
	return care.Invalid(field, "language_unknown", "value", l)
}
