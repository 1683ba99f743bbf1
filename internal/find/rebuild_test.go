package find

import (
	"encoding/json"
	"testing"

	"opeka/internal/db"
	"opeka/internal/job"
)

// runRebuild does what the runner would: page after page, until no job is left.
func runRebuild(t *testing.T, d *db.DB, f *Finder) {
	t.Helper()
	ctx := t.Context()
	if err := d.Write(ctx, db.System, func(tx *db.Tx) error { f.Rebuild(tx, shop); return nil }); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var id int64
		var payload json.RawMessage
		err := d.Read().QueryRow(ctx, `SELECT id, payload FROM jobs WHERE kind = 'find.rebuild' LIMIT 1`).Scan(&id, &payload)
		if err == db.ErrNoRows {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		err = d.Write(ctx, db.System, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1`, id); err != nil {
				return err
			}
			return f.rebuildPage(ctx, tx, job.Job{ID: id, Store: shop, Kind: "find.rebuild", Payload: payload})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the rebuilding doesn't end")
}
