package widget_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func (s *shop) asks(token, key string, more map[string]any) answer {
	in := map[string]any{"client_id": key, "number": "067 111-22-33"}
	for k, v := range more {
		in[k] = v
	}
	return s.ask("POST", "/widget/v1/calls", token, in, "Accept-Language", "uk")
}

func (s *shop) one(sql string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.db.Read().QueryRow(s.t.Context(), sql, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// A shopper asks to be rung: he is told when, asks once however often it is sent, sees it nowhere but in his browser, and takes it back.
func TestAskingToBeRung(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { // Monday noon in Kyiv
		s := open(t, d)
		token := s.visitor()
		page := s.ask("GET", "/widget/v1/calls", token, nil)
		offer, _ := page.body["offer"].(map[string]any)
		if page.status != 200 || offer["calls"] != true || offer["reason"] != "no_agent" || offer["from_at"] == nil || len(offer["slots"].([]any)) == 0 {
			t.Fatal(page.status, page.raw)
		}
		if a := s.asks(token, "k1", map[string]any{"number": "12"}); a.status != 422 || a.body["code"] != "phone_invalid" || !strings.Contains(a.raw, `"field":"number"`) {
			t.Error("a number that can't be dialled:", a.status, a.raw)
		}
		first := s.asks(token, "k1", map[string]any{"note": "про намет", "name": "Ірина"})
		again := s.asks(token, "k1", nil)
		if first.status != 200 || first.body["state"] != "open" || first.body["number"] != "…2233" || again.body["id"] != first.body["id"] {
			t.Fatal(first.raw, again.raw)
		}
		if n := s.one(`SELECT count(*) FROM callback_reasons WHERE store_id = $1 AND trigger = 'asked'`, s.store.ID); n != 1 {
			t.Error("reasons:", n)
		}
		var number, name string
		if err := d.Read().QueryRow(t.Context(), `SELECT number, name FROM callbacks WHERE store_id = $1`, s.store.ID).Scan(&number, &name); err != nil || number != "+380671112233" || name != "Ірина" {
			t.Error(number, name, err)
		}
		other := s.visitor()
		if a := s.ask("GET", "/widget/v1/calls", other, nil); len(a.body["askings"].([]any)) != 0 {
			t.Error("somebody else sees it:", a.raw)
		}
		if a := s.ask("POST", "/widget/v1/withdraw", other, map[string]any{"id": first.body["id"]}); a.status != 404 {
			t.Error("somebody else takes it back:", a.status)
		}
		// Another browser asks for the same number: one call for both; it stays when the other takes his back.
		if a := s.asks(other, "o1", nil); a.status != 200 {
			t.Fatal(a.raw)
		}
		for range 2 {
			if a := s.ask("POST", "/widget/v1/withdraw", other, map[string]any{"id": s.ask("GET", "/widget/v1/calls", other, nil).body["askings"].([]any)[0].(map[string]any)["id"]}); a.status != 204 {
				t.Error(a.status, a.raw)
			}
		}
		if n := s.one(`SELECT count(*) FROM callbacks WHERE store_id = $1 AND closed_at = 0`, s.store.ID); n != 1 {
			t.Error("open calls after the other's withdrawal:", n)
		}
		if a := s.ask("POST", "/widget/v1/withdraw", token, map[string]any{"id": first.body["id"]}); a.status != 204 {
			t.Error(a.status, a.raw)
		}
		if n := s.one(`SELECT count(*) FROM callbacks WHERE store_id = $1 AND closed_at = 0`, s.store.ID); n != 0 {
			t.Error("a call is owed that nobody asks for any more")
		}
		mine := s.ask("GET", "/widget/v1/calls", token, nil).body["askings"].([]any)
		if len(mine) != 1 || mine[0].(map[string]any)["state"] != "withdrawn" {
			t.Error(mine)
		}
	})
}

// What is offered outside of opening hours is when we really ring; a chosen hour must be one of those offered.
func TestPromisesAreKeptToTheClock(t *testing.T) {
	t.Parallel()
	d, clock := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	hours := cal.Settings{Zone: "Europe/Kyiv", Week: map[string][]cal.Span{"tue": {{From: "09:00", To: "12:00"}}}}
	if _, err := s.accounts.UpdateStore(t.Context(), s.by, s.store.ID, account.StoreChange{Calendar: &hours}); err != nil {
		t.Fatal(err)
	}
	token := s.visitor()
	var page struct {
		Offer struct {
			Slots []time.Time `json:"slots"`
		} `json:"offer"`
	}
	if err := json.Unmarshal([]byte(s.ask("GET", "/widget/v1/calls", token, nil).raw), &page); err != nil {
		t.Fatal(err)
	}
	want := []string{"2026-03-03T07:00:00Z", "2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z"}
	if fmt.Sprint(page.Offer.Slots) != fmt.Sprint(func() (out []time.Time) {
		for _, w := range want {
			at, _ := time.Parse(time.RFC3339, w)
			out = append(out, at)
		}
		return
	}()) {
		t.Fatal(page.Offer.Slots)
	}
	if a := s.asks(token, "k1", map[string]any{"at": "2026-03-03T20:00:00Z"}); a.status != 422 || a.body["code"] != "phone.slot_gone" {
		t.Error(a.status, a.raw)
	}
	a := s.asks(token, "k1", map[string]any{"at": want[1]})
	if a.status != 200 || a.body["from_at"] != want[1] || a.body["to_at"] != "2026-03-03T09:05:00Z" {
		t.Error(a.status, a.raw)
	}
	if due := s.one(`SELECT due_at FROM callbacks WHERE store_id = $1`, s.store.ID); db.Time(due).Time().Format(time.RFC3339) != want[1] {
		t.Error("planned for", db.Time(due).Time())
	}
	clock.Move(48 * time.Hour)
	if a := s.asks(token, "k2", map[string]any{"at": want[1], "number": "0671112244"}); a.status != 422 {
		t.Error("an hour that is over:", a.raw)
	}
}

// Who may be rung by somebody who fills in a form: not premium numbers, not those who refuse calls, not one number all day.
func TestNobodyIsRungForFun(t *testing.T) {
	t.Parallel()
	d, clock := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	for _, number := range []string{"+44 909 8790000", "+881 612345678", "0 900 123 456"} {
		if a := s.asks(s.visitor(), "k", map[string]any{"number": number}); a.status != 409 && a.status != 422 {
			t.Errorf("%s: %d %s", number, a.status, a.raw)
		}
	}
	for n := range 6 {
		a := s.asks(s.visitor(), "k", nil)
		if want := n < 4; (a.status == 200) != want {
			t.Errorf("asked for the %dth time: %d %s", n+1, a.status, a.raw)
		}
	}
	shy := []care.Identity{{Kind: care.IdentityPhone, Value: "+380501110000", Verified: true}}
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		c := customer.New(d, nil, nil)
		id, _, err := c.Resolve(t.Context(), tx, s.store.ID, shy, customer.Hint{})
		if err == nil {
			err = c.Consent(t.Context(), tx, id, customer.SubjectDoNotCall, true, "customer")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.asks(s.visitor(), "k", map[string]any{"number": "0501110000"}); a.status != 409 || a.body["code"] != "phone.number_refused" {
		t.Error("a stranger has somebody rung who refuses calls:", a.status, a.raw)
	}
	secret, err := s.accounts.ShowIdentitySecret(t.Context(), s.by, s.store.ID)
	if err != nil {
		t.Fatal(err)
	}
	himself := s.session(map[string]any{"identity": map[string]any{"id": "9", "phone": "0501110000", "hash": sign(secret, "9", "", "0501110000")}}).body["token"].(string)
	if a := s.asks(himself, "k", map[string]any{"number": "0501110000"}); a.status != 200 || a.body["state"] != "open" {
		t.Error("he himself asks:", a.status, a.raw)
	}
	visitor, limited := s.visitor(), false
	for n := range 12 {
		a := s.asks(visitor, fmt.Sprint("k", n), map[string]any{"number": fmt.Sprintf("06711133%02d", n)})
		limited = limited || a.status == 429
	}
	if !limited {
		t.Error("a visitor may ask as often as he likes")
	}
	clock.Move(time.Hour)
	if a := s.asks(visitor, "again", map[string]any{"number": "0671114455"}); a.body["code"] != "phone.asked_enough" {
		t.Error("and have as many open:", a.status, a.raw)
	}
}

// Somebody looks at what is sold out, asks to hear of it, and is where he stands told.
func TestWaitingForGoods(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := open(t, d)
		there, gone := s.sells("burner", 3), s.sells("boots", 0)
		token := s.visitor()
		if a := s.ask("GET", "/widget/v1/calls?ref=nothing", token, nil); a.status != 404 {
			t.Error(a.status, a.raw)
		}
		if a := s.ask("GET", "/widget/v1/calls?ref=burner", token, nil); !strings.Contains(a.raw, `"sold_out":false`) {
			t.Error(a.raw)
		}
		for _, ref := range []string{"boots", "boots-a", "SKU-boots"} {
			if a := s.ask("GET", "/widget/v1/calls?ref="+ref, token, nil); !strings.Contains(a.raw, `"sold_out":true`) || !strings.Contains(a.raw, fmt.Sprint(gone)) {
				t.Error(ref, a.raw)
			}
		}
		first := s.asks(token, "w1", map[string]any{"variant_id": gone, "how": "call"})
		second := s.asks(s.visitor(), "w1", map[string]any{"variant_id": gone, "how": "call", "number": "0671112244"})
		if first.body["place"] != float64(1) || second.body["place"] != float64(2) || first.body["product"] != "boots" {
			t.Fatal(first.raw, second.raw)
		}
		if a := s.asks(token, "w2", map[string]any{"variant_id": there + 999, "how": "call"}); a.status != 404 {
			t.Error(a.status, a.raw)
		}
		if a := s.ask("POST", "/widget/v1/withdraw", token, map[string]any{"id": first.body["id"]}); a.status != 204 {
			t.Error(a.raw)
		}
		if n := s.one(`SELECT count(*) FROM stock_subscriptions WHERE store_id = $1 AND state = 'waiting'`, s.store.ID); n != 1 {
			t.Error("who still waits:", n)
		}
	})
}

// sells puts a product with one variant on sale, and returns the variant.
func (s *shop) sells(name string, pieces int64) (variant int64) {
	s.t.Helper()
	err := s.db.Write(s.t.Context(), db.System, func(tx *db.Tx) error {
		product := tx.ID()
		variant = tx.ID()
		now := db.At(tx.Now)
		none := []byte(`{}`)
		tx.Defer(`INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) SELECT 77, $1, 'generic', 'shop', $2, $4, 'x', $3, $3, $3 WHERE NOT EXISTS (SELECT 1 FROM connections WHERE id = 77)`, s.store.ID, none, now, []byte(`{}`))
		tx.Defer(`INSERT INTO products (id, store_id, connection_id, external_id, name, folded, categories, updated_at) VALUES ($1, $2, 77, $3, $3, $3, $5, $4)`, product, s.store.ID, name, now, []byte(`[]`))
		tx.Defer(`INSERT INTO variants (id, store_id, connection_id, product_id, external_id, sku, options, price, currency) VALUES ($1, $2, 77, $3, $4, $5, $6, 100, 'UAH')`, variant, s.store.ID, product, name+"-a", "SKU-"+name, none)
		tx.Defer(`INSERT INTO stock_levels (variant_id, location_id, store_id, on_hand, reserved, available, incoming, as_of_at) VALUES ($1, 1, $2, $3, 0, $3, 0, $4)`, variant, s.store.ID, pieces, now)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return variant
}
