package journeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
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
	"opeka/internal/shop/generic"
)

const actionSecret = "secret of an action test"

// maker is a shop of its own make with one order, which does what it is asked to once per action id.
type maker struct {
	mu     sync.Mutex
	status string
	moved  time.Time
	acted  []int64         // ids, as often as they came
	done   map[int64]bool  // what had an effect
	notes  []string        // that it was asked to keep
	later  int             // so many answers say pending
	drop   int             // so many requests are done but not answered
	no     string          // refuse, with these words
	asleep bool            // says done, and does nothing
	hold   <-chan struct{} // leaves a request without an answer until it is closed
}

func (m *maker) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// got tells under which ids it was asked, how many had an effect, and what it noted.
func (m *maker) got() (acted []int64, effects int, notes []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.acted), len(m.done), slices.Clone(m.notes)
}

func (m *maker) set(status string) {
	m.moved = m.moved.Add(time.Second)
	m.status = status
}

func (m *maker) order() map[string]any {
	return map[string]any{"number": "1001", "status": m.status, "placed_at": "2026-01-02T09:00:00Z", "customer": map[string]any{"name": "Олена", "email": "olena@example.com"},
		"total": care.Money{Amount: 50000, Currency: "UAH"}, "lines": []any{map[string]any{"name": "Cap", "quantity": 1}}}
}

func (m *maker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	signed := body
	if r.Method == http.MethodGet {
		signed = []byte(r.URL.RequestURI())
	}
	if _, bad := generic.Verify([]string{actionSecret}, r.Header.Get(generic.SignatureHeader), signed, time.Now()); bad != nil || err != nil {
		http.Error(w, "signature", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"updated_at": m.moved, "data": m.order()})
		return
	}
	var a care.Action
	if err := json.Unmarshal(body, &a); err != nil || a.Order != "1" {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	m.acted = append(m.acted, a.ID)
	switch {
	case m.no != "":
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]any{"state": "refused", "reason": m.no})
		return
	case m.later > 0:
		m.later--
		fmt.Fprint(w, `{"state": "pending", "retry_after": 60}`)
		return
	}
	if !m.done[a.ID] && !m.asleep {
		m.done[a.ID] = true
		switch a.Kind {
		case care.ActionCancel:
			m.set("cancelled")
		case care.ActionStatus:
			m.set(a.Status)
		case care.ActionNote:
			m.notes = append(m.notes, a.Text)
		}
	}
	if m.drop > 0 {
		m.drop--
		panic(http.ErrAbortHandler)
	}
	if hold := m.hold; hold != nil {
		m.mu.Unlock()
		<-hold
		m.mu.Lock()
	}
	fmt.Fprint(w, `{"state": "done"}`)
}

// desk is an agent before the shop's order.
type desk struct {
	t     *testing.T
	d     *db.DB
	clock *db.MovableClock
	shop  *maker
	conns *counter
	sync  *commerce.Sync
	by    account.By
	order int64
	audit int
}

func openDesk(t *testing.T, d *db.DB, clock *db.MovableClock) *desk {
	h := &desk{t: t, d: d, clock: clock, shop: &maker{status: "new", moved: clock.Now(), done: map[int64]bool{}}}
	server := httptest.NewServer(h.shop)
	t.Cleanup(server.Close)
	settings, err := json.Marshal(map[string]string{"pull_url": server.URL + "/record", "action_url": server.URL + "/action"})
	if err != nil {
		t.Fatal(err)
	}
	conn := care.Connection{ID: 40, Store: 7, Plug: generic.Name, Name: "Shop", Settings: settings, Secrets: []byte(`{"secret":"` + actionSecret + `"}`)}
	h.conns = &counter{conn: account.LiveConnection{Connection: conn, State: account.StateOK}}
	h.by = account.By{Scope: care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermCommerceRead, care.PermCommerceWrite}}}}
	log := slog.New(slog.DiscardHandler)
	mirror := commerce.New(d, customer.New(d, nil, nil), commerce.Options{Log: log, Statuses: func(string) map[string]care.Axes { return generic.New().DefaultStatuses() }})
	h.sync = commerce.NewSync(d, mirror, h.conns, []care.ShopPlug{generic.New()}, commerce.SyncOptions{Log: log, PerSecond: 100000,
		Audit: func(*db.Tx, account.By, int64, string, int64, string, any, any) { h.audit++ }})
	data, err := json.Marshal(h.shop.order())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mirror.Ingest(t.Context(), conn, []care.Record{{Kind: care.KindOrder, ExternalID: "1", UpdatedAt: clock.Now(), Data: commerce.Patch(data)}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Read().QueryRow(t.Context(), `SELECT id FROM orders WHERE connection_id = 40`).Scan(&h.order); err != nil {
		t.Fatal(err)
	}
	return h
}

// live is one life of the program; the returned function ends it, as hard as a stop may be.
func (h *desk) live() (kill func()) {
	h.t.Helper()
	r := job.New(h.d, slog.New(slog.DiscardHandler))
	h.sync.Jobs(r)
	if err := r.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	kill = func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		r.Stop(now)
	}
	h.t.Cleanup(kill)
	return kill
}

func (h *desk) ask(in commerce.ActionRequest) commerce.ShopAction {
	h.t.Helper()
	a, err := h.sync.Ask(h.t.Context(), h.by, h.order, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// ends waits until an action has ended; meanwhile time passes in steps.
func (h *desk) ends(id int64, step ...time.Duration) commerce.ShopAction {
	h.t.Helper()
	var a commerce.ShopAction
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		list, err := h.sync.Actions(h.t.Context(), h.by.Scope, h.order, id+1, 1)
		if err != nil || len(list) != 1 {
			h.t.Fatal(list, err)
		}
		if a = list[0]; a.State == "done" || a.State == "refused" || a.State == "failed" {
			return a
		}
		h.clock.Move(append(step, 5*time.Second)[0])
	}
	h.t.Fatalf("it never ended: %+v", a)
	return a
}

func (h *desk) status() (raw string) {
	if err := h.d.Read().QueryRow(h.t.Context(), `SELECT raw_status FROM orders WHERE id = $1`, h.order).Scan(&raw); err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func TestAShopIsAskedToAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := openDesk(t, d, clock)
		h.live()
		first := h.ask(commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: "packed"}, ExpectedStatus: "new"})
		if a := h.ends(first.ID); a.State != "done" || a.Params.Status != "packed" || a.ActorID != 1 || h.status() != "packed" || h.audit != 1 {
			t.Fatalf("%+v, %s, %d", a, h.status(), h.audit)
		}

		// An answer that comes later is asked for again, under the same id.
		h.shop.change(func() { h.shop.later, h.shop.acted = 3, nil })
		later := h.ends(h.ask(commerce.ActionRequest{Kind: care.ActionNote, ActionParams: care.ActionParams{Text: "Ring twice"}}).ID)
		if acted, _, notes := h.shop.got(); later.State != "done" || len(acted) != 4 || len(slices.Compact(acted)) != 1 || len(notes) != 1 || later.Attempts != 4 {
			t.Fatalf("%+v, %v, %q", later, acted, notes)
		}

		h.shop.change(func() { h.shop.no = "Already handed over" })
		if a := h.ends(h.ask(commerce.ActionRequest{Kind: care.ActionCancel}).ID); a.State != "refused" || a.ReasonCode != "shop" || a.Reason != "Already handed over" || h.status() != "packed" {
			t.Fatalf("%+v", a)
		}

		// What is said to be done but doesn't show isn't reported as done.
		h.shop.change(func() { h.shop.no, h.shop.asleep = "", true })
		if a := h.ends(h.ask(commerce.ActionRequest{Kind: care.ActionCancel}).ID, 2*time.Hour); a.State != "failed" || a.ReasonCode != "not_visible" {
			t.Fatalf("%+v", a)
		}

		// The order has changed in the shop, and nobody here knows yet: the shop isn't asked.
		h.shop.change(func() { h.shop.asleep, h.shop.acted = false, nil; h.shop.set("shipped") })
		unasked := h.ends(h.ask(commerce.ActionRequest{Kind: care.ActionCancel, ExpectedStatus: "packed"}).ID)
		if acted, _, _ := h.shop.got(); unasked.State != "refused" || unasked.ReasonCode != "order_changed" || len(acted) != 0 || h.status() != "shipped" {
			t.Fatalf("%+v, %v, %s", unasked, acted, h.status())
		}
	})
}

func TestAnActionHappensOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := openDesk(t, d, clock)
		hold := make(chan struct{})
		h.shop.change(func() { h.shop.hold = hold })
		kill := h.live()
		a := h.ask(commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: "packed"}})
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, effects, _ := h.shop.got(); effects == 1 {
				break
			}
		}
		kill() // the shop has done it, and nobody has heard
		close(hold)
		h.shop.change(func() { h.shop.hold, h.shop.drop = nil, 2 })
		clock.Move(time.Minute)
		h.live()
		got := h.ends(a.ID)
		acted, effects, _ := h.shop.got()
		if got.State != "done" || len(acted) < 4 || len(slices.Compact(acted)) != 1 || acted[0] != a.ID || effects != 1 || h.status() != "packed" {
			t.Fatalf("%+v, asked %v, %s", got, acted, h.status())
		}
	})
}

func TestWhoMayAskForWhat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := openDesk(t, d, clock)
		money := func(n int64, currency string) *care.Money { return &care.Money{Amount: n, Currency: currency} }
		reader, stranger := h.by, h.by
		reader.Scope.Permissions = map[int64][]care.Permission{7: {care.PermCommerceRead}}
		stranger.Scope.Stores = []int64{8}
		h.ask(commerce.ActionRequest{Kind: care.ActionCancel}) // nobody works it off in this test
		for name, c := range map[string]struct {
			by   account.By
			in   commerce.ActionRequest
			code string
		}{
			"another store":     {stranger, commerce.ActionRequest{Kind: care.ActionCancel}, "not_found"},
			"no permission":     {reader, commerce.ActionRequest{Kind: care.ActionCancel}, "forbidden"},
			"twice":             {h.by, commerce.ActionRequest{Kind: care.ActionCancel}, "action.under_way"},
			"as it is":          {h.by, commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: "new"}}, "action.already"},
			"no status":         {h.by, commerce.ActionRequest{Kind: care.ActionStatus}, "required"},
			"no text":           {h.by, commerce.ActionRequest{Kind: care.ActionNote}, "required"},
			"seen otherwise":    {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ExpectedStatus: "paid"}, "action.order_changed"},
			"no amount":         {h.by, commerce.ActionRequest{Kind: care.ActionRefund}, "required"},
			"another currency":  {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: money(1, "EUR")}}, "value_invalid"},
			"less than nothing": {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: money(-1, "UAH")}}, "value_invalid"},
			"more than paid":    {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: money(50001, "UAH")}}, "action.too_much"},
			"by lines":          {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Lines: []care.Refunded{{ID: 1, Quantity: 1}}}}, "action.unsupported"},
			"paid back":         {h.by, commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: money(1, "UAH"), PayBack: true}}, "action.unsupported"},
			"unknown":           {h.by, commerce.ActionRequest{Kind: "explode"}, "action.unsupported"},
		} {
			_, err := h.sync.Ask(t.Context(), c.by, h.order, c.in)
			var e *care.Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("%s: %v, want %s", name, err, c.code)
			}
		}
		if _, err := h.sync.Actions(t.Context(), stranger.Scope, h.order, 0, 10); !errors.Is(err, care.NotFound("")) {
			t.Errorf("another store reads: %v", err)
		}
		h.conns.change(func(c *account.LiveConnection) { c.Settings = []byte(`{}`) })
		if _, err := h.sync.Ask(t.Context(), h.by, h.order, commerce.ActionRequest{Kind: care.ActionNote, ActionParams: care.ActionParams{Text: "x"}}); !errors.Is(err, care.Conflict("action.unsupported")) {
			t.Errorf("a shop without addresses: %v", err)
		}
	})
}

func TestWooCommerceIsAskedToAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, false)
		_, ids := h.fill(2)
		h.start()
		h.connect()
		by := account.By{Scope: care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermCommerceRead, care.PermCommerceWrite}}}}
		order := h.count(`SELECT id FROM orders WHERE external_id = $1`, strconv.FormatInt(ids[0], 10))
		second := h.count(`SELECT id FROM orders WHERE external_id = $1`, strconv.FormatInt(ids[1], 10))
		line := h.count(`SELECT id FROM order_lines WHERE order_id = $1`, second)
		first := ids[0]
		for _, c := range []struct {
			in          commerce.ActionRequest
			want, stage string
		}{
			{commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: "no-such"}}, "refused", h.stage(first)},
			{commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: "on-hold"}}, "done", "on_hold"},
			{commerce.ActionRequest{Kind: care.ActionNote, ActionParams: care.ActionParams{Text: "Ring twice", ToCustomer: true}}, "done", "on_hold"},
			{commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: &care.Money{Amount: 10000, Currency: "UAH"}}}, "done", "on_hold"},
			{commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Amount: &care.Money{Amount: 1, Currency: "UAH"}, PayBack: true}}, "refused", "on_hold"},
			{commerce.ActionRequest{Kind: care.ActionCancel}, "done", "cancelled"},
			{commerce.ActionRequest{Kind: care.ActionRefund, ActionParams: care.ActionParams{Lines: []care.Refunded{{ID: line, Quantity: 1}}, Restock: true}}, "done", "refunded"},
		} {
			if len(c.in.Lines) > 0 {
				order, first = second, ids[1]
			}
			a, err := h.sync.Ask(t.Context(), by, order, c.in)
			if err != nil {
				t.Fatal(err)
			}
			h.until("the end of the action", func() bool {
				list, err := h.sync.Actions(t.Context(), by.Scope, order, a.ID+1, 1)
				if err != nil {
					t.Fatal(err)
				}
				a = list[0]
				return a.State == "done" || a.State == "refused" || a.State == "failed"
			})
			if a.State != c.want || h.stage(first) != c.stage {
				t.Fatalf("%+v, %s", a, h.stage(first))
			}
		}
		if n := h.count(`SELECT count(*) FROM order_history WHERE text = 'Ring twice'`); n != 1 {
			t.Errorf("the note is %d times in the history", n)
		}
		if n := h.count(`SELECT count(*) FROM refunds`); n != 2 {
			t.Errorf("%d refunds", n)
		}
		if o, err := h.sync.Options(t.Context(), by.Scope, second); err != nil || len(o.Kinds) != 4 || !o.Refund.PayBack || o.LeftToGive.Amount != 0 || len(o.Statuses) != 6 {
			t.Errorf("%+v, %v", o, err)
		}
		if _, err := h.sync.Ask(t.Context(), by, order, commerce.ActionRequest{Kind: care.ActionReserve}); !errors.Is(err, care.Conflict("action.unsupported")) {
			t.Errorf("a reservation: %v", err)
		}
	})
}
