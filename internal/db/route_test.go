package db_test

import (
	"testing"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// What a listener doesn't want makes no job: neither by its store nor by what the event says.
func TestListenersAreAskedBeforeAJobIsMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		d.RouteIf("thing.changed", "of.store", func(store int64) bool { return store == 1 })
		d.RouteWhen("thing.changed", "of.payload", func(e db.Event) bool { return e.Payload.(int) > 10 })
		err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Emit(db.Event{Store: 1, Type: "thing.changed", Payload: 5})
			tx.Emit(db.Event{Store: 2, Type: "thing.changed", Payload: 50})
			tx.Emit(db.Event{Store: 2, Type: "thing.changed", Payload: 5})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[string]int{"of.store": 1, "of.payload": 1} {
			var n int
			if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs WHERE kind = $1`, kind).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d jobs, want %d (%v)", kind, n, want, err)
			}
		}
	})
}
