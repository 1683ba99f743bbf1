package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/messages"
)

func TestErrorsSpeakTheCallersLanguage(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		var p Problem
		r := s.do(browser{language: "uk-UA,uk;q=0.9"}, "POST", "/session", Credentials{"olena@example.com", "wrong"}, 401, &p)
		if p.Code != "login_failed" || p.Detail != messages.T("uk", "error.login_failed", nil) || p.Title != messages.T("uk", "error.title.unauthorised", nil) {
			t.Fatalf("%+v", p)
		}
		if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Fatal(ct)
		}
		// An agent's own language wins over his browser's.
		pl := "pl"
		s.do(s.admin, "PATCH", "/me", account.ProfileChange{Language: &pl}, 200, nil)
		b := s.admin
		b.language = "ru"
		s.do(b, "GET", "/teams/7", nil, 404, &p)
		if p.Detail != messages.T("pl", "error.not_found", nil) {
			t.Fatalf("%+v", p)
		}
	})
}

func TestInvalidInputNamesItsFields(t *testing.T) {
	d, clock := dbtest.Open(t, db.SQLite)
	s := newDesk(t, d, clock, generous)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code                     string
		fields                   map[string]string
	}{
		{"missing", "POST", "/session", `{"email":"a@b.example"}`, 422, "invalid", map[string]string{"password": "required"}},
		{"unknown", "POST", "/session", `{"email":"a","password":"b","extra":1}`, 422, "invalid", map[string]string{"extra": "unexpected"}},
		{"types", "POST", "/keys", `{"store_id":"x","name":5,"scopes":{}}`, 422, "invalid", map[string]string{"store_id": "not_integer", "name": "not_text", "scopes": "not_list"}},
		{"enum", "PUT", "/me/presence", `{"state":"asleep"}`, 422, "invalid", map[string]string{"state": "not_one_of"}},
		{"lengths", "POST", "/departments", `{"store_id":1,"name":""}`, 422, "invalid", map[string]string{"name": "too_short"}},
		{"range", "GET", "/teams?limit=101", "", 422, "invalid", map[string]string{"limit": "above"}},
		{"number", "GET", "/teams?limit=many", "", 422, "invalid", map[string]string{"limit": "not_integer"}},
		{"id", "GET", "/teams/abc", "", 422, "invalid", map[string]string{"id": "not_integer"}},
		{"cursor", "GET", "/teams?cursor=%21", "", 422, "cursor_invalid", map[string]string{"cursor": "cursor_invalid"}},
		{"cursor of another list", "GET", "/teams?cursor=" + cursor("x"), "", 422, "cursor_invalid", nil},
		{"no body", "POST", "/session", "", 400, "body_required", nil},
		{"no JSON", "POST", "/session", `{"email":`, 400, "body_malformed", nil},
		{"not an object", "POST", "/session", `[]`, 422, "invalid", nil},
		{"too deep", "POST", "/session", strings.Repeat(`{"a":`, 60_000), 400, "body_too_deep", nil},
		{"NUL", "POST", "/session", `{"email":"a\u0000","password":"b"}`, 400, "text_invalid", nil},
		{"NUL in the address", "GET", "/teams?cursor=%00", "", 400, "text_invalid", nil},
		{"no UTF-8 in the address", "GET", "/teams?cursor=%ff", "", 400, "text_invalid", nil},
		{"too large", "POST", "/session", `{"email":"` + strings.Repeat("a", maxBody), 413, "too_large", nil},
		{"no route", "GET", "/nothing/here", "", 404, "route_not_found", nil},
		{"no method", "DELETE", "/teams", "", 405, "method_not_allowed", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Problem
			var body any
			if c.body != "" {
				body = c.body
			}
			s.do(s.admin, c.method, c.path, body, c.status, &p)
			if p.Code != c.code || p.Detail == "" || strings.HasPrefix(p.Detail, "error.") || p.Status != c.status {
				t.Fatalf("%+v", p)
			}
			for field, code := range c.fields {
				if i := fieldAt(p, field); i < 0 || p.Errors[i].Code != code || strings.HasPrefix(p.Errors[i].Message, "error.") {
					t.Errorf("%s: want %s, got %+v", field, code, p.Errors)
				}
			}
		})
	}
	t.Run("chunked and too large", func(t *testing.T) {
		r := httptest.NewRequest("POST", Base+"/session", strings.NewReader(`{"email":"`+strings.Repeat("a", maxBody)))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		s.api.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Fatal(w.Code, w.Body)
		}
	})
	t.Run("form", func(t *testing.T) {
		if got := s.code(browser{}, "POST", "/session", "email=a", 415, "Content-Type", "application/x-www-form-urlencoded"); got != "content_type" {
			t.Fatal(got)
		}
	})
}

func fieldAt(p Problem, field string) int {
	for i, e := range p.Errors {
		if e.Field == field {
			return i
		}
	}
	return -1
}

// What goes wrong inside stays inside: the caller gets a number, the log the cause, once.
func TestFailuresAreLoggedOnce(t *testing.T) {
	d, clock := dbtest.Open(t, db.SQLite)
	s := newDesk(t, d, clock, generous)
	for _, err := range []error{errors.New("disk on fire"), &care.Error{Code: "x", Cause: errors.New("disk on fire")}} {
		s.log.Reset()
		p := s.api.problem(t.Context(), err)
		if p.Status != 500 || strings.Contains(p.Detail, "fire") || strings.Count(s.log.String(), "disk on fire") != 1 {
			t.Fatalf("%+v\n%s", p, s.log)
		}
	}
	s.log.Reset()
	h := s.api.outermost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("disk on fire") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "fire") || strings.Count(s.log.String(), "disk on fire") != 1 {
		t.Fatalf("%d %s\n%s", w.Code, w.Body, s.log)
	}
}

func FuzzScanJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"\\u0000"]}`, `"\u0000"`, `[[[[`, `"\`, `{"a":"]"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if err := jsonFormat.Unmarshal(data, &v); err == nil {
			if s, ok := v.(string); ok && strings.Contains(s, "\x00") {
				t.Fatalf("NUL passed in %q", data)
			}
		}
	})
}

func FuzzPlace(f *testing.F) {
	f.Add(cursor(int64(7)))
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, c string) {
		var n int64
		var e *care.Error
		if err := place(c, &n); err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
	})
}
