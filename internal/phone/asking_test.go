package phone_test

import (
	"testing"
	"time"

	"opeka/internal/phone"
)

// Which browser asked for what is forgotten in time; what is still open isn't.
func TestAskingsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		boots := h.variant("boots")
		asks := func(key string, variant int64) phone.Asking {
			t.Helper()
			a, err := h.phone.AskByHimself(t.Context(), phone.ByHimself{Store: h.store, Asker: "a browser", Key: key, Number: "+380671112233", Language: "uk", Variant: variant, How: "call"})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		call, goods := asks("call", 0), asks("goods", boots)
		if err := h.phone.Withdraw(t.Context(), h.store, "a browser", call.ID); err != nil {
			t.Fatal(err)
		}
		left := func() (ids []int64) {
			t.Helper()
			rows, err := h.db.Read().Query(t.Context(), `SELECT id FROM phone_askings WHERE store_id = $1 ORDER BY id`, h.store)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			return ids
		}
		if got := left(); len(got) != 2 {
			t.Fatal(got)
		}
		h.clock.Move(31 * 24 * time.Hour)
		for n := 0; len(left()) != 1; n++ { // the clock goes on: what looks for it does so once an hour
			if n > 20_000 {
				t.Fatal("it is never forgotten")
			}
			if n%200 == 199 {
				h.clock.Move(time.Hour)
			}
			pause(t.Context())
		}
		if got := left(); got[0] != goods.ID {
			t.Errorf("%d is left, not what is open", got[0])
		}
	})
}
