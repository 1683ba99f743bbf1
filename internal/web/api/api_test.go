package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// desk is an API with a store and its administrator, as a browser reaches it.
type desk struct {
	t        testing.TB
	db       *db.DB
	clock    *db.MovableClock
	api      *API
	accounts *account.Accounts
	bus      *bus.Local
	files    blob.Store
	sealer   *account.Sealer
	log      *bytes.Buffer
	store    int64
	admin    browser
}

// browser is a client with a session, or with an API key.
type browser struct {
	cookie, csrf, key, language string
}

const password = "correct horse battery"

func newDesk(t testing.TB, d *db.DB, clock *db.MovableClock, limits Limits, plugs ...care.Plug) *desk {
	t.Helper()
	s := newDeskWithout(t, d, clock, plugs...)
	s.api = New(s.deps(limits))
	var me Me
	r := s.do(browser{}, "POST", "/setup", account.SetUp{StoreName: "Kramnytsia", TimeZone: "Europe/Kyiv", Language: "en", Currency: "UAH", Name: "Olena", Email: "olena@example.com", Password: password}, 200, &me)
	s.admin = browserOf(r, me)
	s.store = me.Stores[0].ID
	return s
}

func browserOf(r *http.Response, me Me) browser {
	for _, c := range r.Cookies() {
		if c.Name == sessionCookie {
			return browser{cookie: c.Value, csrf: me.CSRFToken}
		}
	}
	return browser{}
}

// do sends a request and wants a status; the answer is decoded into one of into.
func (s *desk) do(b browser, method, path string, body any, want int, into any, headers ...string) *http.Response {
	s.t.Helper()
	w := s.send(b, method, path, body, headers...)
	if w.Code != want {
		s.t.Fatalf("%s %s: %d, want %d: %s\n%s", method, path, w.Code, want, w.Body, s.log)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Result()
}

// send sends a request.
func (s *desk) send(b browser, method, path string, body any, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	var payload io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		payload = strings.NewReader(v)
	default:
		j, err := json.Marshal(v)
		if err != nil {
			s.t.Fatal(err)
		}
		payload = bytes.NewReader(j)
	}
	r := httptest.NewRequest(method, Base+path, payload)
	if payload != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: b.cookie})
		r.Header.Set(csrfHeader, b.csrf)
	}
	if b.key != "" {
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	if b.language != "" {
		r.Header.Set("Accept-Language", b.language)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.api.Handler().ServeHTTP(w, r)
	return w
}

// code is the code of the problem that a request is answered with.
func (s *desk) code(b browser, method, path string, body any, want int, headers ...string) string {
	s.t.Helper()
	var p Problem
	s.do(b, method, path, body, want, &p, headers...)
	return p.Code
}

// hire adds an agent who has accepted his invitation.
func (s *desk) hire(email string, memberships ...account.Membership) (browser, int64) {
	s.t.Helper()
	name := strings.Split(email, "@")[0]
	var made InvitedAgent
	s.do(s.admin, "POST", "/agents", account.PersonChange{Name: &name, Email: &email, Memberships: &memberships}, 201, &made)
	var me Me
	r := s.do(browser{}, "POST", "/invitations/accept", NewPassword{InvitationToken{made.Invitation.Token}, password}, 200, &me)
	return browserOf(r, me), made.Agent.ID
}

func (s *desk) key(store int64, scopes ...care.Permission) browser {
	s.t.Helper()
	var made CreatedKey
	s.do(s.admin, "POST", "/keys", NewKey{store, "test", scopes}, 201, &made)
	return browser{key: made.Secret}
}

// relogin signs the administrator in anew, with what he may do now.
func (s *desk) relogin() {
	s.t.Helper()
	var me Me
	s.admin = browserOf(s.do(browser{}, "POST", "/session", Credentials{"olena@example.com", password}, 200, &me), me)
}

func (s *desk) openStore(name string) int64 {
	s.t.Helper()
	var made account.Store
	zone := "Europe/Kyiv" // it says which country's numbers may be rung
	s.do(s.admin, "POST", "/stores", account.StoreChange{Name: &name, TimeZone: &zone}, 201, &made)
	return made.ID
}

var generous = Limits{Caller: Limit{1e6, 1e6}, Public: Limit{1e6, 1e6}, Refused: Limit{1e6, 1e6}, Login: Limit{1e6, 1e6}}

func each(t *testing.T, f func(t *testing.T, s *desk)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(t, newDesk(t, d, clock, generous)) })
}

// newDeskWithout is a desk before its set-up, without its API.
func newDeskWithout(t testing.TB, d *db.DB, clock *db.MovableClock, plugs ...care.Plug) *desk {
	t.Helper()
	sealer, err := account.NewSealer(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &desk{t: t, db: d, clock: clock, log: &bytes.Buffer{}, bus: bus.NewLocal(), files: files, sealer: sealer}
	s.accounts = account.New(d, account.Options{Bus: s.bus, Sealer: sealer, Plugs: plugs})
	t.Cleanup(func() {
		s.accounts.Close()
		_ = s.bus.Close()
	})
	return s
}

func (s *desk) deps(limits Limits) Deps {
	d := Deps{DB: s.db, Accounts: s.accounts, Log: slog.New(slog.NewTextHandler(s.log, nil)), PublicURL: "http://desk.example", Limits: limits, Outgoing: http.DefaultClient}
	s.rooms(s.sealer, &d)
	return d
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// self is the administrator's id.
func (s *desk) self() int64 {
	s.t.Helper()
	var me Me
	s.do(s.admin, "GET", "/me", nil, 200, &me)
	return me.Agent.ID
}
