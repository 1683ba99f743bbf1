package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/messages"
)

const (
	sessionCookie = "opeka_session"
	csrfHeader    = "X-CSRF-Token"
)

// guard stands before an operation: it finds out who calls, refuses who may not, and bounds what he may send.
func (a *API) guard(o op) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		ctx, err := a.admit(r, o)
		if err == nil && r.ContentLength > o.MaxBody {
			err = &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": o.MaxBody}}
		}
		if err != nil {
			writeProblem(w, a.problem(ctx, err))
			return
		}
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, o.MaxBody)
		run := func(w http.ResponseWriter, r *http.Request) { next(humago.NewContext(hc.Operation(), r, w)) }
		if key := r.Header.Get(idempotencyHeader); key != "" && o.Method == http.MethodPost && !o.Access.Public && !o.OwnIdempotency {
			a.once(w, r, key, run)
			return
		}
		run(w, r)
	}
}

// admit returns the context of a caller who may go on.
func (a *API) admit(r *http.Request, o op) (context.Context, error) {
	ctx, info := r.Context(), requestOf(r.Context())
	now := a.DB.Now()
	bearer, withKey := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !withKey && unsafeMethod(r.Method) && crossOrigin.Check(r) != nil {
		return ctx, &care.Error{Code: "cross_origin", Kind: care.KindForbidden}
	}
	if o.Access.Public {
		if wait := a.limits.public.wait(info.ip, now); wait > 0 {
			return ctx, tooMany("too_many", wait)
		}
		return ctx, nil
	}
	c, err := a.authenticate(r, bearer, withKey, info)
	if err != nil {
		if wait := a.limits.refused.wait(info.ip, now); wait > 0 {
			return ctx, tooMany("too_many", wait)
		}
		return ctx, err
	}
	info.caller = callerName(c)
	if c.Agent != 0 || r.Header.Get("Accept-Language") == "" {
		info.language = c.Language
	}
	ctx = context.WithValue(ctx, keyCaller, c)
	if !withKey && unsafeMethod(r.Method) && subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(c.CSRF)) != 1 {
		return ctx, &care.Error{Code: "csrf", Kind: care.KindForbidden}
	}
	if wait := a.limits.caller.wait(info.caller, now); wait > 0 {
		return ctx, tooMany("too_many", wait)
	}
	if o.Access.AgentOnly && c.Agent == 0 {
		return ctx, &care.Error{Code: "agents_only", Kind: care.KindForbidden}
	}
	if p := o.Access.Permission; p != "" && !c.AnyStore(p) {
		return ctx, care.Forbidden(p)
	}
	return ctx, nil
}

func (a *API) authenticate(r *http.Request, bearer string, withKey bool, info *request) (account.Caller, error) {
	if withKey {
		return a.Accounts.ByKey(r.Context(), bearer)
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return account.Caller{}, &care.Error{Code: "unauthorised", Kind: care.KindUnauthorised}
	}
	return a.Accounts.BySession(r.Context(), c.Value, info.ip, info.agent)
}

// Authenticate returns who holds the session cookie of r: for other doors, such as the socket of an agent's browser.
func (a *API) Authenticate(r *http.Request) (account.Caller, error) {
	info := a.describe(r)
	return a.authenticate(r, "", false, info)
}

// crossOrigin refuses what a browser sends on behalf of another site; programs send neither of the headers that it looks at.
var crossOrigin = http.NewCrossOriginProtection()

func unsafeMethod(m string) bool {
	return m != http.MethodGet && m != http.MethodHead && m != http.MethodOptions
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *Problem) {
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a caller that has gone away needs no answer
}

// preferred is the language that a request asks for.
func preferred(r *http.Request) string {
	if l := messages.Match(r.Header.Get("Accept-Language")); l != "" {
		return l
	}
	return "en"
}
