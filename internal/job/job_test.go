package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func start(t *testing.T, d *db.DB, register func(*job.Runner)) *job.Runner {
	t.Helper()
	r := job.New(d, quiet())
	register(r)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(context.Background()) })
	return r
}

func enqueue(t *testing.T, d *db.DB, jobs ...db.Job) {
	t.Helper()
	if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		for _, j := range jobs {
			tx.Enqueue(j)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}

func TestEveryJobHasItsEffectOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		d.Route("order.created", "count")
		var ran atomic.Int64
		r := start(t, d, func(r *job.Runner) {
			r.Handle("count", job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
				var p struct{ N int64 }
				if err := j.Decode(&p); err != nil {
					return err
				}
				if j.Event.Subject != p.N || j.Event.Type != "order.created" {
					return fmt.Errorf("wrong event %+v", j.Event)
				}
				_, err := tx.Exec(ctx, `INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, 0, 0, 0)`, 1000+p.N)
				ran.Add(1)
				return err
			}))
		})
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 50 {
					n := int64(w*50 + i)
					if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
						tx.Emit(db.Event{Type: "order.created", Subject: n, Payload: struct{ N int64 }{n}})
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		until(t, "200 jobs", func() bool { return r.Stats.Done.Load() == 200 })
		var rows, left int64
		if err := d.Read().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM nodes WHERE id >= 1000), (SELECT count(*) FROM jobs)`).Scan(&rows, &left); err != nil || rows != 200 || left != 0 {
			t.Fatalf("%d effects, %d jobs left, %v", rows, left, err)
		}
	})
}

func TestTimersWaitForTheirTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		var mu sync.Mutex
		var order []string
		start(t, d, func(r *job.Runner) {
			r.Handle("ring", func(_ context.Context, j job.Job) (job.Done, error) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, j.Key)
				return nil, nil
			})
		})
		now := clock.Now()
		enqueue(t, d, db.Job{Kind: "ring", Key: "tomorrow", RunAt: now.Add(24 * time.Hour)}, db.Job{Kind: "ring", Key: "soon", RunAt: now.Add(time.Hour)}, db.Job{Kind: "ring", Key: "now"})
		seen := func(want string) func() bool {
			return func() bool { mu.Lock(); defer mu.Unlock(); return fmt.Sprint(order) == want }
		}
		until(t, "the first", seen("[now]"))
		clock.Move(time.Hour)
		until(t, "the second", seen("[now soon]"))
		clock.Move(23 * time.Hour)
		until(t, "the third", seen("[now soon tomorrow]"))
	})
}

func TestFailuresBackOffAndDie(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		var tries atomic.Int64
		boom := errors.New("mail server away")
		r := start(t, d, func(r *job.Runner) {
			r.Handle("send", func(context.Context, job.Job) (job.Done, error) { tries.Add(1); return nil, boom }, job.Slow)
			r.Handle("bad", func(context.Context, job.Job) (job.Done, error) { return nil, job.Discard(boom) })
			r.Handle("panics", func(context.Context, job.Job) (job.Done, error) { panic("oh") })
			r.Handle("later", func(_ context.Context, j job.Job) (job.Done, error) {
				if j.Attempt == 1 {
					return nil, job.After(time.Hour, boom)
				}
				return nil, nil
			})
		})
		enqueue(t, d, db.Job{Store: 5, Kind: "send", MaxAttempts: 3}, db.Job{Store: 5, Kind: "bad"}, db.Job{Store: 6, Kind: "panics", MaxAttempts: 1}, db.Job{Kind: "later"})
		for n := int64(1); n <= 3; n++ {
			until(t, "a try", func() bool { return tries.Load() == n })
			until(t, "its record", func() bool {
				var running int64
				_ = d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs WHERE state = 'running'`).Scan(&running)
				return running == 0
			})
			clock.Move(time.Minute)
		}
		dead := func(stores ...int64) []job.Dead {
			list, err := job.ListDead(t.Context(), d.Read(), stores, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		until(t, "the dead", func() bool { return len(dead(5)) == 2 && len(dead(6)) == 1 })
		if len(dead(7)) != 0 {
			t.Fatal("another store sees them")
		}
		clock.Move(time.Hour)
		until(t, "the one put off", func() bool { return r.Stats.Done.Load() == 1 })
		id := dead(6)[0].ID
		err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			if found, err := job.Retry(t.Context(), tx, id, []int64{5}); found || err != nil {
				return fmt.Errorf("retried another store's job: %v", err)
			}
			found, err := job.Retry(t.Context(), tx, id, []int64{6})
			if !found {
				return fmt.Errorf("not found: %v", err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "its second death", func() bool { return r.Stats.Failed.Load() >= 7 && len(dead(6)) == 1 })
	})
}

func TestAJobTakenOverLosesItsEffect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		entered, release := make(chan struct{}), make(chan struct{})
		var runs atomic.Int64
		r := start(t, d, func(r *job.Runner) {
			r.Handle("slow", func(context.Context, job.Job) (job.Done, error) {
				if runs.Add(1) == 1 {
					close(entered)
					<-release
				}
				return func(tx *db.Tx) error { tx.Emit(db.Event{Type: "effect"}); return nil }, nil
			}, job.Slow)
		})
		enqueue(t, d, db.Job{Kind: "slow"})
		<-entered
		// Another node believes that this one is dead: it takes the job back, and it runs a second time.
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE jobs SET state = 'ready'`)
			tx.Woke("slow")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		until(t, "the second run", func() bool { return r.Stats.Done.Load() == 1 })
		close(release)
		until(t, "the fence", func() bool { return r.Stats.Fenced.Load() == 1 })
		var n int64
		if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'effect'`).Scan(&n); err != nil || n != 1 {
			t.Fatalf("%d effects, %v", n, err)
		}
	})
}

// One of a key may run while the next waits, and then run too: whatever a killed process leaves, the next one starts.
func TestAKilledProcessLeavesNothingRunning(t *testing.T) {
	d, _ := dbtest.Open(t, db.SQLite)
	for range 3 {
		enqueue(t, d, db.Job{Kind: "keyed", Key: "k"})
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE jobs SET state = 'running', attempt = 1, lease_until_at = $1 WHERE state = 'ready'`, db.At(tx.Now.Add(time.Minute)))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, d, func(r *job.Runner) {
		r.Handle("keyed", func(context.Context, job.Job) (job.Done, error) { return nil, nil })
	})
	until(t, "the one that stands for all", func() bool { return r.Stats.Done.Load() == 1 })
	var n int64
	if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d jobs are left, %v", n, err)
	}
}

func TestPeriodicJobsComeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		var n atomic.Int64
		start(t, d, func(r *job.Runner) {
			r.Every("sweep", time.Hour, func(context.Context, job.Job) (job.Done, error) {
				if n.Add(1) == 2 {
					return nil, errors.New("once in a while it fails")
				}
				return nil, nil
			})
		})
		for want := int64(1); want <= 4; want++ {
			until(t, "a turn", func() bool { return n.Load() == want })
			until(t, "the next turn's row", func() bool {
				var ready int64
				_ = d.Read().QueryRow(t.Context(), `SELECT count(*) FROM jobs WHERE kind = 'sweep' AND state = 'ready' AND run_at > $1`, db.At(clock.Now())).Scan(&ready)
				return ready == 1
			})
			clock.Move(time.Hour + time.Second)
		}
	})
}
