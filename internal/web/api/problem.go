package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"opeka/internal/care"
	"opeka/messages"
)

// Problem is every error that the API answers with (RFC 9457). Code is stable; the texts are in the caller's language.
type Problem struct {
	Type   string         `json:"type" doc:"Identifies the kind of problem"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail" doc:"What is wrong and how to mend it"`
	Code   string         `json:"code" doc:"Stable, for programs"`
	Errors []FieldProblem `json:"errors,omitempty"`

	retryAfter int // seconds
}

// FieldProblem is what is wrong with one input.
type FieldProblem struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty" doc:"Where in a text that is checked, such as a template or a condition"`
	Column  int    `json:"column,omitempty"`
}

// inField is what is wrong with a field, with its place in the field's text if it has one.
func inField(lang string, e *care.Error) FieldProblem {
	f := FieldProblem{Field: e.Field, Code: e.Code, Message: messages.T(lang, "error."+e.Code, e.Args)}
	f.Line, _ = e.Args["line"].(int)
	f.Column, _ = e.Args["column"].(int)
	return f
}

func (p *Problem) Error() string  { return p.Code + ": " + p.Detail }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

var kinds = map[care.Kind]struct {
	status int
	title  string
}{
	care.KindInvalid:      {http.StatusUnprocessableEntity, "invalid"},
	care.KindNotFound:     {http.StatusNotFound, "not_found"},
	care.KindForbidden:    {http.StatusForbidden, "forbidden"},
	care.KindUnauthorised: {http.StatusUnauthorized, "unauthorised"},
	care.KindConflict:     {http.StatusConflict, "conflict"},
	care.KindTooMany:      {http.StatusTooManyRequests, "too_many"},
	care.KindTooLarge:     {http.StatusRequestEntityTooLarge, "too_large"},
	care.KindUnavailable:  {http.StatusServiceUnavailable, "unavailable"},
}

// problem turns an error of a room into the answer. One that isn't meant for callers is logged, here and only here.
func (a *API) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *care.Error
	if errors.As(err, &e) {
		if k := kinds[e.Kind]; k.status != 0 {
			if e.Cause != nil {
				a.Log.LogAttrs(ctx, slog.LevelInfo, "refused", slog.String("request", requestOf(ctx).id), slog.String("code", e.Code), slog.Any("cause", e.Cause))
			}
			return told(language(ctx), k.status, k.title, e)
		}
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return plain(language(ctx), http.StatusServiceUnavailable, "unavailable", "unavailable", nil) // nobody is listening any more
	}
	if unstorable(err) {
		return plain(language(ctx), http.StatusUnprocessableEntity, "invalid", "text_invalid", nil)
	}
	r := requestOf(ctx)
	a.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request", r.id), slog.Any("err", err))
	return plain(r.language, http.StatusInternalServerError, "internal", "internal", map[string]any{"request": r.id})
}

// unstorable is PostgreSQL's refusal of text that isn't UTF-8 or holds NUL.
func unstorable(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "22021" || pe.Code == "22P05")
}

func told(lang string, status int, title string, e *care.Error) *Problem {
	p := plain(lang, status, title, e.Code, e.Args)
	if e.Field != "" {
		p.Errors = []FieldProblem{inField(lang, e)}
	}
	for i := range e.Fields {
		if i == 0 && e.Fields[0].Field == e.Field && e.Fields[0].Code == e.Code {
			continue // the first of several stands for all
		}
		p.Errors = append(p.Errors, inField(lang, &e.Fields[i]))
	}
	if seconds, ok := e.Args["n"].(int); ok && status == http.StatusTooManyRequests {
		p.retryAfter = seconds
	}
	return p
}

func plain(lang string, status int, title, code string, args map[string]any) *Problem {
	return &Problem{
		Type: "urn:opeka:problem:" + code, Status: status, Code: code,
		Title: messages.T(lang, "error.title."+title, nil), Detail: messages.T(lang, "error."+code, args),
	}
}

func tooMany(code string, wait float64) *care.Error {
	return &care.Error{Code: code, Kind: care.KindTooMany, Args: map[string]any{"n": max(1, int(math.Ceil(wait)))}}
}

// speakOurErrors makes huma's own refusals, which it finds before a handler runs, look like all others.
func speakOurErrors() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return refusal("en", status, msg, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return refusal(language(ctx.Context()), status, msg, errs)
	}
}

func refusal(lang string, status int, msg string, errs []error) *Problem {
	for _, err := range errs {
		var large *http.MaxBytesError
		if errors.As(err, &large) || err != nil && strings.Contains(err.Error(), "request body too large") {
			limit := int64(maxBody)
			if large != nil {
				limit = large.Limit
			}
			return plain(lang, http.StatusRequestEntityTooLarge, "too_large", "too_large", map[string]any{"limit": limit})
		}
	}
	switch {
	case status == http.StatusUnsupportedMediaType:
		return plain(lang, status, "malformed", "content_type", nil)
	case status == http.StatusRequestTimeout, strings.HasPrefix(msg, "cannot read request body"):
		return plain(lang, http.StatusBadRequest, "malformed", "body_unreadable", nil)
	case strings.HasPrefix(msg, "request body is required"):
		return plain(lang, http.StatusBadRequest, "malformed", "body_required", nil)
	case len(errs) == 0 && status != http.StatusUnprocessableEntity:
		return plain(lang, status, "malformed", "body_malformed", nil)
	}
	p := plain(lang, http.StatusUnprocessableEntity, "invalid", "invalid", nil)
	for _, err := range errs {
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			continue
		}
		f := refusedField(lang, d.ErrorDetail())
		if f.Field == "" && status == http.StatusBadRequest { // of the body as a whole
			return plain(lang, status, "malformed", f.Code, f.args)
		}
		p.Errors = append(p.Errors, f.FieldProblem)
	}
	return p
}

type refused struct {
	FieldProblem
	args map[string]any
}

func refusedField(lang string, d *huma.ErrorDetail) refused {
	place, field, _ := strings.Cut(d.Location, ".")
	if place != "body" && place != "query" && place != "path" && place != "header" && place != "cookie" {
		field = d.Location
	}
	code, args := readRefusal(d.Message)
	if code == "required" || code == "unexpected" {
		// huma names the object; the field is what people look for.
		if name, ok := args["field"].(string); ok && name != "" {
			field = strings.TrimPrefix(field+"."+name, ".")
		}
	}
	return refused{FieldProblem{Field: field, Code: code, Message: messages.T(lang, "error."+code, args)}, args}
}

// refusals reads huma's English sentences; the group, if any, is the argument.
var refusals = []struct {
	re   *regexp.Regexp
	code string
	arg  string
}{
	{regexp.MustCompile(`^expected required property (\S+) to be present`), "required", "field"},
	{regexp.MustCompile(`^required \w+ parameter is missing`), "required", ""},
	{regexp.MustCompile(`^unexpected property`), "unexpected", ""},
	{regexp.MustCompile(`^unknown query parameter`), "unexpected", ""},
	{regexp.MustCompile(`^expected value to be one of "(.*)"`), "not_one_of", "values"},
	{regexp.MustCompile(`^expected length >= (\d+)`), "too_short", "min"},
	{regexp.MustCompile(`^expected length <= (\d+)`), "too_long", "max"},
	{regexp.MustCompile(`^expected array length >= (\d+)`), "too_few", "min"},
	{regexp.MustCompile(`^expected array length <= (\d+)`), "too_many_items", "max"},
	{regexp.MustCompile(`^expected number >=? (\S+)`), "below", "min"},
	{regexp.MustCompile(`^expected number <=? (\S+)`), "above", "max"},
	{regexp.MustCompile(`^expected array items to be unique`), "not_unique", ""},
	{regexp.MustCompile(`^expected string to be RFC 5322 email`), "email_invalid", ""},
	{regexp.MustCompile(`^expected string to be RFC 3986 uri`), "url_invalid", ""},
	{regexp.MustCompile(`^expected string to be RFC (3339|1123)`), "time_invalid", ""},
	{regexp.MustCompile(`^expected string to`), "pattern", ""},
	{regexp.MustCompile(`^(expected integer|invalid integer)`), "not_integer", ""},
	{regexp.MustCompile(`^(expected number|invalid float)`), "not_number", ""},
	{regexp.MustCompile(`^(expected boolean|invalid boolean)`), "not_boolean", ""},
	{regexp.MustCompile(`^expected string`), "not_text", ""},
	{regexp.MustCompile(`^expected array`), "not_list", ""},
	{regexp.MustCompile(`^expected object`), "not_object", ""},
	{regexp.MustCompile(`^body_too_deep`), "body_too_deep", ""},
	{regexp.MustCompile(`^text_invalid`), "text_invalid", ""},
	{regexp.MustCompile(`^(invalid character|unexpected end of JSON|unexpected EOF|json:)`), "body_malformed", ""},
}

func readRefusal(msg string) (code string, args map[string]any) {
	for _, r := range refusals {
		m := r.re.FindStringSubmatch(msg)
		if m == nil {
			continue
		}
		args = map[string]any{}
		if r.arg != "" {
			args[r.arg] = strings.Trim(m[1], `"`)
		}
		if r.code == "body_too_deep" {
			args["max"] = maxDepth
		}
		return r.code, args
	}
	return "value_invalid", nil
}
