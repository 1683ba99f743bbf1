package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/account"
	"opeka/internal/care"
)

// Access is who may call an operation.
type Access struct {
	Public     bool
	Any        bool            // any agent or API key: the operation looks only where the caller may
	AgentOnly  bool            // any signed-in agent, and no API key
	Permission care.Permission // in at least one store; the room checks the store that is meant
}

var (
	public   = Access{Public: true}
	known    = Access{Any: true}
	signedIn = Access{AgentOnly: true}
)

// needs asks for a permission, of an agent or an API key.
func needs(p care.Permission) Access { return Access{Permission: p} }

// agentNeeds asks for a permission and refuses API keys.
func agentNeeds(p care.Permission) Access { return Access{Permission: p, AgentOnly: true} }

// op describes an operation; its input and output types describe the rest.
type op struct {
	ID      string // "list-teams": the name of the function in generated clients
	Method  string
	Path    string // below Base
	Tag     string
	Summary string
	Detail  string
	Access  Access
	Status  int   // 0: 200, or 204 without a body
	MaxBody int64 // 0: 1 MiB
	// OwnIdempotency leaves the Idempotency-Key to the handler, which knows by its own means what it has done already.
	OwnIdempotency bool
}

// Route is an operation as tests and the reference list it.
type Route struct {
	ID, Method, Path string // Path below Base, with {parameters}
	Access           Access
}

// Routes lists every operation.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }

// Out is an answer with a body.
type Out[T any] struct{ Body T }

// None is an answer without one.
type None struct{}

// register adds an operation. For example:
//
//	register(a, op{ID: "get-team", Method: "GET", Path: "/teams/{id}", Tag: "People", Summary: "Get a team", Access: needs(care.PermInboxRead)},
//		func(ctx context.Context, in *struct{ ByID }) (*Out[account.Team], error) {
//			return out(a.Accounts.Team(ctx, by(ctx), in.ID))
//		})
//
// The handler's error may be a care.Error, which is told to the caller in his language; any other is logged and answered with 500.
func register[I, O any](a *API, o op, h func(context.Context, *I) (*O, error)) {
	if o.Access == (Access{}) {
		panic("api: " + o.ID + " doesn't say who may call it")
	}
	noHidden(o.ID, reflect.TypeFor[I]())
	noHidden(o.ID, reflect.TypeFor[O]())
	if o.MaxBody == 0 {
		o.MaxBody = maxBody
	}
	ho := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Detail, DefaultStatus: o.Status,
		MaxBodyBytes: -1, // the guard limits it, for multipart too
		Middlewares:  huma.Middlewares{a.guard(o)},
	}
	if o.Tag != "" {
		ho.Tags = []string{o.Tag}
	}
	if !o.Access.Public {
		ho.Security = []map[string][]string{{"session": {}}}
		if !o.Access.AgentOnly {
			ho.Security = append(ho.Security, map[string][]string{"key": {}})
		}
	}
	if o.Access.Permission != "" {
		ho.Extensions = map[string]any{"x-permission": string(o.Access.Permission)}
	}
	if o.Method == http.MethodPost && !o.Access.Public && !o.OwnIdempotency {
		ho.Parameters = append(ho.Parameters, &huma.Param{Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: "string"}, Description: "Makes it safe to send the request again."})
	}
	a.routes = append(a.routes, Route{o.ID, o.Method, o.Path, o.Access})
	huma.Register(a.huma, ho, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// noHidden refuses types whose fields huma would silently leave out of the description, and so refuse in requests:
// those of an embedded struct that isn't exported.
func noHidden(operation string, t reflect.Type) {
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		f := t.Field(i)
		if f.Anonymous && !f.IsExported() {
			panic("api: " + operation + ": the embedded " + f.Name + " must be exported")
		}
		if f.Anonymous || f.Name == "Body" {
			noHidden(operation, f.Type)
		}
	}
}

// out wraps what a room's verb returned.
func out[T any](v T, err error) (*Out[T], error) {
	if err != nil {
		return nil, err
	}
	return &Out[T]{v}, nil
}

// none is for verbs that return an error alone.
func none(err error) (*None, error) {
	if err != nil {
		return nil, err
	}
	return &None{}, nil
}

// ByID is the input of operations on one thing.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}

type contextKey int

const (
	keyRequest contextKey = iota
	keyCaller
)

// request is what is known of a request, for its log line and for errors.
type request struct {
	id       string
	ip       string
	language string
	https    bool
	caller   string
	agent    string // User-Agent
}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(keyRequest).(*request); ok {
		return r
	}
	return &request{language: "en"}
}

// caller is who makes an authenticated request; the zero Caller on a public route.
func caller(ctx context.Context) account.Caller {
	c, _ := ctx.Value(keyCaller).(account.Caller)
	return c
}

// scope is what the caller may see and do.
func scope(ctx context.Context) care.Scope { return caller(ctx).Scope }

// by is the caller as the account room wants it, for the audit log.
func by(ctx context.Context) account.By {
	return account.By{Scope: scope(ctx), Owner: caller(ctx).Owner, IP: requestOf(ctx).ip}
}

// language is the caller's.
func language(ctx context.Context) string { return requestOf(ctx).language }
