package phone_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/inbox"
	"opeka/internal/job"
	"opeka/internal/phone"
	"opeka/test/world/phones"
)

// house is the telephone with a store, a network of its own and agents as a test makes them.
type house struct {
	t     testing.TB
	db    *db.DB
	clock *db.MovableClock
	phone *phone.Phone
	inbox *inbox.Inbox
	world *phones.Network
	jobs  *job.Runner
	store int64
	stop  func()
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(t, newHouse(t, d, clock, nil)) })
}

func newHouse(t testing.TB, d *db.DB, clock *db.MovableClock, people func(*phones.Line)) *house {
	t.Helper()
	h := &house{t: t, db: d, clock: clock, world: phones.New(people)}
	wire(d)
	h.store = h.addStore("shop")
	h.open()
	t.Cleanup(func() { h.stop() })
	return h
}

func wire(d *db.DB) {
	for _, e := range phone.Hears {
		d.Route(e, phone.JobHeard)
	}
	d.Route(care.EventAgentPresence, phone.JobPresence)
	d.Route(care.EventStockChanged, phone.JobStock)
	for _, e := range []string{care.EventCallbackExpired, care.EventCallbackWritten, care.EventStockTold} {
		d.Route(e, phone.JobTell)
	}
	for _, e := range []string{care.EventCallEnded, care.EventCallAbandoned, care.EventCallMissed, care.EventCallDropped, care.EventCallVoicemail} {
		d.Route(e, phone.JobNote)
	}
}

// open is a start of the program: a new life of the room over the same database.
func (h *house) open() {
	h.t.Helper()
	files, err := blob.NewDisk(h.t.TempDir())
	if err != nil {
		h.t.Fatal(err)
	}
	hints, log := bus.NewLocal(), slog.New(slog.DiscardHandler)
	customers := customer.New(h.db, hints, nil)
	h.inbox = inbox.New(h.db, customers, files, hints, inbox.Options{Secret: []byte("secret"), Log: log})
	h.phone = phone.New(h.db, customers, hints, phone.Options{Network: h.world, Talks: h.inbox, Log: log})
	h.jobs = job.New(h.db, log)
	h.phone.Jobs(h.jobs)
	if err := h.phone.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	if err := h.jobs.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	p, r, i, stopped := h.phone, h.jobs, h.inbox, false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		p.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		i.Close()
		_ = hints.Close()
	}
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	err := h.db.Write(context.Background(), db.System, func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) addStore(name string) int64 {
	h.t.Helper()
	id := h.db.ID()
	h.exec(`INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES ($1, $2, $2, 'uk', 'UAH', 'Europe/Kyiv', '{"zone":"Europe/Kyiv","always":true}', '{}', $3, $3, 1, 1)`, id, name, []byte{})
	return id
}

// agent makes an agent of the store who sits at the telephone, or doesn't.
func (h *house) agent(name string, atPhone bool) care.Scope {
	h.t.Helper()
	id := h.db.ID()
	h.exec(`INSERT INTO agents (id, name, email, language, keymap, created_at, updated_at) VALUES ($1, $2, $3, 'uk', '{}', 1, 1)`, id, name, fmt.Sprint(id, "@shop.test"))
	h.exec(`INSERT INTO memberships (agent_id, store_id, role) VALUES ($1, $2, 'agent')`, id, h.store)
	h.exec(`INSERT INTO presences (agent_id, state, since_at, seen_at) VALUES ($1, 'ready', $2, $2)`, id, db.At(h.clock.Now()))
	s := care.Scope{Agent: id, Stores: []int64{h.store}, Permissions: map[int64][]care.Permission{h.store: {care.PermPhone, care.PermSettings, care.PermCustomerRead}}}
	if atPhone {
		if _, err := h.phone.Reachable(h.t.Context(), s, true, ""); err != nil {
			h.t.Fatal(err)
		}
	}
	return s
}

// present changes an agent's presence as the account room does.
func (h *house) present(agent int64, state string) {
	h.t.Helper()
	err := h.db.Write(context.Background(), db.System, func(tx *db.Tx) error {
		if _, err := tx.Exec(context.Background(), `UPDATE presences SET state = $1, since_at = $2 WHERE agent_id = $3`, state, db.At(tx.Now), agent); err != nil {
			return err
		}
		tx.Emit(db.Event{Store: h.store, Type: care.EventAgentPresence, Subject: agent, Payload: care.PresenceEvent{Agent: agent, State: state}})
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// variant puts a product on sale, of which there is nothing.
func (h *house) variant(name string) int64 {
	h.t.Helper()
	p, v := h.db.ID(), h.db.ID()
	h.exec(`INSERT INTO products (id, store_id, connection_id, external_id, name, folded, categories, updated_at) VALUES ($1, $2, 1, $3, $4, $4, '[]', 1)`, p, h.store, fmt.Sprint(p), name)
	h.exec(`INSERT INTO variants (id, store_id, connection_id, product_id, external_id, options, price, currency) VALUES ($1, $2, 1, $3, $4, '[]', 100, 'UAH')`, v, h.store, p, fmt.Sprint(v))
	h.pieces(v, 0)
	return v
}

// pieces says how many of a variant there are, as commerce does when the shop tells it.
func (h *house) pieces(variant, n int64) {
	h.t.Helper()
	err := h.db.Write(context.Background(), db.System, func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), `INSERT INTO stock_levels (variant_id, location_id, store_id, on_hand, reserved, available, incoming, as_of_at) VALUES ($1, 1, $2, $3, 0, $3, 0, 1)
ON CONFLICT (variant_id, location_id) DO UPDATE SET available = excluded.available, on_hand = excluded.on_hand`, variant, h.store, n)
		if err != nil {
			return err
		}
		tx.Emit(db.Event{Store: h.store, Type: care.EventStockChanged, Subject: variant, Payload: care.StockEvent{Variant: variant, After: n, Total: n}})
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) ask(s care.Scope, number string) phone.Callback {
	h.t.Helper()
	c, err := h.phone.Ask(h.t.Context(), s, phone.Asked{Store: h.store, Trigger: phone.TriggerAsked, Number: number})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *house) line(nth int) *phones.Line {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	l, err := h.world.Wait(ctx, nth)
	if err != nil {
		h.t.Fatalf("line %d was never rung: %v", nth, err)
	}
	return l
}

// until waits for a callback to be as ok says.
func (h *house) until(s care.Scope, id int64, what string, ok func(phone.Callback) bool) phone.Callback {
	h.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		c, err := h.phone.Callback(h.t.Context(), s, id)
		if err != nil {
			h.t.Fatal(err)
		}
		if ok(c) {
			return c
		}
		if time.Now().After(end) {
			h.t.Fatalf("never %s: %+v", what, c)
		}
		pause(h.t.Context())
	}
}

// pause lets what goes on go on for a moment.
func pause(ctx context.Context) {
	t := time.NewTimer(2 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func in(state phone.State) func(phone.Callback) bool {
	return func(c phone.Callback) bool { return c.State == state }
}

// talk lets the customer answer and speak for a while.
func (h *house) talk(s care.Scope, id int64, l *phones.Line) {
	h.t.Helper()
	l.Rings()
	l.Answers()
	h.until(s, id, "talking", in(phone.Talking))
	h.clock.Move(time.Minute)
	l.Ends(care.CauseHangup)
	h.until(s, id, "wrapped up", in(phone.WrapUp))
}

func (h *house) dispose(s care.Scope, id int64, d phone.Disposition, at time.Time) phone.Callback {
	h.t.Helper()
	c, err := h.phone.Dispose(h.t.Context(), s, id, d, at, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// rings is somebody who rings in.
func (h *house) rings(from string, _ care.Scope) *phones.Line {
	h.t.Helper()
	l := phones.Caller(from, "+380440000000")
	h.phone.Ring(1, h.store, l)
	return l
}

// calls waits until the latest call is as ok says.
func (h *house) calls(s care.Scope, what string, ok func(phone.Call) bool) phone.Call {
	h.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		list, err := h.phone.Calls(h.t.Context(), s, phone.CallFilter{Store: h.store, Limit: 1})
		if err != nil {
			h.t.Fatal(err)
		}
		if len(list) > 0 && ok(list[0]) {
			return list[0]
		}
		if time.Now().After(end) {
			h.t.Fatalf("never %s: %+v", what, list)
		}
		pause(h.t.Context())
	}
}
