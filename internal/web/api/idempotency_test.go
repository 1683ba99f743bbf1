package api

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func TestRepeatedPostIsAnsweredAsBefore(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		body := NewKey{s.store, "Warehouse", []care.Permission{care.PermIngest}}
		var first, second CreatedKey
		s.do(s.admin, "POST", "/keys", body, 201, &first, idempotencyHeader, "k1")
		r := s.do(s.admin, "POST", "/keys", body, 201, &second, idempotencyHeader, "k1")
		if first.Secret != second.Secret || r.Header.Get("Idempotency-Replayed") != "true" || r.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%+v %+v %v", first, second, r.Header)
		}
		if got := s.code(s.admin, "POST", "/keys", NewKey{s.store, "Other", body.Scopes}, 422, idempotencyHeader, "k1"); got != "idempotency.mismatch" {
			t.Fatal(got)
		}
		if got := s.code(s.admin, "POST", "/departments", NewDepartment{s.store, "Sales"}, 422, idempotencyHeader, "k1"); got != "idempotency.mismatch" {
			t.Fatal(got)
		}
		// Another caller's key of the same name is another key.
		s.do(s.key(s.store, account.Permissions...), "POST", "/keys", body, 201, &second, idempotencyHeader, "k1")
		if first.Secret == second.Secret {
			t.Fatal("one caller got another's answer")
		}
		// A refused request may be corrected under the same key.
		s.code(s.admin, "POST", "/departments", NewDepartment{s.store, " "}, 422, idempotencyHeader, "k2")
		s.do(s.admin, "POST", "/departments", NewDepartment{s.store, "Sales"}, 201, nil, idempotencyHeader, "k2")
		s.code(s.admin, "POST", "/departments", NewDepartment{s.store, "Stock"}, 422, idempotencyHeader, strings.Repeat("k", 201))
		s.clock.Move(25 * time.Hour)
		s.do(s.admin, "POST", "/keys", body, 201, &second, idempotencyHeader, "k1")
		if first.Secret == second.Secret {
			t.Fatal("the key was remembered beyond a day")
		}
		var kept int
		if err := s.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM idempotency WHERE response = $1`, []byte{}).Scan(&kept); err != nil || kept != 0 {
			t.Fatal(kept, err)
		}
	})
}

// Of requests at once with one key one has its effect; the others hear that it is under way, or get its answer.
func TestConcurrentPostsHaveOneEffect(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				w := s.send(s.admin, "POST", "/keys", NewKey{s.store, "Once", []care.Permission{care.PermIngest}}, idempotencyHeader, "same")
				if w.Code != http.StatusCreated && w.Code != http.StatusConflict {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		var list List[account.Key]
		s.do(s.admin, "GET", "/keys", nil, 200, &list)
		if len(list.Items) != 1 {
			t.Fatalf("%d keys", len(list.Items))
		}
	})
}

// When the program dies between the effect and its answer, a repetition doesn't have the effect again.
func TestLostAnswerIsNotRepeated(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		s.do(s.admin, "POST", "/departments", NewDepartment{s.store, "Sales"}, 201, nil, idempotencyHeader, "k")
		err := s.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE idempotency SET status = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.code(s.admin, "POST", "/departments", NewDepartment{s.store, "Sales"}, 409, idempotencyHeader, "k"); got != "idempotency.unfinished" {
			t.Fatal(got)
		}
	})
}

func TestCallersAreLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		limits := generous
		limits.Caller, limits.Refused = Limit{1, 5}, Limit{1, 2}
		s := newDesk(t, d, clock, limits)
		key := s.key(s.store, care.PermInboxRead)
		for range 5 {
			s.do(key, "GET", "/teams", nil, 200, nil)
		}
		r := s.do(key, "GET", "/teams", nil, 429, nil)
		if r.Header.Get("Retry-After") != "1" {
			t.Fatal(r.Header)
		}
		s.do(s.admin, "GET", "/teams", nil, 200, nil)
		clock.Move(2 * time.Second)
		s.do(key, "GET", "/teams", nil, 200, nil)
		bad := browser{key: "ok_" + strings.Repeat("x", 43)}
		s.code(bad, "GET", "/teams", nil, 401)
		s.code(bad, "GET", "/teams", nil, 401)
		s.code(bad, "GET", "/teams", nil, 429)
	})
}

func TestListsComeInPages(t *testing.T) {
	each(t, func(t *testing.T, s *desk) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			s.do(s.admin, "POST", "/departments", NewDepartment{s.store, name}, 201, nil)
		}
		var names []string
		next := ""
		for pages := 0; pages == 0 || next != ""; pages++ {
			var list List[account.Department]
			s.do(s.admin, "GET", "/departments?limit=2&cursor="+next, nil, 200, &list)
			for _, d := range list.Items {
				names = append(names, d.Name)
			}
			next = list.Next
		}
		if strings.Join(names, "") != "abcde" {
			t.Fatal(names)
		}
		s.do(s.key(s.store, care.PermKeys), "GET", "/keys?limit=1", nil, 200, nil)
	})
}

func TestReferenceIsServed(t *testing.T) {
	d, clock := dbtest.Open(t, db.SQLite)
	s := newDesk(t, d, clock, generous)
	for path, want := range map[string]string{"/openapi.json": `"x-permission": "people.manage"`, "/docs": `<article id="list-teams">`, "/docs.css": "color-scheme"} {
		w := s.send(browser{}, "GET", path, nil)
		csp := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: %d %s", path, w.Code, csp)
		}
		if strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), "style=") {
			t.Errorf("%s needs more than its policy allows", path)
		}
	}
	var spec struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type   any
					Format string
				}
			}
		}
	}
	s.do(browser{}, "GET", "/openapi.json", nil, 200, &spec)
	if at := spec.Components.Schemas["Team"].Properties["created_at"]; at.Type != "string" || at.Format != "date-time" {
		t.Fatalf("%+v", at)
	}
}
