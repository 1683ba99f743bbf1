package customer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

const store = 7

var agent = scopeOf(store)

func scopeOf(store int64) care.Scope {
	return care.Scope{Agent: 1, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermCustomerRead, care.PermCustomerWrite}}}
}

func email(v string, verified bool) care.Identity {
	return care.Identity{Kind: care.IdentityEmail, Value: v, Verified: verified}
}

func shop(v string) care.Identity { return care.Identity{Kind: care.IdentityShop, Value: v} }

func visitor(v string) care.Identity { return care.Identity{Kind: care.IdentityVisitor, Value: v} }

func resolve(t *testing.T, d *db.DB, c *customer.Customers, h customer.Hint, ids ...care.Identity) (id int64) {
	t.Helper()
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) (err error) {
		id, _, err = c.Resolve(t.Context(), tx, store, ids, h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAGuestsOrdersAtOnceAreOfOneCustomer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		c := customer.New(d, nil, nil)
		for round := range 12 {
			guest := []care.Identity{email(fmt.Sprintf("guest%d@example.com", round), false), {Kind: care.IdentityPhone, Value: fmt.Sprintf("+38067000%04d", round)}}
			ids := make([]int64, 6)
			var wg sync.WaitGroup
			start := make(chan struct{})
			for n := range ids {
				wg.Go(func() {
					<-start
					order := slices.Clone(guest)
					if n%2 == 1 {
						slices.Reverse(order)
					}
					ids[n] = resolve(t, d, c, customer.Hint{Name: "Гість", Vouched: true}, order...)
				})
			}
			close(start)
			wg.Wait()
			if slices.Sort(ids); ids[0] == 0 || ids[0] != ids[len(ids)-1] {
				t.Fatalf("one guest became customers %v", slices.Compact(ids))
			}
		}
	})
}

func events(t *testing.T, d *db.DB, kind string) (n int) {
	t.Helper()
	if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAVisitorSignsInAndBecomesTheAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		c := customer.New(d, nil, nil)
		account := resolve(t, d, c, customer.Hint{Name: "Олена Шевченко", Vouched: true}, shop("1:5"), email("Olena@X.ua", true))
		browser := resolve(t, d, c, customer.Hint{Language: "uk"}, visitor("v1"))
		if account == browser {
			t.Fatal("a browser was taken for an account")
		}
		clock.Move(time.Minute)
		if got := resolve(t, d, c, customer.Hint{}, visitor("v1"), email("olena@x.ua", false)); got != browser {
			t.Fatalf("a claim led to %d", got)
		}
		if got := resolve(t, d, c, customer.Hint{}, visitor("v1"), shop("1:5")); got != account {
			t.Fatalf("got %d, want the account %d", got, account)
		}
		if n := events(t, d, care.EventCustomerMerged); n != 1 {
			t.Fatalf("%d merges", n)
		}
		p, err := c.Get(t.Context(), agent, browser)
		if err != nil || p.ID != account || p.Name != "Олена Шевченко" || p.Language != "uk" || len(p.Identities) != 3 || len(p.Merged) != 1 {
			t.Fatalf("%+v %v", p, err)
		}
		if err := c.Undo(t.Context(), agent, p.Merged[0].Merge); err != nil {
			t.Fatal(err)
		}
		if p, err = c.Get(t.Context(), agent, account); err != nil || p.Language != "" || len(p.Identities) != 2 {
			t.Fatalf("%+v %v", p, err)
		}
		if p, err = c.Get(t.Context(), agent, browser); err != nil || p.ID != browser || len(p.Identities) != 2 {
			t.Fatalf("%+v %v", p, err)
		}
		dup, err := c.Duplicates(t.Context(), agent, browser)
		if err != nil || len(dup) != 1 || dup[0].ID != account {
			t.Fatalf("%+v %v", dup, err)
		}
	})
}

func TestMergesStackAndComeApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		c := customer.New(d, nil, nil)
		a := resolve(t, d, c, customer.Hint{Name: "A"}, visitor("a"))
		b := resolve(t, d, c, customer.Hint{Name: "B"}, visitor("b"))
		e := resolve(t, d, c, customer.Hint{Name: "E"}, visitor("e"))
		first, err := c.Merge(t.Context(), agent, b, a)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Merge(t.Context(), agent, e, a) // by its merged part
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"a", "b", "e"} {
			if got := resolve(t, d, c, customer.Hint{}, visitor(v)); got != e {
				t.Fatalf("%s is %d, want %d", v, got, e)
			}
		}
		if _, err := c.Merge(t.Context(), agent, e, b); !errors.Is(err, &care.Error{Code: "customer.same"}) {
			t.Fatalf("merged twice: %v", err)
		}
		if err := c.Undo(t.Context(), agent, first); err != nil { // the inner one
			t.Fatal(err)
		}
		if got := resolve(t, d, c, customer.Hint{}, visitor("a")); got != a {
			t.Fatalf("a is %d", got)
		}
		if got := resolve(t, d, c, customer.Hint{}, visitor("b")); got != e {
			t.Fatalf("b is %d", got)
		}
		if err := c.Undo(t.Context(), agent, second); err != nil {
			t.Fatal(err)
		}
		for v, id := range map[string]int64{"a": a, "b": b, "e": e} {
			if got := resolve(t, d, c, customer.Hint{}, visitor(v)); got != id {
				t.Fatalf("%s is %d, want %d", v, got, id)
			}
		}
		if err := c.Undo(t.Context(), agent, second); !errors.Is(err, &care.Error{Code: "customer.merge_undone"}) {
			t.Fatal(err)
		}
	})
}

func TestOnePersonAtOnceIsMadeOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		c := customer.New(d, nil, nil)
		var mu sync.Mutex
		seen := map[int64]bool{}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				var id int64
				err := d.Write(context.Background(), db.System, func(tx *db.Tx) (err error) {
					id, _, err = c.Resolve(context.Background(), tx, store, []care.Identity{visitor("same")}, customer.Hint{})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(seen) != 1 || events(t, d, care.EventCustomerCreated) != 1 {
			t.Fatalf("%d customers", len(seen))
		}
	})
}

func TestWishesAndTimeline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		c := customer.New(d, nil, nil)
		id := resolve(t, d, c, customer.Hint{Name: "Іван"}, visitor("a"))
		quiet, bad := "21:00", "25:00"
		if _, err := c.Update(t.Context(), agent, id, customer.Change{QuietFrom: &bad}); !errors.Is(err, &care.Error{Code: "calendar.time_invalid"}) {
			t.Fatal(err)
		}
		p, err := c.Update(t.Context(), agent, id, customer.Change{QuietFrom: &quiet, Consents: map[string]bool{customer.SubjectDoNotCall: true, customer.SubjectSMS: false}, Source: "agent"})
		if err != nil || !p.Consent.DoNotCall || p.Consent.SMS == nil || *p.Consent.SMS || p.Consent.Email != nil || p.Consent.QuietFrom != quiet {
			t.Fatalf("%+v %v", p, err)
		}
		clock.Move(time.Hour)
		if p, err = c.Update(t.Context(), agent, id, customer.Change{Consents: map[string]bool{customer.SubjectDoNotCall: false}, Source: "customer"}); err != nil || p.Consent.DoNotCall || len(p.Consent.Answers) != 3 {
			t.Fatalf("%+v %v", p, err)
		}
		err = d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO calls (id, store_id, direction, state, number, customer_id, conversation_id, result, created_at, answered_at, ended_at) VALUES ($1, $2, 'in', 'ended', '+380671112233', $3, 7, 'answered', $4, $4, $5)`,
				tx.ID(), store, id, db.At(tx.Now.Add(-time.Minute)), db.At(tx.Now))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for cursor := ""; ; {
			items, next, err := c.Timeline(t.Context(), agent, id, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range items {
				seen = append(seen, i.Kind)
				if i.Kind == "call" && (i.TitleCode != "timeline.call.in" || i.Ref != (customer.Ref{Kind: "conversation", ID: 7}) || i.Params["seconds"] != int64(60)) {
					t.Errorf("%+v", i)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
		if len(seen) != 5 || seen[0] != "consent" || seen[1] != "call" || seen[4] != "created" {
			t.Fatalf("%v", seen)
		}
		if st, err := c.Stats(t.Context(), agent, id); err != nil || st.Orders != 0 {
			t.Fatalf("%+v %v", st, err)
		}
		other := scopeOf(store + 1)
		_, errGet := c.Get(t.Context(), other, id)
		_, _, errTimeline := c.Timeline(t.Context(), other, id, "", 10)
		_, errMerge := c.Merge(t.Context(), other, id, id+1)
		_, errStats := c.Stats(t.Context(), other, id)
		for _, err := range []error{errGet, errTimeline, errMerge, errStats} {
			if !errors.Is(err, care.NotFound("customer")) {
				t.Fatalf("another store's customer: %v", err)
			}
		}
	})
}
