package widget

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opeka/internal/care"
	"opeka/internal/web/pace"
	"opeka/messages"
)

// request is a visitor's, after the checks that all of them share.
type request struct {
	*http.Request
	whole    io.ReadCloser // the body without the usual limit, for files
	claims   claims
	store    *store
	language string
	now      time.Time
}

// handler answers with a value for JSON, or an error that the visitor is told in his language.
type handler func(w http.ResponseWriter, r *request) (any, error)

const (
	maxBody  = 160 << 10 // 20,000 characters, each of them escaped
	maxDepth = 12
)

var (
	errOrigin = &care.Error{Code: "widget.origin_refused", Kind: care.KindForbidden}
	// A body that can't be read isn't one that could be corrected field by field.
	errMalformed = &care.Error{Code: "body_malformed", Kind: kindMalformed}
)

const kindMalformed care.Kind = -1

func (d *Door) public(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr, whole: hr.Body, language: language(hr), now: d.db.Now()}
		cors(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if wait := d.limits.address(d.address(hr), r.now); wait > 0 {
			d.refuse(w, r, pace.TooMany(wait))
			return
		}
		hr.Body = http.MaxBytesReader(w, hr.Body, maxBody)
		v, err := h(w, r)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		if v == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v) // the visitor has gone
	})
}

// cors lets any page ask. No cookie counts here, only the token, and the token's shop says which pages may use it.
func cors(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	cors(h)
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept-Language")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// known reads the token and finds the shop that it belongs to.
func (d *Door) known(r *request) error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return errToken
	}
	var err error
	if r.claims, err = d.open(token); err != nil {
		return err
	}
	if r.store, err = d.stores.get(r.Context(), r.claims.Store, r.now); err != nil {
		return err
	}
	if !r.store.serves(r.Header.Get("Origin")) {
		return errOrigin
	}
	return nil
}

// decode reads a body of JSON. Fields that nobody knows are let be: pages that were open during an update send those of yesterday.
func (r *request) decode(v any) error {
	b, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case err != nil:
		return &care.Error{Code: "body_unreadable", Kind: kindMalformed}
	}
	if err := scan(b); err != nil {
		return err
	}
	if json.Unmarshal(b, v) != nil {
		return errMalformed
	}
	return nil
}

// scan refuses what would be JSON, but is made to be trouble.
func scan(b []byte) error {
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return &care.Error{Code: "text_invalid", Kind: kindMalformed}
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return &care.Error{Code: "body_too_deep", Kind: kindMalformed, Args: map[string]any{"max": maxDepth}}
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					if i++; bytes.HasPrefix(b[min(i, len(b)):], []byte("u0000")) {
						return &care.Error{Code: "text_invalid", Kind: kindMalformed}
					}
				}
			}
		}
	}
	return nil
}

func tooLarge(limit int64) *care.Error {
	return &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": limit}}
}

// problem is an error as the visitor's panel reads it (RFC 9457), in the same form as the API's.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Code   string         `json:"code"`
	Errors []fieldProblem `json:"errors,omitempty"`
}

type fieldProblem struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

var kinds = map[care.Kind]struct {
	status int
	title  string
}{
	kindMalformed:         {http.StatusBadRequest, "malformed"},
	care.KindInvalid:      {http.StatusUnprocessableEntity, "invalid"},
	care.KindNotFound:     {http.StatusNotFound, "not_found"},
	care.KindForbidden:    {http.StatusForbidden, "forbidden"},
	care.KindUnauthorised: {http.StatusUnauthorized, "unauthorised"},
	care.KindConflict:     {http.StatusConflict, "conflict"},
	care.KindTooMany:      {http.StatusTooManyRequests, "too_many"},
	care.KindTooLarge:     {http.StatusRequestEntityTooLarge, "too_large"},
	care.KindUnavailable:  {http.StatusServiceUnavailable, "unavailable"},
}

func (d *Door) refuse(w http.ResponseWriter, r *request, err error) {
	var e *care.Error
	if !errors.As(err, &e) || kinds[e.Kind].status == 0 {
		if !errors.Is(err, context.Canceled) {
			d.o.Log.LogAttrs(r.Context(), slog.LevelError, "widget: request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		}
		e = &care.Error{Code: "unavailable", Kind: care.KindUnavailable}
	}
	k := kinds[e.Kind]
	p := problem{Type: "urn:opeka:problem:" + e.Code, Status: k.status, Code: e.Code,
		Title: messages.T(r.language, "error.title."+k.title, nil), Detail: messages.T(r.language, "error."+e.Code, e.Args)}
	if e.Field != "" {
		p.Errors = []fieldProblem{{e.Field, e.Code, p.Detail}}
	}
	h := w.Header()
	if n, ok := e.Args["n"].(int); ok && k.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(n))
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(k.status)
	_ = json.NewEncoder(w).Encode(p) // the visitor has gone
}

func language(r *http.Request) string {
	if l := messages.Match(r.Header.Get("Accept-Language")); l != "" {
		return l
	}
	return messages.Languages[0]
}

// address is the visitor's as far as it is known.
func (d *Door) address(r *http.Request) string { return pace.Address(r, d.o.BehindProxy) }

// limits are how often visitors may ask, on this node.
type limits struct {
	addresses, sends, uploads, tracks, asks, asksFrom *pace.Buckets
}

func newLimits() limits {
	return limits{
		addresses: pace.New(20, 200), // an office, or a mobile network, behind one address
		sends:     pace.New(1, 20),
		uploads:   pace.New(0.2, 20),
		tracks:    pace.New(2, 40),
		asks:      pace.New(0.05, 6),
		asksFrom:  pace.New(0.05, 20),
	}
}

func (l *limits) address(name string, now time.Time) time.Duration {
	if name == "" {
		return 0
	}
	return l.addresses.Wait(name, now)
}

// clip shortens s to at most n bytes of whole characters; what comes with a message by the way isn't worth refusing it.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
