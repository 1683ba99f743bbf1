package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/notify"
	"opeka/internal/post"
)

const store = 7

var shop = care.Connection{ID: 40, Store: store, Plug: "generic", Name: "Shop"}

// office is a post room whose letters the test reads. What was handed to it counts once the transaction that did so is committed.
type office struct {
	mu     sync.Mutex
	handed map[int64]post.Send
	taken  map[int64]bool
	asked  map[int64]bool // reported on
	can    map[string]care.ChannelAbilities
	outed  map[string]string // addresses that may not be written to
}

func newOffice() *office {
	return &office{handed: map[int64]post.Send{}, taken: map[int64]bool{}, asked: map[int64]bool{}, outed: map[string]string{}, can: map[string]care.ChannelAbilities{
		care.ChannelEmail: {Inbound: true, HTML: true, Unprompted: true}, care.ChannelSMS: {Unprompted: true, Delivery: true}, care.ChannelViber: {Unprompted: true, Delivery: true},
	}}
}

func (o *office) BotsURL(_ context.Context, _, customer, order int64, _ time.Time) string {
	return fmt.Sprintf("https://care.example/m/%d-%d", customer, order)
}

func (o *office) Channels(context.Context, int64) (map[string]care.ChannelAbilities, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]care.ChannelAbilities{}
	for k, v := range o.can {
		out[k] = v
	}
	return out, nil
}

func (o *office) Ways(_ context.Context, _ int64, list []post.Address) (out []post.Way, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range list {
		out = append(out, post.Way{Channel: a.Channel, Address: a.Address, State: "ok", Abilities: o.can[a.Channel], OptedOut: o.outed[a.Address]})
	}
	return out, nil
}

func (o *office) Send(_ context.Context, tx *db.Tx, s post.Send) (int64, error) {
	id := tx.ID()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handed[id] = s
	return id, nil
}

func (o *office) Status(context.Context, db.Querier, int64) (post.Status, error) {
	return post.Status{}, nil
}

// fresh lists the committed sends that aren't in the map yet, and puts them there.
func (w *world) fresh(seen map[int64]bool) (ids []int64) {
	w.t.Helper()
	rows, err := w.db.Read().Query(w.t.Context(), `SELECT send_id FROM notice_sends ORDER BY id`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			w.t.Fatal(err)
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// mail is what has gone out since it was last asked for.
func (w *world) mail() (out []post.Send) {
	w.t.Helper()
	w.post.mu.Lock()
	defer w.post.mu.Unlock()
	for _, id := range w.fresh(w.post.taken) {
		out = append(out, w.post.handed[id])
	}
	return out
}

func channels(sends []post.Send) (out []string) {
	for _, s := range sends {
		out = append(out, s.Channel)
	}
	slices.Sort(out)
	return out
}

type world struct {
	*notify.Notify
	t      *testing.T
	db     *db.DB
	clock  *db.MovableClock
	shop   *commerce.Commerce
	people *customer.Customers
	post   *office
}

func begin(t *testing.T, d *db.DB, clock *db.MovableClock) *world {
	t.Helper()
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		tx.Defer(`INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES ($1, 'Стежка', 'stezhka', 'uk', 'UAH', 'Europe/Kyiv', '{}', '{}', $2, $2, 0, 0)`, store, []byte{})
		tx.Defer(`INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) VALUES ($1, $2, 'generic', 'Shop', '{}', $3, 'token', 0, 0, 0)`, shop.ID, store, []byte{})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: d, clock: clock, post: newOffice(), people: customer.New(d, nil, nil)}
	w.shop = commerce.New(d, w.people, commerce.Options{})
	w.Notify = notify.New(d, w.post, notify.Options{})
	for _, e := range notify.Events {
		d.RouteWhen(e, notify.JobEvent, notify.Wanted)
	}
	d.Route(care.EventDeliveryChanged, notify.JobDelivery)
	r := job.New(d, slog.New(slog.DiscardHandler))
	w.Jobs(r)
	w.shop.Jobs(r)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(context.Background()) })
	return w
}

// rest waits until nothing is due any more.
func (w *world) rest() {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
		var waiting, dead int
		err := w.db.Read().QueryRow(w.t.Context(), `SELECT coalesce(sum(CASE WHEN state = 'running' OR (state = 'ready' AND run_at <= $1) THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN state = 'dead' OR last_error <> '' THEN 1 ELSE 0 END), 0) FROM jobs`,
			db.At(w.clock.Now())).Scan(&waiting, &dead)
		if err != nil {
			w.t.Fatal(err)
		}
		if dead > 0 {
			var kind, problem string
			_ = w.db.Read().QueryRow(w.t.Context(), `SELECT kind, last_error FROM jobs WHERE last_error <> '' LIMIT 1`).Scan(&kind, &problem)
			w.t.Fatalf("%s failed: %s", kind, problem)
		}
		if waiting == 0 {
			return
		}
	}
	w.t.Fatal("work went on and on")
}

func (w *world) tell(records ...care.Record) {
	w.t.Helper()
	w.tellAs(commerce.ApplyOptions{}, records...)
}

func (w *world) tellAs(o commerce.ApplyOptions, records ...care.Record) {
	w.t.Helper()
	a, err := w.shop.Apply(w.t.Context(), shop, records, o)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, err := range a.Errors {
		w.t.Fatal(err)
	}
	w.rest()
}

// pass moves the clock on and lets what comes due happen.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Move(d)
	w.rest()
}

func (w *world) bought(number string) *care.ShopOrder {
	return &care.ShopOrder{Number: number, RawStatus: "new", Order: care.OrderPlaced, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled, Currency: "UAH",
		Total:    care.Money{Amount: 124990, Currency: "UAH"},
		Customer: care.CustomerRef{Name: "Олена Шевченко", Email: "olena@example.com", Phone: "+380671234567", Language: "uk"},
		Lines:    []care.ShopLine{{Variant: "v1", SKU: "MUG", Name: "Чашка", Quantity: 2, Price: care.Money{Amount: 62495, Currency: "UAH"}, Total: care.Money{Amount: 124990, Currency: "UAH"}}},
		PlacedAt: w.clock.Now().Add(-time.Minute), PayMethod: "card"}
}

func (w *world) order(o *care.ShopOrder) care.Record {
	copied := *o
	return care.Record{Kind: care.KindOrder, ExternalID: o.Number, UpdatedAt: w.clock.Now(), Data: &copied}
}

// stock says how many mugs can be sold.
func (w *world) stock(available int64) care.Record {
	n := available
	return care.Record{Kind: care.KindProduct, ExternalID: "p1", UpdatedAt: w.clock.Now(), Data: &care.ShopProduct{Name: "Чашка", Variants: []care.ShopVariant{
		{ExternalID: "v1", SKU: "MUG", Price: care.Money{Amount: 62495, Currency: "UAH"}, Stock: &care.ShopStock{OnHand: max(n, 0), Available: &n}}}}}
}

// reasons are the withheld notices of the log, as key: reason.
func (w *world) reasons() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	rows, err := w.db.Read().Query(w.t.Context(), `SELECT notice_key, reason FROM notices WHERE outcome = 'withheld' ORDER BY id`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k, r string
		if err := rows.Scan(&k, &r); err != nil {
			w.t.Fatal(err)
		}
		out[k] = r
	}
	return out
}

func (w *world) events(kind string) (out []care.ExceptionEvent) {
	w.t.Helper()
	rows, err := w.db.Read().Query(w.t.Context(), `SELECT payload FROM events WHERE type = $1 ORDER BY id`, kind)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw json.RawMessage
		var e care.ExceptionEvent
		if err := rows.Scan(&raw); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func play(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(begin(t, d, clock)) })
}

// An order that goes well: a letter when it is placed and nothing that rings; then what the customer waits for. Every message is counted,
// so that nobody adds one without noticing.
func TestAnUndisturbedOrderIsQuiet(t *testing.T) {
	play(t, func(w *world) {
		w.tell(w.stock(10))
		o := w.bought("A-1")
		o.PromisedAt = w.clock.Now().Add(72 * time.Hour)
		w.tell(w.order(o))
		got := w.mail()
		if len(got) != 1 || got[0].Channel != care.ChannelEmail || got[0].To != "olena@example.com" || !strings.Contains(got[0].Body.Subject, "відкладено для вас") || got[0].Class != post.ClassNotice {
			t := got
			w.t.Fatalf("on placing: %+v", t)
		}
		steps := []struct {
			name string
			do   func()
			want []string
		}{
			{"told again", func() {}, nil},
			{"paid", func() {
				o.Payments = []care.ShopPayment{{ExternalID: "p", State: care.PaymentPaid, Amount: o.Total, At: w.clock.Now()}}
				o.Payment = care.PaymentPaid
			}, []string{"viber"}},
			{"confirmed", func() { o.RawStatus, o.Order = "processing", care.OrderProcessing }, []string{"email"}},
			{"packed", func() {
				o.Shipments = []care.ShopShipment{{ExternalID: "s", Carrier: "Нова пошта", Tracking: "20450000000017", State: care.ShipmentCreated}}
				o.Fulfilment = care.FulfilmentPacked
			}, nil},
			{"handed over", func() { move(o, w, care.ShipmentHandedOver) }, []string{"email", "viber"}},
			{"under way", func() { move(o, w, care.ShipmentInTransit) }, nil},
			{"at the point", func() { move(o, w, care.ShipmentAtPickupPoint) }, []string{"email", "viber"}},
			{"fetched", func() { move(o, w, care.ShipmentDelivered); o.Fulfilment = care.FulfilmentDelivered }, []string{"email"}},
		}
		for _, s := range steps {
			w.pass(40 * time.Minute)
			s.do()
			w.tell(w.order(o))
			w.delivered()
			if got := channels(w.mail()); !slices.Equal(got, s.want) {
				w.t.Errorf("%s: %v, want %v", s.name, got, s.want)
			}
		}
		w.pass(30 * 24 * time.Hour)
		if got := w.mail(); len(got) > 0 || len(w.events(care.EventExceptionRaised)) > 0 {
			w.t.Errorf("afterwards: %+v %+v", got, w.events(care.EventExceptionRaised))
		}
	})
}

func move(o *care.ShopOrder, w *world, s care.ShipmentState) {
	p := &o.Shipments[0]
	p.State = s
	p.Checkpoints = append(slices.Clone(p.Checkpoints), care.ShopCheckpoint{At: w.clock.Now(), State: s})
	o.Fulfilment = care.FulfilmentShipped
}

// delivered reports all that was sent as delivered.
func (w *world) delivered() { w.report(care.DeliveryDelivered, "") }

func (w *world) report(state care.DeliveryState, code string) {
	w.t.Helper()
	ids := w.fresh(w.post.asked)
	err := w.db.Write(w.t.Context(), db.System, func(tx *db.Tx) error {
		for _, id := range ids {
			tx.Emit(db.Event{Store: store, Type: care.EventDeliveryChanged, Subject: id, Payload: care.DeliveryEvent{Kind: notify.KindNotice, State: string(state), Code: code}})
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rest()
}

func TestTheLetterWaitsForTheReservation(t *testing.T) {
	play(t, func(w *world) {
		w.tell(w.stock(1)) // known before the order, and too little for it
		w.clock.Move(2 * time.Minute)
		o := w.bought("A-1")
		w.tell(w.order(o))
		if got := w.mail(); len(got) > 0 {
			w.t.Fatalf("promised what nobody knows: %+v", got)
		}
		if w.reasons()["accepted.email"] != "stock_waiting" {
			w.t.Fatalf("%v", w.reasons())
		}
		w.clock.Move(time.Minute)
		w.tell(w.stock(0)) // the shop has taken the order's pieces off its stock
		w.pass(3 * time.Minute)
		if got := w.mail(); len(got) != 1 || !strings.Contains(got[0].Body.Subject, "відкладено") {
			w.t.Fatalf("%+v", got)
		}
	})
}

func TestGoodsThatAreNotThereAreOwnedUpTo(t *testing.T) {
	play(t, func(w *world) {
		o := w.bought("A-1")
		w.clock.Move(time.Minute)
		w.tell(w.stock(-1))
		w.tell(w.order(o))
		got := w.mail()
		if len(got) != 1 || got[0].Channel != care.ChannelViber || !strings.Contains(got[0].Body.Text, "вибачте, Чашка не виявилося в наявності") {
			w.t.Fatalf("%+v", got)
		}
		if r := w.reasons()["accepted.email"]; r != "stock_short" {
			w.t.Errorf("reason %q", r)
		}
		raised := w.events(care.EventExceptionRaised)
		if len(raised) != 1 || raised[0].Kind != care.ExceptionReservationFailed || raised[0].Work != care.WorkCallback || !raised[0].Told || raised[0].Number != "A-1" {
			w.t.Fatalf("%+v", raised)
		}
		w.delivered()
		w.clock.Move(time.Hour)
		w.tell(w.stock(5))
		o.Note = "is it there?"
		w.tell(w.order(o))
		if closed := w.events(care.EventExceptionClosed); len(closed) != 1 || closed[0].Exception != raised[0].Exception || closed[0].Number != "A-1" {
			w.t.Fatalf("%+v", closed)
		}
		if got := w.mail(); len(got) != 1 || got[0].Channel != care.ChannelEmail {
			w.t.Errorf("now that it is there: %+v", got)
		}
	})
}

func TestWhoSaidDoNotCallIsNotCalled(t *testing.T) {
	play(t, func(w *world) {
		o := w.bought("A-1")
		o.Custom = map[string]string{"Don't call me": "yes"}
		w.clock.Move(time.Minute)
		w.tell(w.stock(-1), w.order(o))
		raised := w.events(care.EventExceptionRaised)
		if len(raised) != 1 || raised[0].Work != care.WorkTask {
			w.t.Fatalf("%+v", raised)
		}
		if w.reasons()["call.reservation_failed"] != "do_not_call" {
			w.t.Errorf("%v", w.reasons())
		}
	})
}

func TestQuietHoursPutOffWhatRings(t *testing.T) {
	play(t, func(w *world) {
		w.pass(11 * time.Hour) // 23:00 in Kyiv
		w.tell(w.stock(10))
		o := w.bought("A-1")
		w.tell(w.order(o))
		if got := channels(w.mail()); !slices.Equal(got, []string{"email"}) {
			w.t.Fatalf("a letter may come at night: %v", got)
		}
		o.Shipments = []care.ShopShipment{{ExternalID: "s", State: care.ShipmentCreated}}
		move(o, w, care.ShipmentAtPickupPoint)
		w.tell(w.order(o))
		if got := channels(w.mail()); !slices.Equal(got, []string{"email"}) {
			w.t.Fatalf("rang at night: %v", got)
		}
		w.pass(9 * time.Hour)
		if got := w.mail(); len(got) > 0 {
			w.t.Fatalf("rang before nine: %+v", got)
		}
		w.pass(90 * time.Minute)
		if got := channels(w.mail()); !slices.Equal(got, []string{"viber"}) {
			w.t.Fatalf("in the morning: %v", got)
		}
	})
}

func TestWhatIsNoLongerTrueIsNotSaid(t *testing.T) {
	play(t, func(w *world) {
		w.pass(11 * time.Hour)
		o := w.bought("A-1")
		o.Shipments = []care.ShopShipment{{ExternalID: "s", State: care.ShipmentCreated}}
		move(o, w, care.ShipmentAtPickupPoint)
		w.tell(w.order(o))
		w.mail()
		w.clock.Move(time.Hour)
		move(o, w, care.ShipmentDelivered)
		o.Fulfilment = care.FulfilmentDelivered
		w.tell(w.order(o))
		w.mail()
		w.pass(10 * time.Hour)
		if got := w.mail(); len(got) > 0 || w.reasons()["at_pickup_point"] != "overtaken" {
			w.t.Fatalf("%+v %v", got, w.reasons())
		}
	})
}

func TestTheNextChannelTakesOver(t *testing.T) {
	play(t, func(w *world) {
		w.tell(w.stock(10))
		o := w.bought("A-1")
		o.Shipments = []care.ShopShipment{{ExternalID: "s", State: care.ShipmentCreated}, {ExternalID: "s2", State: care.ShipmentCreated}}
		w.tell(w.order(o))
		w.delivered()
		w.mail()
		move(o, w, care.ShipmentAtPickupPoint)
		w.tell(w.order(o))
		if got := channels(w.mail()); !slices.Equal(got, []string{"email", "viber"}) {
			w.t.Fatalf("%v", got)
		}
		w.pass(31 * time.Minute) // nobody says that Viber delivered
		if got := channels(w.mail()); !slices.Equal(got, []string{"sms"}) {
			w.t.Fatalf("after half an hour: %v", got)
		}
		w.report(care.DeliveryFailed, "unknown_address") // SMS fails at once
		if got := w.mail(); len(got) > 0 {
			w.t.Fatalf("the letter has said it already: %+v", got)
		}
		var passed string
		if err := w.db.Read().QueryRow(w.t.Context(), `SELECT passed FROM notices WHERE notice_key = 'at_pickup_point' AND outcome = 'failed'`).Scan(&passed); err != nil || !strings.Contains(passed, "not_delivered") || !strings.Contains(passed, "said_there") || !strings.Contains(passed, "failed") {
			w.t.Errorf("%v %s", err, passed)
		}
	})
}

func TestOptedOutAddressesGetNothing(t *testing.T) {
	play(t, func(w *world) {
		w.post.outed["olena@example.com"] = "bounce"
		w.post.outed["+380671234567"] = "stop"
		w.tell(w.stock(10))
		o := w.bought("A-1")
		o.Shipments = []care.ShopShipment{{ExternalID: "s", State: care.ShipmentCreated}}
		w.tell(w.order(o))
		move(o, w, care.ShipmentAtPickupPoint)
		w.tell(w.order(o))
		if got := w.mail(); len(got) > 0 {
			w.t.Fatalf("%+v", got)
		}
		if r := w.reasons(); r["accepted.email"] != "unreachable" || r["at_pickup_point"] != "unreachable" {
			w.t.Errorf("%v", r)
		}
	})
}

// What happened before the shop was connected, or too long ago, is never told, and makes no work.
func TestOldNewsIsNotTold(t *testing.T) {
	play(t, func(w *world) {
		o := w.bought("A-1")
		w.tellAs(commerce.ApplyOptions{Backfill: true}, w.order(o))
		old := w.bought("A-2")
		old.PlacedAt = w.clock.Now().AddDate(0, 0, -5)
		w.tell(w.order(old))
		if got := w.mail(); len(got) > 0 {
			w.t.Fatalf("%+v", got)
		}
		if r := w.reasons(); r["accepted.email"] != "old" || len(r) != 1 {
			w.t.Errorf("%v", r)
		}
	})
}

func TestDetectorsTellRaiseAndClose(t *testing.T) {
	play(t, func(w *world) {
		w.tell(w.stock(10))
		o := w.bought("A-1")
		o.Order, o.RawStatus = care.OrderAwaitingPayment, "pending"
		w.tell(w.order(o))
		w.mail()
		w.pass(21 * time.Hour)
		if raised := w.events(care.EventExceptionRaised); len(raised) != 1 || raised[0].Kind != care.ExceptionPaymentMissing {
			w.t.Fatalf("%+v", raised)
		}
		if got := w.mail(); len(got) != 1 || !strings.Contains(got[0].Body.Subject, "чекає на оплату") {
			w.t.Fatalf("%+v", got)
		}
		w.clock.Move(time.Hour)
		o.Payments = []care.ShopPayment{{ExternalID: "p", State: care.PaymentPaid, Amount: o.Total, At: w.clock.Now()}}
		o.Payment, o.Order, o.RawStatus = care.PaymentPaid, care.OrderProcessing, "processing"
		w.tell(w.order(o))
		if closed := w.events(care.EventExceptionClosed); len(closed) != 1 {
			w.t.Fatalf("%+v", closed)
		}
		w.mail()
		o.Shipments = []care.ShopShipment{{ExternalID: "s", Tracking: "2045", State: care.ShipmentCreated}}
		move(o, w, care.ShipmentInTransit)
		w.tell(w.order(o))
		w.pass(4 * 24 * time.Hour)
		if raised := w.events(care.EventExceptionRaised); len(raised) != 2 || raised[1].Kind != care.ExceptionParcelStuck || raised[1].Part != "s" || raised[1].Work != care.WorkTask {
			w.t.Fatalf("%+v", raised)
		}
	})
}

func TestManyBackfilledOrdersMakeNoNoticeAndNoJob(t *testing.T) {
	play(t, func(w *world) {
		var records []care.Record
		for i := range 400 {
			records = append(records, w.order(w.bought(fmt.Sprint("B-", i))))
		}
		w.tellAs(commerce.ApplyOptions{Backfill: true}, records...)
		var jobs int
		if err := w.db.Read().QueryRow(w.t.Context(), `SELECT count(*) FROM jobs WHERE kind LIKE 'notify.%'`).Scan(&jobs); err != nil || jobs > 0 || len(w.mail()) > 0 {
			w.t.Fatalf("%d jobs %v", jobs, err)
		}
	})
}
