package db_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func TestCopyMovesEveryRow(t *testing.T) {
	from, _ := dbtest.Open(t, db.SQLite)
	to, err := db.Open(t.Context(), dbtest.URL(t, db.Postgres), db.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from.Route("thing.made", "listen")
	if err := from.Write(t.Context(), db.System, func(tx *db.Tx) error {
		for i := range 300 {
			tx.Emit(db.Event{Store: 1, Type: "thing.made", Subject: int64(i), Payload: map[string]any{"b": "Ґава ✓ <&> \u0001", "a": []any{1, 2.5, nil, true}, "n": i}})
		}
		tx.Emit(db.Event{Store: 1, Type: "thing.gone"})                                                                                   // its payload is the null of JSON
		_, err := tx.Exec(t.Context(), `INSERT INTO find_keys (store_id, ref, day, field, kind, key) VALUES (1, 2, 20000, 3, 2, 'ґава')`) // small numbers
		return err
	}); err != nil {
		t.Fatal(err)
	}
	copied := map[string]int64{}
	if err := db.Copy(t.Context(), from, to, func(table string, n int64) { copied[table] = n }); err != nil {
		t.Fatal(err)
	}
	if copied["events"] != 301 || copied["jobs"] != 300 {
		t.Fatalf("%v", copied)
	}
	if n := count(t, to, `SELECT count(*) FROM events WHERE payload ->> 'n' = '7' AND type = 'thing.made'`); n != 1 {
		t.Fatalf("%d rows", n)
	}
	err = db.Copy(t.Context(), from, to, nil)
	if err == nil || !strings.Contains(err.Error(), "isn't empty") {
		t.Fatalf("copied onto what was there: %v", err)
	}
}
