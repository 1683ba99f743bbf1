package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// What the engine's own driver takes and gives: every kind of argument comes back as it was, on both engines.
func TestValuesComeBackAsTheyWent(t *testing.T) {
	type name string
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		long := strings.Repeat("їжак ", 20_000)
		text, none := "їжак", (*string)(nil)
		var gotName name
		var gotText, gotLong, empty string
		var number int64
		var small int32
		var yes bool
		var share float64
		var at db.Time
		var raw json.RawMessage
		var bytes []byte
		var missing, there *string
		err := d.Read().QueryRow(t.Context(), `SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::int, $7::boolean, $8::double precision, $9::bigint, $10::text, $11::bytea, $12::text, $13::text`,
			name("n"), text, long, "", int64(1)<<52, int32(7), true, 0.25, db.Time(123456), json.RawMessage(`{"a":1}`), []byte{0, 1, 255}, none, &text).
			Scan(&gotName, &gotText, &gotLong, &empty, &number, &small, &yes, &share, &at, &raw, &bytes, &missing, &there)
		if err != nil {
			t.Fatal(err)
		}
		if gotName != "n" || gotText != text || gotLong != long || empty != "" || number != 1<<52 || small != 7 || !yes || share != 0.25 || at != 123456 ||
			string(raw) != `{"a":1}` || string(bytes) != "\x00\x01\xff" || missing != nil || there == nil || *there != text {
			t.Fatal(gotName, gotText, len(gotLong), empty, number, small, yes, share, at, string(raw), bytes, missing, there)
		}
		if err := d.Read().QueryRow(t.Context(), `SELECT $1::text`, none).Scan(&gotText); err == nil {
			t.Fatal("NULL passed as a text")
		}
		for _, list := range [][]int64{nil, {3}, {1, 2, 3}} {
			if n := count(t, d, `SELECT count(*) FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3) s WHERE x = ANY($1::bigint[])`, list); n != int64(len(list)) {
				t.Fatalf("%d of %v", n, list)
			}
		}
	})
}

// A statement may be run again while its rows are being read.
func TestStatementWithinItsOwnRows(t *testing.T) {
	d, _ := dbtest.Open(t, db.SQLite)
	const q = `SELECT value FROM json_each('[1,2,3]') WHERE value > $1`
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), q, 0)
		if err != nil {
			return err
		}
		defer rows.Close()
		seen := 0
		for rows.Next() {
			var outer, inner int64
			if err := rows.Scan(&outer); err != nil {
				return err
			}
			if err := tx.QueryRow(t.Context(), q, 2).Scan(&inner); err != nil || inner != 3 {
				t.Errorf("%d %v", inner, err)
			}
			seen++
		}
		if seen != 3 {
			t.Errorf("%d rows", seen)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A reader that goes away ends his query, and only his.
func TestCancelledReadIsInterrupted(t *testing.T) {
	d, _ := dbtest.Open(t, db.SQLite)
	const endless = `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n`
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var n int64
	if err := d.Read().QueryRow(ctx, endless).Scan(&n); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	var wg sync.WaitGroup
	for range 8 { // queries whose callers leave just as they end, and others that stay, share the connections
		wg.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				var n int64
				_ = d.Read().QueryRow(ctx, `SELECT 1`).Scan(&n)
				if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs`).Scan(&n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Closures that fail after they have written take nothing of the others with them, however they are mixed in a commit.
func TestFailuresAmongOthersInOneCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		boom := errors.New("boom")
		const writers, rounds = 24, 20
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for r := range rounds {
					fails := (w+r)%3 == 0
					runs := 0
					err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
						runs++
						tx.Emit(db.Event{Store: int64(w), Type: "counted", Subject: int64(r)})
						if _, err := tx.Exec(t.Context(), `INSERT INTO conversation_numbers (store_id, last) VALUES ($1, 1)
ON CONFLICT (store_id) DO UPDATE SET last = conversation_numbers.last + 1`, int64(w)); err != nil {
							return err
						}
						if fails {
							return boom
						}
						return nil
					})
					if fails != errors.Is(err, boom) || !fails && err != nil {
						t.Errorf("writer %d, round %d: %v after %d runs", w, r, err, runs)
					}
				}
			})
		}
		wg.Wait()
		var want int64
		for w := range writers {
			for r := range rounds {
				if (w+r)%3 != 0 {
					want++
				}
			}
		}
		if n := count(t, d, `SELECT count(*) FROM events`); n != want {
			t.Errorf("%d events, want %d", n, want)
		}
		if n := count(t, d, `SELECT sum(last)::bigint FROM conversation_numbers`); n != want {
			t.Errorf("counted to %d, want %d", n, want)
		}
	})
}
