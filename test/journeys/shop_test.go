// Package journeys plays whole stories: real rooms, real jobs, a real database, a made-up world around them.
package journeys

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/shop/woocommerce"
	"opeka/internal/web/hook"
	"opeka/test/world/woo"
)

// counter stands for the accounts' room: one connection, and a record of how it was said to fare.
type counter struct {
	mu     sync.Mutex
	conn   account.LiveConnection
	states []string
	gone   bool
}

func (c *counter) Connection(_ context.Context, id int64) (account.LiveConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != c.conn.ID || c.gone {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return c.conn, nil
}

func (c *counter) ConnectionByHook(ctx context.Context, token string) (account.LiveConnection, error) {
	if token != c.conn.HookToken {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return c.Connection(ctx, c.conn.ID)
}

func (c *counter) SetConnectionState(_ context.Context, _ *db.Tx, _ int64, state, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn.State != state {
		c.conn.State = state
		c.states = append(c.states, state)
	}
	return nil
}

func (c *counter) change(f func(*account.LiveConnection)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.conn)
	c.conn.Version++
}

func (c *counter) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.states, " ")
}

const token = "hook-token-of-a-test-0123456789"

// house is one node of the program, as far as shops go.
type house struct {
	t     *testing.T
	d     *db.DB
	clock *db.MovableClock
	shop  *woo.Shop
	conns *counter
	sync  *commerce.Sync
	jobs  *job.Runner
	door  string
	scope care.Scope
}

func open(t *testing.T, d *db.DB, clock *db.MovableClock, pushes bool) *house {
	h := &house{t: t, d: d, clock: clock, shop: woo.New(t, woo.Clock(clock.Now))}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.door = server.URL + "/hooks/" + token
	h.conns = &counter{conn: account.LiveConnection{
		Connection: care.Connection{ID: 40, Store: 7, Plug: "woocommerce", Name: "Shop", Settings: h.shop.Settings(), Secrets: h.shop.Secrets()},
		HookToken:  token, State: account.StateOK,
	}}
	if pushes {
		h.conns.conn.HookURL = h.door
	}
	h.scope = care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermConnections, care.PermCommerceRead}}}
	log := slog.New(slog.DiscardHandler)
	plug := woocommerce.New()
	mirror := commerce.New(d, customer.New(d, nil, nil), commerce.Options{Log: log, Statuses: func(string) map[string]care.Axes { return plug.DefaultStatuses() }})
	h.sync = commerce.NewSync(d, mirror, h.conns, []care.ShopPlug{plug}, commerce.SyncOptions{Client: h.shop.Client, Log: log, PerSecond: 100000})
	h.jobs = job.New(d, log)
	mirror.Jobs(h.jobs)
	h.sync.Jobs(h.jobs)
	hook.Routes(mux, h.sync, nil, log)
	return h
}

func (h *house) start() {
	h.t.Helper()
	if err := h.jobs.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		h.jobs.Stop(ctx)
	})
}

func (h *house) count(sql string, args ...any) (n int64) {
	h.t.Helper()
	if err := h.d.Read().QueryRow(h.t.Context(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if ok() {
			return
		}
		select {
		case <-h.t.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	st, err := h.sync.Status(h.t.Context(), h.scope, 40)
	h.t.Fatalf("it never happened: %s\n%+v %v", what, st, err)
}

func (h *house) phase() string {
	h.t.Helper()
	st, err := h.sync.Status(h.t.Context(), h.scope, 40)
	if err != nil {
		h.t.Fatal(err)
	}
	return st.Phase
}

func (h *house) stage(order int64) string {
	var stage string
	_ = h.d.Read().QueryRow(h.t.Context(), `SELECT stage FROM orders WHERE connection_id = 40 AND external_id = $1`, fmt.Sprint(order)).Scan(&stage)
	return stage
}

func (h *house) connect() {
	h.t.Helper()
	if _, err := h.sync.Start(h.t.Context(), h.scope, db.System, 40); err != nil {
		h.t.Fatal(err)
	}
	h.until("the import", func() bool { return h.phase() == "live" })
}

// fill gives the shop a past.
func (h *house) fill(orders int) (item int64, ids []int64) {
	item, _ = h.shop.AddProduct(woo.Product{Name: "Шапка", SKU: "CAP", Price: "399.00", Stock: 1000})
	who := woo.Person{First: "Олена", Last: "Коваль", Email: "olena@example.com", Phone: "0501112233", Country: "UA", City: "Київ"}
	customer := h.shop.AddCustomer(who)
	for range orders {
		ids = append(ids, h.shop.Place(woo.Order{Customer: customer, Person: who, Items: map[int64]int64{item: 1}, Method: "liqpay"}))
	}
	h.clock.Move(time.Hour)
	return item, ids
}

func TestAShopIsConnectedAndFollowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, true)
		item, ids := h.fill(120)
		h.start()
		h.connect()
		if n := h.count(`SELECT count(*) FROM orders WHERE connection_id = 40`); n != 120 {
			t.Fatalf("%d orders", n)
		}
		st, err := h.sync.Status(t.Context(), h.scope, 40)
		if err != nil || len(st.Progress) != 3 || st.Progress[2].Records < 120 || st.Progress[2].Total != 120 || !st.Progress[2].Done {
			t.Fatalf("progress %+v, %v", st.Progress, err)
		}
		if n := h.count(`SELECT count(*) FROM events WHERE type = 'order.created' AND payload::text NOT LIKE '%"backfill"%'`); n != 0 && d.Engine == db.Postgres {
			t.Errorf("%d old orders are told as news", n)
		}
		h.until("the hooks", func() bool { return len(h.shop.Hooks()) == 12 })

		// A change is pushed, and here at once.
		h.shop.Deliver(t.Context())
		h.shop.Pay(ids[0], "TX-1")
		answers := h.shop.Deliver(t.Context())
		for _, a := range answers {
			if a != 200 {
				t.Fatalf("answers %v", answers)
			}
		}
		h.until("the payment by hook", func() bool { return h.stage(ids[0]) == "processing" })

		// One that no hook tells is found by the poll.
		h.shop.Deliver(t.Context())
		late := h.shop.Place(woo.Order{Items: map[int64]int64{item: 2}, Method: "cod"})
		h.until("the order by poll", func() bool { clock.Move(time.Minute); return h.stage(late) == "processing" })

		// A note moves no time of modification and, if private, sends no hook.
		h.shop.Note(late, "Передзвонити після 18:00", false)
		h.until("the note by looking again", func() bool {
			clock.Move(5 * time.Minute)
			return h.count(`SELECT count(*) FROM order_history WHERE text LIKE 'Передзвонити%'`) == 1
		})
		h.shop.Delete(late)
		h.until("the deletion by looking again", func() bool {
			clock.Move(5 * time.Minute)
			return h.count(`SELECT count(*) FROM orders WHERE external_id = $1 AND open`, fmt.Sprint(late)) == 0
		})
		// A finished one that is deleted for good is noticed too, in time.
		h.shop.SetStatus(ids[1], "completed")
		h.until("the end of an order", func() bool { clock.Move(time.Minute); return h.stage(ids[1]) == "completed" })
		h.shop.Delete(ids[1])
		clock.Move(8 * 24 * time.Hour)
		h.until("the deletion of a finished order", func() bool {
			clock.Move(time.Minute)
			return h.count(`SELECT count(*) FROM orders WHERE external_id = $1 AND deleted AND NOT open`, fmt.Sprint(ids[1])) == 1
		})
		if n := h.count(`SELECT count(*) FROM jobs WHERE state = 'dead'`); n != 0 {
			t.Errorf("%d dead jobs", n)
		}
	})
}

func TestDeadHooksAreNoticedAndRevived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, true)
		item, _ := h.fill(3)
		h.start()
		h.connect()
		h.until("the hooks", func() bool { return len(h.shop.Hooks()) == 12 })
		h.shop.DisableHooks()
		h.until("the revival", func() bool {
			h.shop.Place(woo.Order{Items: map[int64]int64{item: 1}, Method: "cod"}) // changes that polls find and hooks don't tell
			clock.Move(2 * time.Minute)
			for _, status := range h.shop.Hooks() {
				if status != "active" {
					return false
				}
			}
			return true
		})
		h.until("the word about it", func() bool { return strings.HasPrefix(h.conns.said(), "degraded ok") })
		h.until("the count of it", func() bool {
			st, err := h.sync.Status(t.Context(), h.scope, 40)
			return err == nil && st.Hooks.Revived > 0
		})
	})
}

func TestTroubleIsShownAndPasses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, false)
		h.fill(3)
		h.start()
		h.connect()
		h.shop.Fail(1000000, 500, "", "")
		h.until("the trouble", func() bool { clock.Move(time.Minute); return strings.HasSuffix(h.conns.said(), "degraded") })
		h.shop.Fail(0, 0, "", "")
		h.until("its end", func() bool { clock.Move(10 * time.Minute); return strings.HasSuffix(h.conns.said(), "ok") })
		h.conns.change(func(c *account.LiveConnection) { c.Secrets = []byte(`{"consumer_key":"x","consumer_secret":"y"}`) })
		h.until("the refusal", func() bool { clock.Move(10 * time.Minute); return strings.HasSuffix(h.conns.said(), "auth_failed") })
		h.conns.change(func(c *account.LiveConnection) { c.Secrets = h.shop.Secrets() })
		h.until("new keys", func() bool { clock.Move(10 * time.Minute); return strings.HasSuffix(h.conns.said(), "ok") })
	})
}

func TestAnImportSurvivesBeingStopped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, false)
		_, ids := h.fill(260)
		if _, err := h.sync.Start(t.Context(), h.scope, db.System, 40); err != nil {
			t.Fatal(err)
		}
		for n := range 5 { // five lives of the program
			life := job.New(d, slog.New(slog.DiscardHandler))
			again := open(t, d, clock, false)
			again.shop, again.conns.conn.Settings = h.shop, h.shop.Settings()
			again.sync.Jobs(life)
			if err := life.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := int64(40 * (n + 1))
			h.until("some orders", func() bool { return h.count(`SELECT count(*) FROM orders`) >= want })
			now, cancel := context.WithCancel(t.Context())
			cancel()
			life.Stop(now)
			clock.Move(time.Minute) // leases run out
		}
		h.start()
		h.until("the import", func() bool { clock.Move(time.Second); return h.phase() == "live" })
		if n := h.count(`SELECT count(*) FROM orders`); n != int64(len(ids)) {
			t.Errorf("%d orders, want %d", n, len(ids))
		}
		if n := h.count(`SELECT count(*) FROM events WHERE type = 'order.created'`); n != int64(len(ids)) {
			t.Errorf("%d are told as created, want %d", n, len(ids))
		}
	})
}

func TestLeavingAShop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, true)
		h.fill(5)
		h.start()
		h.connect()
		h.until("the hooks", func() bool { return len(h.shop.Hooks()) == 12 })
		left, err := h.sync.Disconnect(t.Context(), h.scope, db.System, 40, true)
		if err != nil || !left.HooksRemoved || len(h.shop.Hooks()) != 0 {
			t.Fatalf("%+v, %v, %v", left, err, h.shop.Hooks())
		}
		h.until("the erasing", func() bool {
			return h.count(`SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM mirror) + (SELECT count(*) FROM order_history) + (SELECT count(*) FROM variants)`) == 0
		})
		if _, err := h.sync.Status(t.Context(), care.Scope{Stores: []int64{8}}, 40); err == nil {
			t.Error("another store sees the connection")
		}
	})
}

func TestTheDoorOfHooks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, true)
		_, ids := h.fill(2)
		h.start()
		h.connect()
		h.until("the hooks", func() bool { return len(h.shop.Hooks()) == 12 })
		post := func(url, contentType, signature, body string) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("X-WC-Webhook-Topic", "order.updated")
			if signature != "" {
				r.Header.Set("X-WC-Webhook-Signature", signature)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		order := fmt.Sprintf(`{"id":%d}`, ids[0])
		for name, c := range map[string]struct {
			url, signature, body string
			want                 int
		}{
			"wrong signature":     {h.door, "AAAA", order, 401},
			"no signature":        {h.door, "", order, 401},
			"unknown address":     {h.door + "x", "AAAA", order, 404},
			"a short address":     {strings.TrimSuffix(h.door, token) + "x", "AAAA", order, 404},
			"a body beyond bound": {h.door, "AAAA", strings.Repeat("x", 3<<20), 413},
			"deep JSON":           {h.door, "AAAA", strings.Repeat("[", 100000), 401},
			"not UTF-8":           {h.door, "\xff\xfe", "\xff\xfe", 401},
		} {
			if got := post(c.url, "application/json", c.signature, c.body); got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
		}
		before := h.count(`SELECT count(*) FROM hook_deliveries WHERE verdict = 'accepted'`)
		h.shop.Pay(ids[0], "TX")
		h.shop.Deliver(t.Context())
		if n := h.count(`SELECT count(*) FROM hook_deliveries WHERE verdict = 'accepted'`); n <= before {
			t.Errorf("%d deliveries are kept, before %d", n, before)
		}
		h.conns.change(func(c *account.LiveConnection) { c.State = account.StatePaused })
		h.shop.SetStatus(ids[1], "cancelled")
		h.shop.Deliver(t.Context())
		if n := h.count(`SELECT count(*) FROM hook_deliveries WHERE verdict = 'ignored'`); n == 0 {
			t.Error("what came while the connection was paused is not on record")
		}
	})
}
