package phone_test

import (
	"fmt"
	"testing"
	"time"

	"opeka/internal/db"
)

// Who asks at night is told a time that those who were there in the morning a day before can keep: not all of them eight o'clock.
func TestTheNightsPromisesAreSpread(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		until := func(id int64) (at, expires time.Time) {
			t.Helper()
			var late, end db.Time
			if err := h.db.Read().QueryRow(t.Context(), `SELECT late_at, expires_at FROM callbacks WHERE id = $1`, id).Scan(&late, &end); err != nil {
				t.Fatal(err)
			}
			return late.Time(), end.Time()
		}
		olena := h.agent("Olena", false)
		at := func(day, hour int) time.Time {
			y, m, d := h.clock.Now().Date()
			return time.Date(y, m, d+day, hour, 0, 0, 0, time.UTC)
		}
		morning := at(1, 6)
		h.clock.Move(morning.Sub(h.clock.Now())) // eight in Kyiv
		if _, err := h.phone.Reachable(t.Context(), olena, true, ""); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(4 * time.Hour)
		h.present(olena.Agent, "offline")
		for n := 0; n == 0; pause(t.Context()) { // until it is noted that she has left
			if err := h.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM phone_shifts WHERE agent_id = $1 AND to_at > 0`, olena.Agent).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		h.clock.Move(morning.Add(15 * time.Hour).Sub(h.clock.Now())) // after nine in the evening
		morning = morning.Add(24 * time.Hour)
		last := morning
		for i := range 10 {
			c := h.ask(olena, fmt.Sprintf("+38067111%04d", i))
			told, end := until(c.ID)
			if told.Before(last) || !end.After(told) || told.After(morning.Add(2*time.Hour)) {
				t.Errorf("the %dth is told %s, after %s, and it ends at %s", i, told, last, end)
			}
			if i == 0 && told.After(morning.Add(15*time.Minute)) {
				t.Errorf("the first is told %s", told)
			}
			last = told
		}
		if last.Before(morning.Add(40 * time.Minute)) {
			t.Errorf("ten calls of four minutes each until %s", last)
		}
		// At that time she comes, and one of them is rung.
		h.clock.Move(morning.Sub(h.clock.Now()))
		h.present(olena.Agent, "ready")
		h.line(0)
	})
}
