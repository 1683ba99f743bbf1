package account_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// room is an account room with a store and its owner.
type room struct {
	*account.Accounts
	t     *testing.T
	db    *db.DB
	clock *db.MovableClock
	bus   *bus.Local
	owner account.By
	store int64
}

const password = "correct horse battery"

func each(t *testing.T, f func(t *testing.T, r *room)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		r := &room{t: t, db: d, clock: clock, bus: bus.NewLocal()}
		t.Cleanup(func() { _ = r.bus.Close() })
		r.Accounts = r.node()
		agent, store, err := r.SetUp(t.Context(), account.By{}, account.SetUp{StoreName: "Крамниця", TimeZone: "Europe/Kyiv", Language: "uk", Currency: "UAH", Name: "Олена", Email: "olena@example.com", Password: password})
		if err != nil {
			t.Fatal(err)
		}
		r.store = store
		r.owner = r.as(agent)
		f(t, r)
	})
}

// node is a room as another process on the same database and bus has it.
func (r *room) node() *account.Accounts {
	r.t.Helper()
	sealer, err := account.NewSealer(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		r.t.Fatal(err)
	}
	a := account.New(r.db, account.Options{Bus: r.bus, Sealer: sealer, Plugs: []care.Plug{plug{}}, HookURL: func(token string) string { return "https://care.example/hooks/" + token }})
	r.t.Cleanup(a.Close)
	return a
}

// as is what an agent may do now, by a session of his.
func (r *room) as(agent int64) account.By {
	r.t.Helper()
	var email string
	if err := r.db.Read().QueryRow(r.t.Context(), `SELECT email FROM agents WHERE id = $1`, agent).Scan(&email); err != nil {
		r.t.Fatal(err)
	}
	token, err := r.SignIn(r.t.Context(), email, password, "", account.Client{})
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := r.BySession(r.t.Context(), token, "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	return account.By{Scope: c.Scope, Owner: c.Owner}
}

func (r *room) hire(email string, ms ...account.Membership) int64 {
	r.t.Helper()
	name := email
	p, inv, err := r.Invite(r.t.Context(), r.owner, account.PersonChange{Name: &name, Email: &email, Memberships: &ms})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.AcceptInvitation(r.t.Context(), inv.Token, password, "", account.Client{}); err != nil {
		r.t.Fatal(err)
	}
	return p.ID
}

func (r *room) openStore(name string) int64 {
	r.t.Helper()
	s, err := r.CreateStore(r.t.Context(), r.owner, account.StoreChange{Name: &name})
	if err != nil {
		r.t.Fatal(err)
	}
	r.owner = r.as(r.owner.Agent)
	return s.ID
}

func (r *room) events(kind string) (n int) {
	r.t.Helper()
	if err := r.db.Read().QueryRow(r.t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func code(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestPresenceFollowsTheHeartbeat(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		r.openStore("Second")
		hints := make(chan string, 20)
		r.bus.Subscribe("live.agents.", func(topic string, data []byte) { hints <- topic + " " + string(data) })
		if _, err := r.SetPresence(ctx, r.owner, account.Ready); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if h := <-hints; !strings.Contains(h, `"state":"ready"`) || !strings.Contains(h, `"t":"presence"`) {
				t.Fatal(h)
			}
		}
		r.clock.Move(80 * time.Second)
		if p, err := r.Heartbeat(ctx, r.owner); err != nil || p.State != account.Ready {
			t.Fatal(p, err)
		}
		r.clock.Move(80 * time.Second)
		if err := r.SweepPresence(ctx); err != nil {
			t.Fatal(err)
		}
		if p, _ := r.PresenceOf(ctx, r.owner.Agent); p.State != account.Ready {
			t.Fatal("went offline although seen 80 s ago")
		}
		r.clock.Move(20 * time.Second)
		if err := r.SweepPresence(ctx); err != nil {
			t.Fatal(err)
		}
		if p, _ := r.PresenceOf(ctx, r.owner.Agent); p.State != account.Offline {
			t.Fatal("still there after 100 s of silence")
		}
		if p, err := r.Heartbeat(ctx, r.owner); err != nil || p.State != account.Ready {
			t.Fatal("did not come back to what he was", p, err)
		}
		if n := r.events(care.EventAgentPresence); n != 6 { // three changes in two stores
			t.Fatalf("%d events", n)
		}
		// Who says himself that he is offline stays so.
		if _, err := r.SetPresence(ctx, r.owner, account.Offline); err != nil {
			t.Fatal(err)
		}
		if p, err := r.Heartbeat(ctx, r.owner); err != nil || p.State != account.Offline {
			t.Fatal(p, err)
		}
	})
}

func TestNobodyGivesWhatHeLacks(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		second := r.openStore("Second")
		boss := r.as(r.hire("boss@example.com", account.Membership{StoreID: r.store, Role: account.RoleSupervisor}))
		admin := r.hire("admin@example.com", account.Membership{StoreID: r.store, Role: account.RoleAdministrator})
		both := r.hire("both@example.com", account.Membership{StoreID: r.store, Role: account.RoleAgent}, account.Membership{StoreID: second, Role: account.RoleAgent})
		foreign := r.hire("far@example.com", account.Membership{StoreID: second, Role: account.RoleAgent})
		name, email, no := "New", "new@example.com", false
		ms := func(m ...account.Membership) *[]account.Membership { return &m }
		for _, c := range []struct {
			what string
			err  error
			want string
		}{
			{"invites an administrator", lastOf3(r.Invite(ctx, boss, account.PersonChange{Name: &name, Email: &email, Memberships: ms(account.Membership{StoreID: r.store, Role: account.RoleAdministrator})})), "role_beyond"},
			{"invites into another store", lastOf3(r.Invite(ctx, boss, account.PersonChange{Name: &name, Email: &email, Memberships: ms(account.Membership{StoreID: second, Role: account.RoleAgent})})), "not_found"},
			{"deactivates an administrator", last(r.UpdateAgent(ctx, boss, admin, account.PersonChange{Active: &no})), "agent.shared"},
			{"deactivates the owner", last(r.UpdateAgent(ctx, boss, r.owner.Agent, account.PersonChange{Active: &no})), "agent.shared"},
			{"resets an administrator's password", last(r.InviteAgain(ctx, boss, admin)), "agent.shared"},
			{"renames somebody who works elsewhere too", last(r.UpdateAgent(ctx, boss, both, account.PersonChange{Name: &name})), "agent.shared"},
			{"changes somebody of another store", last(r.UpdateAgent(ctx, boss, foreign, account.PersonChange{Name: &name})), "not_found"},
			{"promotes himself", last(r.UpdateAgent(ctx, boss, boss.Agent, account.PersonChange{Memberships: ms(account.Membership{StoreID: r.store, Role: account.RoleAdministrator})})), "role_beyond"},
			{"demotes an administrator", last(r.UpdateAgent(ctx, boss, admin, account.PersonChange{Memberships: ms(account.Membership{StoreID: r.store, Role: account.RoleAgent})})), "role_beyond"},
			{"makes an owner something else", last(r.UpdateAgent(ctx, r.owner, r.owner.Agent, account.PersonChange{Memberships: ms(account.Membership{StoreID: r.store, Role: account.RoleAgent})})), "agent.owner"},
			{"makes a store", last(r.CreateStore(ctx, boss, account.StoreChange{Name: &name})), "owner_only"},
			{"makes a key", lastOf3(r.CreateKey(ctx, boss, r.store, "k", []care.Permission{care.PermInboxRead})), "forbidden"},
			{"leaves somebody without a store", last(r.UpdateAgent(ctx, r.owner, foreign, account.PersonChange{Memberships: ms()})), "store_required"},
		} {
			if got := code(c.err); got != c.want {
				t.Errorf("a supervisor %s: %q, want %q", c.what, got, c.want)
			}
		}
		// In his own store he may move the shared agent; the other store isn't touched.
		p, err := r.UpdateAgent(ctx, boss, both, account.PersonChange{Memberships: ms(account.Membership{StoreID: r.store, Role: account.RoleClerk})})
		if err != nil || len(p.Memberships) != 1 || p.Memberships[0].Role != account.RoleClerk {
			t.Fatalf("%+v %v", p, err)
		}
		p, err = r.AgentFor(ctx, r.owner, both)
		if err != nil || len(p.Memberships) != 2 {
			t.Fatalf("%+v %v", p, err)
		}
		key, _, err := r.CreateKey(ctx, r.owner, r.store, "k", []care.Permission{"fly"})
		if got := code(err); got != "permission_unknown" {
			t.Fatal(key, got)
		}
	})
}

func last[T any](_ T, err error) error            { return err }
func lastOf3[A, B any](_ A, _ B, err error) error { return err }

func TestStoreKeepsAnAdministrator(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		no := false
		err := r.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE agents SET owner = FALSE WHERE id = $1`, r.owner.Agent)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		key := account.By{Scope: care.Scope{Key: 1, Stores: r.owner.Stores, Permissions: map[int64][]care.Permission{r.store: account.Permissions}}}
		if got := code(last(r.UpdateAgent(t.Context(), key, r.owner.Agent, account.PersonChange{Active: &no}))); got != "agent.last_administrator" {
			t.Fatal(got)
		}
		demote := []account.Membership{{StoreID: r.store, Role: account.RoleAgent}}
		if got := code(last(r.UpdateAgent(t.Context(), key, r.owner.Agent, account.PersonChange{Memberships: &demote}))); got != "agent.last_administrator" {
			t.Fatal(got)
		}
		r.hire("second@example.com", account.Membership{StoreID: r.store, Role: account.RoleAdministrator})
		if _, err := r.UpdateAgent(t.Context(), key, r.owner.Agent, account.PersonChange{Active: &no}); err != nil {
			t.Fatal(err)
		}
	})
}

// What is taken away is gone at once, here and on other nodes.
func TestRevokedKeyIsRefusedOnEveryNode(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		other := r.node()
		k, secret, err := r.CreateKey(ctx, r.owner, r.store, "Shop", []care.Permission{care.PermIngest, care.PermIngest})
		if err != nil || len(k.Scopes) != 1 || !strings.HasPrefix(secret, k.Hint) {
			t.Fatal(k, err)
		}
		for _, node := range []*account.Accounts{r.Accounts, other} {
			c, err := node.ByKey(ctx, secret)
			if err != nil || c.Key != k.ID || !c.May(r.store, care.PermIngest) || c.May(r.store, care.PermKeys) {
				t.Fatalf("%+v %v", c, err)
			}
		}
		heard := make(chan struct{}, 1)
		r.bus.Subscribe("account.scopes", func(string, []byte) { heard <- struct{}{} })
		if err := r.RevokeKey(ctx, r.owner, k.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ByKey(ctx, secret); code(err) != "unauthorised" {
			t.Fatal(err)
		}
		<-heard
		// The other node hears the hint; at the latest it asks again after half a minute.
		r.clock.Move(31 * time.Second)
		if _, err := other.ByKey(ctx, secret); code(err) != "unauthorised" {
			t.Fatal(err)
		}
		var used db.Time
		if err := r.db.Read().QueryRow(ctx, `SELECT last_used_at FROM api_keys WHERE id = $1`, k.ID).Scan(&used); err != nil || used.IsZero() {
			t.Fatal(used, err)
		}
	})
}

func TestConnectionsKeepTheirSecrets(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		change := account.ConnectionChange{Settings: map[string]any{"url": "https://shop.example", "token": "s3cret"}}
		c, err := r.CreateConnection(ctx, r.owner, r.store, "fake", change)
		if err != nil || c.Settings["token"] != nil || len(c.SecretsSet) != 1 || !strings.HasPrefix(c.HookURL, "https://care.example/hooks/") {
			t.Fatalf("%+v %v", c, err)
		}
		var settings, sealed []byte
		if err := r.db.Read().QueryRow(ctx, `SELECT settings, secrets FROM connections WHERE id = $1`, c.ID).Scan(&settings, &sealed); err != nil {
			t.Fatal(err)
		}
		var log string
		if err := r.db.Read().QueryRow(ctx, `SELECT string_agg(CAST(before AS TEXT) || CAST(after AS TEXT), '') FROM audit`).Scan(&log); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(append(settings, sealed...), []byte("s3cret")) || strings.Contains(log, "s3cret") || !strings.Contains(log, "shop.example") {
			t.Fatal("the secret lies open, or the change wasn't audited")
		}
		// An edit without the secret keeps it.
		name := "Main shop"
		if c, err = r.UpdateConnection(ctx, r.owner, c.ID, account.ConnectionChange{Name: &name, Settings: map[string]any{"notes": true}}); err != nil || c.Version != 2 {
			t.Fatalf("%+v %v", c, err)
		}
		live, err := r.Connection(ctx, c.ID)
		if err != nil || string(live.Secrets) != `{"token":"s3cret"}` || !bytes.Contains(live.Settings, []byte(`"notes"`)) || live.Name != name {
			t.Fatalf("%s %s %v", live.Secrets, live.Settings, err)
		}
		// A replaced secret stays beside the new one until it is ended.
		for _, step := range []struct {
			change map[string]any
			want   string
		}{
			{map[string]any{"token": "second"}, `{"token":"second","token_previous":"s3cret"}`},
			{map[string]any{"token": "second"}, `{"token":"second","token_previous":"s3cret"}`},
			{map[string]any{"token_previous": ""}, `{"token":"second"}`},
		} {
			if _, err := r.UpdateConnection(ctx, r.owner, c.ID, account.ConnectionChange{Settings: step.change}); err != nil {
				t.Fatal(err)
			}
			if live, err = r.Connection(ctx, c.ID); err != nil || string(live.Secrets) != step.want {
				t.Fatalf("%v: %s %v", step.change, live.Secrets, err)
			}
		}
		old := live.HookToken
		if _, err := r.RotateHookToken(ctx, r.owner, c.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ConnectionByHook(ctx, old); code(err) != "not_found" {
			t.Fatal(err)
		}
		for field, bad := range map[string]map[string]any{
			"settings.url":   {"url": "javascript:alert(1)"},
			"settings.depth": {"depth": "x"},
			"settings.notes": {"notes": 1.0},
			"settings.size":  {"size": "xl"},
			"settings.other": {"other": 1.0},
			"settings.token": {"token": nil},
		} {
			_, err := r.UpdateConnection(ctx, r.owner, c.ID, account.ConnectionChange{Settings: bad})
			var e *care.Error
			if !errors.As(err, &e) || e.Field != field {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if got := code(last(r.CreateConnection(ctx, r.owner, r.store, "nothing", change))); got != "plug_unknown" {
			t.Fatal(got)
		}
	})
}

func TestConnectionStateTellsOfChangesOnly(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		c, err := r.CreateConnection(ctx, r.owner, r.store, "fake", account.ConnectionChange{Settings: map[string]any{"url": "https://shop.example", "token": "t"}})
		if err != nil {
			t.Fatal(err)
		}
		report := func(state, reason string) {
			t.Helper()
			if err := r.db.Write(ctx, db.System, func(tx *db.Tx) error { return r.SetConnectionState(ctx, tx, c.ID, state, reason) }); err != nil {
				t.Fatal(err)
			}
		}
		report(account.StateDegraded, "timeout")
		report(account.StateDegraded, "timeout")
		report(account.StateDegraded, "502")
		report(account.StateOK, "")
		report(account.StateAuthFailed, "401")
		pause, resume := true, false
		if c, err = r.UpdateConnection(ctx, r.owner, c.ID, account.ConnectionChange{Paused: &pause}); err != nil || c.State != account.StatePaused {
			t.Fatal(c, err)
		}
		report(account.StateOK, "")
		if c, err = r.UpdateConnection(ctx, r.owner, c.ID, account.ConnectionChange{Paused: &resume}); err != nil || c.State != account.StateOK {
			t.Fatal(c, err)
		}
		for event, want := range map[string]int{care.EventConnectionDegraded: 1, care.EventConnectionRestored: 1, care.EventConnectionAuthFailed: 1} {
			if n := r.events(event); n != want {
				t.Errorf("%s: %d, want %d", event, n, want)
			}
		}
	})
}

func TestIdentitySecretsRotate(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		first, err := r.ShowIdentitySecret(ctx, r.owner, r.store)
		if err != nil {
			t.Fatal(err)
		}
		signed := func(secret string) bool {
			t.Helper()
			ok, err := r.VerifyIdentity(ctx, r.store, "customer-7", sign(secret, "customer-7"))
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		second, err := r.RotateIdentitySecret(ctx, r.owner, r.store)
		if err != nil || !signed(first) || !signed(second) {
			t.Fatal("one of the two living secrets is refused", err)
		}
		if err := r.DropOldIdentitySecret(ctx, r.owner, r.store); err != nil || signed(first) || !signed(second) {
			t.Fatal("dropping the old secret", err)
		}
		for _, bad := range []string{"", "zz", sign("guess", "customer-7"), sign(second, "customer-8")} {
			if ok, err := r.VerifyIdentity(ctx, r.store, "customer-7", bad); ok || err != nil {
				t.Fatal(bad, ok, err)
			}
		}
	})
}

func TestStoreSettingsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := t.Context()
		s := func(v string) *string { return &v }
		before, err := r.Store(ctx, r.store)
		if err != nil || before.Calendar.Zone != "Europe/Kyiv" || before.Slug == "" {
			t.Fatalf("%+v %v", before, err)
		}
		var calendar account.StoreChange
		if err := json.Unmarshal([]byte(`{"calendar":{"zone":"Mars/Base","week":{"mon":[{"from":"25:00","to":"x"}]}},"color":"red"}`), &calendar); err != nil {
			t.Fatal(err)
		}
		_, err = r.UpdateStore(ctx, r.owner, r.store, calendar)
		var e *care.Error
		if !errors.As(err, &e) || len(e.Fields) != 4 {
			t.Fatalf("%+v", err)
		}
		for want, c := range map[string]account.StoreChange{
			"currency_unknown":      {Currency: s("XYZZY")},
			"calendar.zone_unknown": {TimeZone: s("Nowhere")},
			"slug_invalid":          {Slug: s("Ой")},
			"required":              {Name: s(" ")},
			"origin_invalid":        {Widget: &account.WidgetSettings{Origins: []string{"shop.example"}}},
			"stale":                 {Name: s("x"), Version: 7},
		} {
			if got := code(last(r.UpdateStore(ctx, r.owner, r.store, c))); got != want {
				t.Errorf("%s: %q", want, got)
			}
		}
		after, err := r.UpdateStore(ctx, r.owner, r.store, account.StoreChange{Name: s("Книгарня"), Slug: s("knyharnia"), Version: before.Version})
		if err != nil || after.Version != before.Version+1 {
			t.Fatal(after, err)
		}
		if got := code(r.ArchiveStore(ctx, r.owner, r.store)); got != "store.last" {
			t.Fatal(got)
		}
		other := r.openStore("Knyharnia")
		if got := code(last(r.UpdateStore(ctx, r.owner, other, account.StoreChange{Slug: s("knyharnia")}))); got != "slug_taken" {
			t.Fatal(got)
		}
		if err := r.ArchiveStore(ctx, r.owner, other); err != nil {
			t.Fatal(err)
		}
		if r.owner = r.as(r.owner.Agent); r.owner.In(other) {
			t.Fatal("an archived store is still in reach")
		}
	})
}

func TestCreateAdminOnlyTheFirstTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		r := &room{t: t, db: d, clock: clock, bus: bus.NewLocal()}
		t.Cleanup(func() { _ = r.bus.Close() })
		r.Accounts = r.node()
		var wg sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 3 {
			wg.Go(func() {
				created, err := r.CreateAdmin(context.Background(), "admin@example.com", password)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if created {
					made++
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Fatal(made)
		}
	})
}

func TestMasterKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := account.LoadMasterKey(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := account.LoadMasterKey(dir, "")
	if err != nil || !bytes.Equal(first, second) {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir + "/secret.key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	given := bytes.Repeat([]byte{7}, 32)
	if key, err := account.LoadMasterKey(dir, hex.EncodeToString(given)); err != nil || !bytes.Equal(key, given) {
		t.Fatal("the key that is given doesn't count", err)
	}
	if _, err := account.LoadMasterKey(dir, "short"); err == nil {
		t.Fatal("a short key was taken")
	}
	s, err := account.NewSealer(first)
	if err != nil {
		t.Fatal(err)
	}
	sealed := s.Seal([]byte("x"), "a:1")
	if _, err := s.Open(sealed, "a:2"); err == nil {
		t.Fatal("a secret opened in another row")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := s.Open(sealed, "a:1"); err == nil {
		t.Fatal("a changed secret opened")
	}
}

// plug is a shop that is never asked.
type plug struct{ care.Shop }

func (plug) Name() string { return "fake" }

func (plug) Fields() []care.Field {
	return []care.Field{
		{Name: "url", Kind: "url", Required: true}, {Name: "token", Kind: "secret", Required: true}, {Name: "token_previous", Kind: "secret"}, {Name: "depth", Kind: "number", Default: "3"},
		{Name: "notes", Kind: "bool"}, {Name: "size", Kind: "choice", Choices: []string{"s", "l"}},
	}
}

func (p plug) Open(care.Connection, *http.Client) (care.Shop, error) { return p, nil }
