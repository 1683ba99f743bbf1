package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func count(t *testing.T, d *db.DB, sql string, args ...any) (n int64) {
	t.Helper()
	if err := d.Read().QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteCommitsAllOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		d.Route("thing.made", "report", "flow")
		boom := errors.New("boom")
		err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Emit(db.Event{Store: 1, Type: "thing.made", Subject: 2})
			if _, err := tx.Exec(t.Context(), `INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES (30, 0, 0, 0)`); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		err = d.Write(t.Context(), db.System, func(tx *db.Tx) error { panic("at the worst time") })
		if err == nil {
			t.Fatal("a panic passed as success")
		}
		if n := count(t, d, `SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM jobs) + (SELECT count(*) FROM nodes WHERE id = 30)`); n != 0 {
			t.Fatalf("%d rows survived a rollback", n)
		}
		err = d.Write(t.Context(), db.Actor{Kind: "agent", ID: 7}, func(tx *db.Tx) error {
			tx.Emit(db.Event{Store: 1, Type: "thing.made", Subject: 2, Payload: map[string]any{"name": "Їжак"}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, `SELECT count(*) FROM jobs WHERE kind = ANY($1::text[]) AND event_id = (SELECT id FROM events)`, []string{"report", "flow"}); n != 2 {
			t.Fatalf("%d jobs for two listeners", n)
		}
		var name string
		var raw json.RawMessage
		if err := d.Read().QueryRow(t.Context(), `SELECT payload ->> 'name', payload FROM events`).Scan(&name, &raw); err != nil || name != "Їжак" || !json.Valid(raw) {
			t.Fatalf("%q %s %v", name, raw, err)
		}
	})
}

func TestOneFailureDoesNotSpoilTheBatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
					if _, err := tx.Exec(t.Context(), `INSERT INTO events (id, store_id, type, subject_id, actor_kind, actor_id, payload, created_at) VALUES ($1, $2, 'x', 0, '', 0, '{}', 0)`, tx.ID(), int64(i)); err != nil {
						return err
					}
					if i%4 == 0 {
						return fmt.Errorf("no %d", i)
					}
					return nil
				})
				if (err != nil) != (i%4 == 0) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d, `SELECT count(*) FROM events`); n != 48 {
			t.Fatalf("%d of 48", n)
		}
	})
}

func TestKeyedJobs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *db.MovableClock) {
		later := c.Now().Add(time.Hour)
		write := func(j db.Job) {
			t.Helper()
			if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error { tx.Enqueue(j); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		write(db.Job{Kind: "remind", Key: "a", Payload: 1})
		write(db.Job{Kind: "remind", Key: "a", Payload: 2})
		write(db.Job{Kind: "remind", Key: "b", Payload: 1})
		write(db.Job{Kind: "remind", Key: "b", Payload: 2, Move: true, RunAt: later})
		write(db.Job{Kind: "remind", Payload: 1})
		write(db.Job{Kind: "remind", Payload: 1})
		if n := count(t, d, `SELECT count(*) FROM jobs`); n != 4 {
			t.Fatalf("%d jobs", n)
		}
		if n := count(t, d, `SELECT count(*) FROM jobs WHERE key = 'b' AND run_at = $1 AND CAST(payload AS TEXT) = '2'`, db.At(later)); n != 1 {
			t.Fatal("Move didn't move")
		}
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error { tx.CancelJob("remind", "a"); return nil }); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, `SELECT count(*) FROM jobs`); n != 3 {
			t.Fatalf("%d jobs after cancelling", n)
		}
	})
}

func TestIDsAreOrderedAndExactInJSON(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		last := db.IDAt(time.Now()) - 1
		for range 5000 {
			id := d.ID()
			if id <= last || int64(float64(id)) != id {
				t.Fatalf("id %d after %d", id, last)
			}
			last = id
		}
	})
}

func TestNodesShareADatabase(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	seen := map[int64]bool{}
	for range 3 {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen[d.Node()] {
			t.Fatalf("two nodes have number %d", d.Node())
		}
		seen[d.Node()] = true
		t.Cleanup(func() { _ = d.Close() })
	}
}

func TestWriteAfterCloseFails(t *testing.T) {
	d, err := db.Open(t.Context(), dbtest.URL(t, db.SQLite), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(context.Background(), db.System, func(*db.Tx) error { return nil }); err == nil {
		t.Fatal("wrote to a closed database")
	}
}

func TestOneProcessHasTheFile(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	other, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(t.Context(), url, db.Options{}); !errors.Is(err, db.ErrInUse) {
		t.Fatalf("two processes on one file: %v", err)
	}
	look, err := db.Open(t.Context(), url, db.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(look.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	if other, err = db.Open(t.Context(), url, db.Options{}); err != nil {
		t.Fatal("the lock outlived its holder: ", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTransactionsThatReadOutsideDoNotStarve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
					var n int64
					if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM events`).Scan(&n); err != nil {
						return err
					}
					return d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs`).Scan(&n)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// Many changes at once share transactions; one that is refused must take none of the others along, and must itself be undone whole.
func TestARefusedChangeIsRefusedAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		const writers, each = 16, 40
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					id := int64(1000 + w*each + n)
					bad := n%10 == w%10
					err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
						tx.Emit(db.Event{Type: "thing.made", Subject: id})
						tx.Enqueue(db.Job{Kind: "once", Key: fmt.Sprint(n)})
						tx.Defer(`INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, $2, $2, $2)`, id, int64(1))
						if bad {
							tx.Defer(`INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, $2, $2, $2)`, id, int64(2))
						}
						return nil
					})
					if db.Conflicts(err) != bad || (err != nil) != bad {
						t.Errorf("change %d: %v", id, err)
					}
				}
			})
		}
		wg.Wait()
		good := int64(writers * each * 9 / 10)
		if n := count(t, d, `SELECT count(*) FROM nodes WHERE id >= 1000`); n != good {
			t.Errorf("%d of %d rows", n, good)
		}
		if n := count(t, d, `SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = e.subject_id)`); n != 0 {
			t.Errorf("%d events of changes that were refused", n)
		}
		if n := count(t, d, `SELECT count(*) FROM events`); n != good {
			t.Errorf("%d of %d events", n, good)
		}
		if n := count(t, d, `SELECT count(*) FROM jobs`); n != each {
			t.Errorf("%d jobs with %d keys", n, each)
		}
	})
}

// A row that another change holds for long keeps back the changes that want it, not those that come with them.
func TestAHeldRowHoldsUpItsOwnChangeOnly(t *testing.T) {
	d, _ := dbtest.Open(t, db.Postgres)
	write := func(id int64) error {
		return d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, 0, 0, 0) ON CONFLICT (id) DO UPDATE SET since_at = nodes.since_at + 1`, id)
			return nil
		})
	}
	if err := write(1000); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE nodes SET since_at = 5 WHERE id = 1000`)
			close(held)
			<-release
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	var others sync.WaitGroup
	for w := range 12 {
		wg.Go(func() {
			if w == 5 {
				if err := write(1000); err != nil {
					t.Error(err)
				}
			}
		})
		others.Go(func() {
			for n := range 20 {
				if err := write(int64(2000 + w*100 + n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	others.Wait()
	close(release)
	wg.Wait()
	if n := count(t, d, `SELECT since_at FROM nodes WHERE id = 1000`); n != 6 {
		t.Errorf("%d", n)
	}
	if n := count(t, d, `SELECT count(*) FROM nodes WHERE id >= 2000`); n != 240 {
		t.Errorf("%d rows", n)
	}
}

// Questions of callers who come at once share their way; one that can't be answered must not spoil the others'.
func TestQuestionsAreAnsweredApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			for id := range int64(20) {
				tx.Defer(`INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, $2, 0, 0)`, 1000+id, id)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range int64(20) {
			wg.Go(func() {
				for range 25 {
					var since int64
					var all []int64
					err := db.Answer(t.Context(), d.Read(),
						db.AskRow(func(row interface{ Scan(...any) error }) error { return row.Scan(&since) }, `SELECT since_at FROM nodes WHERE id = $1`, 1000+w),
						db.Ask{SQL: `SELECT id FROM nodes WHERE id >= $1 AND id < $2 ORDER BY id`, Args: []any{int64(1000), 1000 + w}, Read: func(rows pgx.Rows) error {
							all = nil
							for rows.Next() {
								var id int64
								if err := rows.Scan(&id); err != nil {
									return err
								}
								all = append(all, id)
							}
							return nil
						}})
					if err != nil || since != w || int64(len(all)) != w {
						t.Errorf("%d: %d, %d rows, %v", w, since, len(all), err)
					}
					one := func(row interface{ Scan(...any) error }) error { return row.Scan(&since) }
					if err := db.Answer(t.Context(), d.Read(), db.AskRow(one, `SELECT since_at FROM nodes WHERE id = $1`, 5000+w)); !errors.Is(err, db.ErrNoRows) {
						t.Errorf("nothing there: %v", err)
					}
					if w%5 == 0 {
						if err := db.Answer(t.Context(), d.Read(), db.AskRow(one, `SELECT since_at / (id - id) FROM nodes WHERE id = $1`, 1000+w)); err == nil {
							t.Error("a division by zero was answered")
						}
						if err := db.Answer(t.Context(), d.Read(), db.AskRow(func(interface{ Scan(...any) error }) error { panic("at the worst time") }, `SELECT 1`)); err == nil {
							t.Error("a panic passed as an answer")
						}
					}
				}
			})
		}
		wg.Wait()
	})
}
