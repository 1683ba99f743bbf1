// Package care is the language of the house: nouns, money, the axes of an order's state, events and
// their payloads, errors, and the ports through which plugs reach the world. It does nothing by itself.
package care

import (
	"fmt"
	"slices"
)

// Money is an amount in minor units (cents, kopiykas) of an ISO 4217 currency.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Channels by which a contact comes.
const (
	ChannelChat  = "chat"
	ChannelEmail = "email"
	ChannelPhone = "phone"
	ChannelForm  = "form"
)

// Actor kinds, for db.Actor.
const (
	ActorAgent    = "agent"
	ActorCustomer = "customer"
	ActorKey      = "key"  // an API key of a store
	ActorPlug     = "plug" // a connection speaking for a shop
)

// Permission is what an operation asks of its caller; roles are sets of them.
type Permission string

const (
	PermInboxRead     Permission = "inbox.read"
	PermInboxWrite    Permission = "inbox.write"
	PermCustomerRead  Permission = "customer.read"
	PermCustomerWrite Permission = "customer.write"
	PermCommerceRead  Permission = "commerce.read"
	PermCommerceWrite Permission = "commerce.write" // actions on orders
	PermIngest        Permission = "commerce.ingest"
	PermPhone         Permission = "phone.use"        // to call and be called, and the callbacks' board
	PermSupervise     Permission = "phone.supervise"  // to listen in, whisper and join
	PermRecordings    Permission = "phone.recordings" // to hear what was recorded; each hearing is audited
	PermReports       Permission = "reports.read"
	PermPeople        Permission = "people.manage" // agents, teams, roles
	PermWork          Permission = "work.answer"   // inquiries and tasks of departments
	PermSettings      Permission = "settings.manage"
	PermConnections   Permission = "connections.manage"
	PermKeys          Permission = "keys.manage" // API keys and webhooks
	PermAudit         Permission = "audit.read"
	PermOperations    Permission = "operations.manage" // dead jobs, health
)

// Scope is what a caller may see and do: every query of a room takes one.
type Scope struct {
	Agent  int64   // 0 when the caller is an API key
	Key    int64   // 0 when the caller is an agent
	Stores []int64 // the stores that the caller belongs to
	// Permissions per store; an installation-wide administrator has every store in it.
	Permissions map[int64][]Permission
	Language    string // of the caller, for messages
}

// In tells whether the scope reaches the store.
func (s Scope) In(store int64) bool { return slices.Contains(s.Stores, store) }

// May tells whether the caller has the permission in the store.
func (s Scope) May(store int64, p Permission) bool { return slices.Contains(s.Permissions[store], p) }

// Check returns NotFound when the store is outside of the scope (so that nobody learns that it exists), and Forbidden when it is inside without the permission.
func (s Scope) Check(store int64, p Permission) error {
	if !s.In(store) {
		return NotFound("store")
	}
	if !s.May(store, p) {
		return Forbidden(p)
	}
	return nil
}

// StoresWith returns the stores in which the caller has the permission, narrowed to one when only is not 0.
func (s Scope) StoresWith(p Permission, only int64) []int64 {
	out := make([]int64, 0, len(s.Stores))
	for _, id := range s.Stores {
		if (only == 0 || only == id) && s.May(id, p) {
			out = append(out, id)
		}
	}
	return out
}

// Error is a refusal that a user can act on. Code is stable and names the entry `error.<code>` of the
// message catalogue, which Args fill; Field names the input that caused it.
type Error struct {
	Code   string
	Kind   Kind
	Field  string
	Args   map[string]any
	Fields []Error // several inputs at once
	Cause  error   // for the log, never shown
}

// Kind is the class of an error; web maps it to a status.
type Kind int

const (
	KindInvalid      Kind = iota + 1 // 422: the input is wrong
	KindNotFound                     // 404
	KindForbidden                    // 403
	KindUnauthorised                 // 401
	KindConflict                     // 409: true when asked, no longer
	KindTooMany                      // 429
	KindTooLarge                     // 413
	KindUnavailable                  // 503: try again
)

func (e *Error) Error() string {
	s := e.Code
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if len(e.Args) > 0 {
		s += fmt.Sprint(" ", e.Args)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// NotFound says that there is no such thing, or none that the caller may know of.
func NotFound(what string) *Error {
	return &Error{Code: "not_found", Kind: KindNotFound, Args: map[string]any{"what": what}}
}

// Forbidden says that the caller lacks a permission.
func Forbidden(p Permission) *Error {
	return &Error{Code: "forbidden", Kind: KindForbidden, Args: map[string]any{"permission": string(p)}}
}

// Invalid says what is wrong with a field; args come in pairs of name and value.
func Invalid(field, code string, args ...any) *Error {
	return &Error{Code: code, Kind: KindInvalid, Field: field, Args: pairs(args)}
}

// Conflict says that the state has changed under the caller.
func Conflict(code string, args ...any) *Error {
	return &Error{Code: code, Kind: KindConflict, Args: pairs(args)}
}

func pairs(args []any) map[string]any {
	if len(args) == 0 {
		return nil
	}
	m := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		m[fmt.Sprint(args[i])] = args[i+1]
	}
	return m
}
