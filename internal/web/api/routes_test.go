package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func before(path string) string {
	head, _, _ := strings.Cut(path, "/{")
	return head
}

var pathParam = regexp.MustCompile(`\{\w+\}`)

// address puts an id in the place of the first parameter; further ones get a 1.
func address(path string, n int64) string {
	first := true
	return pathParam.ReplaceAllStringFunc(path, func(string) string {
		if !first {
			return "1"
		}
		first = false
		return id(n)
	})
}

// smallest is the smallest body that an operation takes; store is what a store_id in it says.
func (s *desk) smallest(r Route, store int64) any {
	if b, ok := bodies[r.ID]; ok {
		return strings.ReplaceAll(b, "STORE", id(store))
	}
	body := s.operation(r).RequestBody
	if body == nil {
		return nil
	}
	media := body.Content["application/json"]
	if media == nil {
		return nil
	}
	return s.example("", media.Schema, store)
}

func (s *desk) operation(r Route) *huma.Operation {
	item := s.api.huma.OpenAPI().Paths[r.Path]
	return map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[r.Method]
}

func (s *desk) example(name string, sc *huma.Schema, store int64) any {
	if sc.Ref != "" {
		sc = s.api.huma.OpenAPI().Components.Schemas.SchemaFromRef(sc.Ref)
	}
	switch {
	case name == "store_id":
		return store
	case len(sc.Enum) > 0:
		return sc.Enum[0]
	}
	switch sc.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for _, f := range sc.Required {
			out[f] = s.example(f, sc.Properties[f], store)
		}
		return out
	case huma.TypeArray:
		out := []any{}
		if sc.MinItems != nil {
			for range *sc.MinItems {
				out = append(out, s.example("", sc.Items, store))
			}
		}
		return out
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger, huma.TypeNumber:
		if sc.Minimum != nil {
			return *sc.Minimum
		}
		return 1
	case huma.TypeString:
		if sc.Format == "date-time" {
			return s.clock.Now().AddDate(0, 0, 1)
		}
		n := 1
		if sc.MinLength != nil {
			n = max(n, *sc.MinLength)
		}
		return strings.Repeat("x", n)
	}
	return map[string]any{}
}

// status sends a request and returns its status and answer.
func (s *desk) status(b browser, method, path string, body any) (int, string) {
	w := s.send(b, method, path, body)
	return w.Code, w.Body.String()
}

func walk(t *testing.T, f func(t *testing.T, s *desk)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(t, newDesk(t, d, clock, generous, fakePlug{})) })
}

// Whatever another store has, its ids are unknown here: to an administrator of this store, and to an API key with every permission.
func TestOtherStoresAreNotFound(t *testing.T) {
	walk(t, func(t *testing.T, s *desk) {
		other := s.openStore("Other")
		s.relogin()
		here, _ := s.hire("admin@example.com", account.Membership{StoreID: s.store, Role: account.RoleAdministrator})
		key := s.key(s.store, account.Permissions...)
		foreign := map[string]int64{}
		for _, r := range s.api.Routes() {
			if r.Access.Public {
				continue
			}
			for _, b := range []browser{here, key} {
				if b == key && r.Access.AgentOnly {
					continue
				}
				s.walkRoute(t, r, b, other, foreign)
			}
		}
	})
}

func (s *desk) walkRoute(t *testing.T, r Route, b browser, other int64, foreign map[string]int64) {
	if strings.Contains(r.Path, "{") {
		head := before(r.Path)
		if _, ok := foreign[head]; !ok {
			if fixtures[head] == nil {
				t.Errorf("%s %s: fixtures has no line for %s", r.Method, r.Path, head)
				return
			}
			foreign[head] = fixtures[head](s, other)
		}
		if code, answer := s.status(b, r.Method, address(r.Path, foreign[head]), s.smallest(r, s.store)); code != 404 {
			t.Errorf("%s %s with another store's id: %d %s", r.Method, r.Path, code, answer)
		}
	}
	for _, p := range s.operation(r).Parameters {
		if p.Name != "store_id" || strings.Contains(r.Path, "{") {
			continue
		}
		code, answer := s.status(b, r.Method, r.Path+"?q=abc&store_id="+id(other), nil)
		var list struct{ Items []json.RawMessage }
		if code != 404 && (code != 200 || json.Unmarshal([]byte(answer), &list) != nil || len(list.Items) > 0) {
			t.Errorf("%s %s of another store: %d %s", r.Method, r.Path, code, answer)
		}
	}
	if body, ok := s.smallest(r, other).(map[string]any); ok && body["store_id"] != nil && !strings.Contains(r.Path, "{") {
		if code, answer := s.status(b, r.Method, r.Path, body); code != 404 {
			t.Errorf("%s %s into another store: %d %s", r.Method, r.Path, code, answer)
		}
	}
}

// The same requests with ids of one's own store are answered, so the walk above doesn't pass for another reason.
func TestOwnThingsAreFound(t *testing.T) {
	walk(t, func(t *testing.T, s *desk) {
		own := map[string]int64{}
		for _, r := range s.api.Routes() {
			head := before(r.Path)
			if r.Method != http.MethodGet || r.Access.Public || !strings.Contains(r.Path, "{") || fixtures[head] == nil {
				continue
			}
			if _, ok := own[head]; !ok {
				own[head] = fixtures[head](s, s.store)
			}
			if code, answer := s.status(s.admin, r.Method, address(r.Path, own[head]), nil); code != 200 {
				t.Errorf("%s %s: %d %s", r.Method, r.Path, code, answer)
			}
		}
	})
}

func TestEveryRouteAsksWhoCalls(t *testing.T) {
	walk(t, func(t *testing.T, s *desk) {
		for _, r := range s.api.Routes() {
			if r.Access.Public {
				continue
			}
			for _, b := range []browser{{}, {cookie: strings.Repeat("a", 43)}, {key: "ok_" + strings.Repeat("a", 43)}, {key: "nonsense"}} {
				if code, answer := s.status(b, r.Method, address(r.Path, 1), s.smallest(r, s.store)); code != 401 {
					t.Errorf("%s %s without credentials: %d %s", r.Method, r.Path, code, answer)
				}
			}
		}
	})
}

func TestEveryRouteAsksForItsPermission(t *testing.T) {
	walk(t, func(t *testing.T, s *desk) {
		powerless, agent := s.hire("nobody@example.com", account.Membership{StoreID: s.store, Role: account.RoleClient})
		err := s.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE memberships SET role = 'none' WHERE agent_id = $1`, agent)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Move(time.Minute) // past what is remembered of callers: the room itself would have said
		keys := map[care.Permission]browser{}
		for _, p := range account.Permissions {
			keys[p] = s.key(s.store, without(account.Permissions, p)...)
		}
		for _, r := range s.api.Routes() {
			path, body := address(r.Path, s.store), s.smallest(r, s.store)
			if r.Access.Permission != "" {
				if code, answer := s.status(powerless, r.Method, path, body); code != 403 {
					t.Errorf("%s %s by an agent who may do nothing: %d %s", r.Method, r.Path, code, answer)
				}
				if code, answer := s.status(keys[r.Access.Permission], r.Method, path, body); code != 403 {
					t.Errorf("%s %s by a key without %s: %d %s", r.Method, r.Path, r.Access.Permission, code, answer)
				}
			}
			if r.Access.AgentOnly {
				if code, answer := s.status(keys[care.PermIngest], r.Method, path, body); code != 403 {
					t.Errorf("%s %s by a key: %d %s", r.Method, r.Path, code, answer)
				}
			}
		}
	})
}

func without(all []care.Permission, p care.Permission) (out []care.Permission) {
	for _, x := range all {
		if x != p {
			out = append(out, x)
		}
	}
	return out
}

func TestOperationsAreNamedOnce(t *testing.T) {
	d, clock := dbtest.Open(t, db.SQLite)
	s := newDesk(t, d, clock, generous)
	seen := map[string]bool{}
	for i, r := range s.api.Routes() {
		if seen[r.ID] || r.ID == "" {
			t.Errorf("route %s: the id %s is taken or empty", strconv.Itoa(i), r.ID)
		}
		seen[r.ID] = true
	}
}
