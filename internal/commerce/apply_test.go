package commerce

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
)

var shop = care.Connection{ID: 40, Store: 7, Plug: "generic", Name: "Shop"}

var scope = care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermCommerceRead, care.PermCommerceWrite, care.PermConnections, care.PermIngest, care.PermCustomerRead}}}

func room(t testing.TB, d *db.DB) *Commerce {
	t.Helper()
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		tx.Defer(`INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) VALUES ($1, $2, $3, $4, '{}', $5, $6, 0, 0, 0)`,
			shop.ID, shop.Store, shop.Plug, shop.Name, []byte{}, fmt.Sprint("token", shop.ID))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(d, customer.New(d, nil, nil), Options{Statuses: func(string) map[string]care.Axes {
		return map[string]care.Axes{"new": {Order: care.OrderPlaced}, "packed": {Order: care.OrderProcessing, Fulfilment: care.FulfilmentPacked}, "gone": {Order: care.OrderCancelled}}
	}})
}

func apply(t testing.TB, m *Commerce, records ...care.Record) Applied {
	t.Helper()
	a, err := m.Apply(t.Context(), shop, records, ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range a.Errors {
		t.Fatalf("record %d: %v", i, err)
	}
	return a
}

// happened lists the events of the types' nouns, in order.
func happened(t testing.TB, d *db.DB, subjectOf ...string) (out []string) {
	t.Helper()
	rows, err := d.Read().Query(t.Context(), `SELECT type, payload FROM events ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var payload json.RawMessage
		if err := rows.Scan(&kind, &payload); err != nil {
			t.Fatal(err)
		}
		if len(subjectOf) == 0 || slices.Contains(subjectOf, nounOf(kind)) {
			var p struct {
				Part string `json:"part"`
			}
			_ = json.Unmarshal(payload, &p)
			out = append(out, told([]change{{kind, p.Part}})...)
		}
	}
	return out
}

// run does the jobs that are waiting.
func run(t testing.TB, m *Commerce, d *db.DB) {
	t.Helper()
	r := job.New(d, slog.New(slog.DiscardHandler))
	m.Jobs(r)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(t.Context()) })
}

func count(t testing.TB, d *db.DB, sql string, args ...any) (n int64) {
	t.Helper()
	if err := d.Read().QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// However snapshots arrive, the newest is what is kept, and nothing is told twice.
func TestAnyOrderOfArrivalEndsInTheNewestState(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		for seed := range uint64(25) {
			r := rand.New(rand.NewPCG(seed, 1))
			states := story(r)
			var arrivals []int
			for i := range states {
				arrivals = append(arrivals, i)
				if r.IntN(2) == 0 {
					arrivals = append(arrivals, i)
				}
			}
			r.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
			key := fmt.Sprint("o", seed)
			before := len(happened(t, d, "order", "payment", "shipment", "refund", "return"))
			var want []string
			var last *orderState
			newest := -1
			for _, i := range arrivals {
				apply(t, m, care.Record{Kind: care.KindOrder, ExternalID: key, UpdatedAt: at(i), Data: states[i]})
				if i <= newest {
					continue
				}
				newest = i
				it, err := canonical(care.Record{Kind: care.KindOrder, ExternalID: key, Data: states[i]})
				if err != nil {
					t.Fatal(err)
				}
				o := *it.Data.(*care.ShopOrder)
				axes, known := m.defaults("", o.RawStatus)
				now := orderState{Order: o, Axes: axesOf(&o, mapping{Axes: axes, Known: known})}
				want = append(want, told(diffOrder(last, now))...)
				last = &now
			}
			got := happened(t, d, "order", "payment", "shipment", "refund", "return")[before:]
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, arrivals %v:\ngot  %q\nwant %q", seed, arrivals, got, want)
			}
			var a care.OrderAxes
			var note string
			err := d.Read().QueryRow(t.Context(), `SELECT order_state, payment_state, fulfilment_state, shipment_state, stage, raw_status, note FROM orders WHERE external_id = $1`, key).
				Scan(&a.Order, &a.Payment, &a.Fulfilment, &a.Shipment, &a.Stage, &a.RawStatus, &note)
			if err != nil || a != last.Axes || note != states[len(states)-1].Note {
				t.Fatalf("seed %d: kept %+v %q, newest %+v (%v)", seed, a, note, last.Axes, err)
			}
			if n := count(t, d, `SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.external_id = $1`, key); n != int64(len(last.Order.Payments)) {
				t.Fatalf("seed %d: %d payments of %d", seed, n, len(last.Order.Payments))
			}
		}
	})
}

func TestWhatIsUnknownWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		a := apply(t, m,
			care.Record{Kind: care.KindStock, ExternalID: "v1@w", UpdatedAt: at(1), Data: care.ShopStock{Variant: "v1", Location: "w", OnHand: 7, Reserved: 2}},
			care.Record{Kind: care.KindInvoice, ExternalID: "i1", Data: care.ShopInvoice{Number: "R-1", Order: "o1", Total: uah(5)}},
		)
		if a.Parked != 2 {
			t.Fatalf("%+v", a)
		}
		apply(t, m, care.Record{Kind: care.KindOrder, ExternalID: "o1", UpdatedAt: at(2), Data: care.ShopOrder{Number: "1", Total: uah(5), Lines: []care.ShopLine{{Variant: "v1", Name: "Mug", Quantity: 1}, {SKU: "MUG-2", Name: "Mug", Quantity: 1}}}})
		apply(t, m, care.Record{Kind: care.KindProduct, ExternalID: "p1", UpdatedAt: at(3), Data: care.ShopProduct{Name: "Mug", Variants: []care.ShopVariant{{ExternalID: "v1", Price: uah(5)}, {ExternalID: "v2", SKU: "MUG-2", Price: uah(6)}}}})
		if n := count(t, d, `SELECT count(*) FROM order_lines l JOIN variants v ON v.id = l.variant_id`); n != 2 {
			t.Fatalf("%d lines know their variant", n)
		}
		run(t, m, d)
		waitFor(t, func() bool {
			return count(t, d, `SELECT (SELECT count(*) FROM parked) + (SELECT count(*) FROM jobs WHERE kind = 'commerce.unpark')`) == 0
		})
		if n := count(t, d, `SELECT available FROM stock_levels`); n != 5 {
			t.Fatalf("%d available", n)
		}
		if n := count(t, d, `SELECT count(*) FROM invoices i JOIN orders o ON o.id = i.order_id`); n != 1 {
			t.Fatal("the invoice was lost")
		}
	})
}

func TestStockComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		product := func(minute int, onHand int64, name string) care.Record {
			return care.Record{Kind: care.KindProduct, ExternalID: "p1", UpdatedAt: at(minute), Data: care.ShopProduct{Name: name, Variants: []care.ShopVariant{{ExternalID: "v1", Price: uah(5), Stock: &care.ShopStock{OnHand: onHand}}}}}
		}
		apply(t, m, product(1, 3, "Mug"), product(2, 0, "Mug"), product(3, 4, "Mug"), product(3, 4, "Cup"), product(2, 0, "Mug"))
		want := []string{"stock.changed", "product.created", "stock.changed", "stock.out", "stock.changed", "stock.back_in", "product.updated"}
		if got := happened(t, d, "stock", "product"); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		apply(t, m, care.Record{Kind: care.KindProduct, ExternalID: "p1", UpdatedAt: at(5), Deleted: true}, product(4, 9, "late"))
		if n := count(t, d, `SELECT count(*) FROM products WHERE archived AND name = 'Cup'`); n != 1 {
			t.Fatal("a late snapshot revived a deleted product")
		}
	})
}

func TestMappingAStatusMovesItsOrders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		for i := range 30 {
			apply(t, m, care.Record{Kind: care.KindOrder, ExternalID: fmt.Sprint(i), UpdatedAt: at(1), Data: care.ShopOrder{Number: fmt.Sprint(i), RawStatus: "odd", Total: uah(1)}})
		}
		list, err := m.Statuses(t.Context(), scope, shop.ID)
		if err != nil || len(list) != 4 || list[0].Raw != "odd" || list[0].Source != "unknown" || list[0].Seen != 30 {
			t.Fatalf("%+v %v", list, err)
		}
		run(t, m, d)
		if err := m.MapStatus(t.Context(), scope, shop.ID, "odd", care.Axes{Order: care.OrderCompleted, Payment: care.PaymentPaid}); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return count(t, d, `SELECT count(*) FROM orders WHERE order_state = 'completed'`) == 30 })
		for _, kind := range []string{care.EventOrderCompleted, care.EventPaymentCaptured, care.EventOrderStatusChanged} {
			if n := count(t, d, `SELECT count(*) FROM events WHERE type = $1`, kind); n != 30 {
				t.Fatalf("%d of %s", n, kind)
			}
		}
	})
}

func TestOddInputIsKeptOrRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		a, err := m.Apply(t.Context(), shop, []care.Record{
			{Kind: care.KindOrder, ExternalID: "1", Data: care.ShopOrder{Number: "a\x00b\xffc", Note: `back\slash \u0000 stays`, Total: uah(1)}},
			{Kind: care.KindOrder, Data: care.ShopOrder{}},
			{Kind: "nonsense", ExternalID: "x"},
			{Kind: care.KindOrder, ExternalID: "2", Data: care.ShopOrder{Payments: []care.ShopPayment{{State: "stolen"}}}},
			{Kind: care.KindProduct, ExternalID: "3", Data: care.ShopProduct{Variants: []care.ShopVariant{{ExternalID: "v"}, {ExternalID: "v"}}}},
			{Kind: care.KindCustomer, ExternalID: "4", Data: care.ShopCustomer{Name: "<script>", Phones: []string{"call me"}, Emails: []string{"not an address"}}},
		}, ApplyOptions{})
		if err != nil || a.Created != 2 || len(a.Errors) != 4 {
			t.Fatalf("%+v %v", a, err)
		}
		var number, note string
		if err := d.Read().QueryRow(t.Context(), `SELECT number, note FROM orders`).Scan(&number, &note); err != nil || number != "ab�c" || note != `back\slash \u0000 stays` {
			t.Fatalf("%q %q %v", number, note, err)
		}
	})
}

func TestCartsAreGivenUpAndTakenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		m := room(t, d)
		cart := func(n int64) care.Record {
			return care.Record{Kind: care.KindCart, ExternalID: "c", UpdatedAt: clock.Now(), Data: care.ShopCart{Customer: care.CustomerRef{Visitor: "v"}, Lines: []care.ShopLine{{Name: "Mug", Quantity: n}}, Total: uah(n)}}
		}
		apply(t, m, cart(1))
		run(t, m, d)
		clock.Move(cartPatience + cartPatience/2)
		waitFor(t, func() bool { return count(t, d, `SELECT count(*) FROM carts WHERE state = 'abandoned'`) == 1 })
		apply(t, m, cart(2))
		if got := happened(t, d, "cart"); !slices.Equal(got, []string{"cart.updated", "cart.abandoned", "cart.recovered", "cart.updated"}) {
			t.Fatalf("%q", got)
		}
	})
}
