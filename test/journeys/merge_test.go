package journeys

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/find"
	"opeka/internal/inbox"
)

// Two customers are taken for one, orders and chats of both go on coming, and the merge is taken back: each has what came to him.
func TestWhatCameWhileMergedGoesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		files, err := blob.NewDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		const store = 7
		err = d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES (7, 'shop', 'shop', 'uk', 'UAH', 'Europe/Kyiv', '{"zone":"Europe/Kyiv","always":true}', '{}', $1, $1, 1, 1)`, []byte{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		finder := find.New(d)
		hints := bus.NewLocal()
		people := customer.New(d, hints, finder)
		mirror := commerce.New(d, people, commerce.Options{Index: finder})
		box := inbox.New(d, people, files, hints, inbox.Options{Secret: []byte("s"), Index: finder})
		t.Cleanup(box.Close)
		scope := care.Scope{Agent: 1, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermInboxRead, care.PermCustomerRead, care.PermCustomerWrite, care.PermCommerceRead}}}
		conn := care.Connection{ID: 40, Store: store, Plug: "generic"}

		order := func(number, account, email string) {
			t.Helper()
			data, err := json.Marshal(map[string]any{"number": number, "status": "new", "placed_at": clock.Now(), "total": care.Money{Amount: 100, Currency: "UAH"},
				"customer": map[string]any{"external_id": account, "email": email, "name": "Олена Коваль"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mirror.Ingest(t.Context(), conn, []care.Record{{Kind: care.KindOrder, ExternalID: number, UpdatedAt: clock.Now(), Data: commerce.Patch(data)}}); err != nil {
				t.Fatal(err)
			}
			clock.Move(time.Second)
		}
		chat := func(visitor string) int64 {
			t.Helper()
			r, err := box.Receive(t.Context(), care.Inbound{Store: store, Channel: care.ChannelChat, Thread: visitor + fmt.Sprint(clock.Now().Unix()), ClientID: fmt.Sprint(d.ID()), Body: "Добрий день",
				From: []care.Identity{{Kind: care.IdentityVisitor, Value: visitor, Verified: true}}})
			if err != nil {
				t.Fatal(err)
			}
			clock.Move(time.Second)
			return r.Customer
		}
		has := func(id int64) (numbers []string, chats int) {
			t.Helper()
			orders, err := mirror.OrdersOf(t.Context(), scope, id, commerce.OrderPlace{}, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range orders {
				numbers = append(numbers, o.Number)
			}
			slices.Sort(numbers)
			list, err := box.List(t.Context(), scope, inbox.Filter{View: inbox.ViewAll})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list.Items {
				if r.Customer.ID == id {
					chats++
				}
			}
			return numbers, chats
		}
		found := func(number string) int64 {
			t.Helper()
			hits, err := finder.Find(t.Context(), []find.Within{{Store: store, Kinds: []find.Kind{find.Order}}}, number, 5)
			if err != nil || len(hits) != 1 {
				t.Fatal(number, hits, err)
			}
			return hits[0].Customer
		}

		order("W-1", "w", "w@example.com")
		order("L-1", "l", "l@example.com")
		winner, loser := found("W-1"), found("L-1")
		guest := chat("browser")
		if winner == loser || winner == 0 || guest == loser {
			t.Fatal(winner, loser, guest)
		}
		first, err := people.Merge(t.Context(), scope, loser, guest) // his own browser
		if err != nil {
			t.Fatal(err)
		}
		merge, err := people.Merge(t.Context(), scope, winner, loser)
		if err != nil {
			t.Fatal(err)
		}
		if got := found("L-1"); got != winner {
			t.Errorf("an order is found under %d, not under the customer %d that his has become a part of", got, winner)
		}
		order("L-2", "l", "l@example.com")
		order("L-1", "l", "new@example.com") // the old one is told again, with another address
		order("W-2", "w", "w@example.com")
		if got := chat("browser"); got != winner {
			t.Errorf("while merged a chat is %d's", got)
		}
		if numbers, chats := has(winner); fmt.Sprint(numbers) != "[L-1 L-2 W-1 W-2]" || chats != 2 {
			t.Errorf("merged: %v and %d chats", numbers, chats)
		}
		if found("L-2") != winner || found("L-1") != winner {
			t.Error("what came while merged isn't found under the one customer")
		}

		if err := people.Undo(t.Context(), scope, merge); err != nil {
			t.Fatal(err)
		}
		if numbers, chats := has(winner); fmt.Sprint(numbers) != "[W-1 W-2]" || chats != 0 {
			t.Errorf("the winner has %v and %d chats", numbers, chats)
		}
		if numbers, chats := has(loser); fmt.Sprint(numbers) != "[L-1 L-2]" || chats != 2 {
			t.Errorf("the other has %v and %d chats", numbers, chats)
		}
		for number, want := range map[string]int64{"L-1": loser, "L-2": loser, "W-1": winner, "W-2": winner} {
			if got := found(number); got != want {
				t.Errorf("%s is found under %d, want %d", number, got, want)
			}
		}
		p, err := people.Get(t.Context(), scope, loser)
		if err != nil || !slices.ContainsFunc(p.Identities, func(i customer.Identity) bool { return i.Value == "new@example.com" }) {
			t.Errorf("an address that came while merged: %+v, %v", p.Identities, err)
		}
		if err := people.Undo(t.Context(), scope, first); err != nil {
			t.Fatal(err)
		}
		if _, chats := has(guest); chats != 2 {
			t.Errorf("the browser has %d chats", chats)
		}
	})
}
