package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"opeka/internal/db"
)

// lease is how long a node may be silent before others take over what it was running.
const (
	lease     = 30 * time.Second
	idleSleep = time.Second // PostgreSQL: how soon another node's new job is seen if its hint is lost
	fastLanes = 16
	slowLanes = 32
)

// Option says how a kind of job is run.
type Option int

// Slow marks handlers that wait for the outside; they have lanes of their own, so that a slow mail server doesn't hold up timers.
const Slow Option = 1

// Runner claims jobs that are due and hands them to their handlers.
type Runner struct {
	db    *db.DB
	log   *slog.Logger
	fast  *lane
	slow  *lane
	every []periodic
	Stats Stats

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup // handlers under way
	loops  sync.WaitGroup
	once   sync.Once
}

// Stats are counted since the start, for the metrics.
type Stats struct {
	Done, Failed, Dead, Fenced atomic.Int64
	// LateNanos is the sum of how late jobs were begun after their time; with Begun it gives the mean.
	Begun, LateNanos, MaxLateNanos atomic.Int64
}

type periodic struct {
	kind     string
	interval time.Duration
}

// lane is a set of kinds with its own workers and its own claims.
type lane struct {
	kinds    []string
	handlers map[string]Handler
	free     chan struct{} // a token per idle worker
	wake     chan struct{}
}

func newLane(workers int) *lane {
	l := &lane{handlers: map[string]Handler{}, free: make(chan struct{}, workers), wake: make(chan struct{}, 1)}
	for range workers {
		l.free <- struct{}{}
	}
	return l
}

// New returns a runner that is not started.
func New(d *db.DB, log *slog.Logger) *Runner {
	r := &Runner{db: d, log: log, fast: newLane(fastLanes), slow: newLane(slowLanes)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Handle registers the handler of a kind. Call it before Start; twice for one kind is a mistake and panics.
func (r *Runner) Handle(kind string, h Handler, opts ...Option) {
	l := r.fast
	for _, o := range opts {
		if o == Slow {
			l = r.slow
		}
	}
	if r.fast.handlers[kind] != nil || r.slow.handlers[kind] != nil {
		panic("job: two handlers for " + kind)
	}
	l.handlers[kind] = h
	l.kinds = append(l.kinds, kind)
}

// Every runs h again and again, an interval after the last time it succeeded, on one node at a time.
func (r *Runner) Every(kind string, interval time.Duration, h Handler, opts ...Option) {
	r.every = append(r.every, periodic{kind, interval})
	r.Handle(kind, func(ctx context.Context, j Job) (Done, error) {
		done, err := h(ctx, j)
		if err != nil {
			// A periodic job never dies; it only waits for its next turn.
			return nil, After(interval, err)
		}
		return func(tx *db.Tx) error {
			if done != nil {
				if err := done(tx); err != nil {
					return err
				}
			}
			tx.Enqueue(db.Job{Kind: kind, Key: kind, RunAt: tx.Now.Add(interval), MaxAttempts: 1 << 30})
			return nil
		}, nil
	}, opts...)
}

// Start takes back what an earlier life left running and begins to work.
func (r *Runner) Start(ctx context.Context) error {
	err := r.db.Write(ctx, db.System, func(tx *db.Tx) error {
		if r.db.Engine == db.SQLite { // one process: whatever runs, ran in a process that is gone
			if _, err := tx.Exec(ctx, `UPDATE jobs SET lease_until_at = 0 WHERE state = 'running'`); err != nil {
				return err
			}
			for more := true; more; {
				var err error
				if more, err = takeBack(ctx, tx); err != nil {
					return err
				}
			}
		}
		for _, p := range r.every {
			tx.Enqueue(db.Job{Kind: p.kind, Key: p.kind, MaxAttempts: 1 << 30})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("job: start: %w", err)
	}
	r.db.OnEnqueue(func(kind string, _ time.Time) { r.Wake(kind) })
	for _, l := range []*lane{r.fast, r.slow} {
		if len(l.kinds) > 0 {
			r.loops.Go(func() { r.loop(l) })
		}
	}
	r.loops.Go(r.keepLeases)
	return nil
}

// Stop ends claiming, lets handlers under way finish within ctx, and then cancels them: they will run again.
func (r *Runner) Stop(ctx context.Context) {
	r.once.Do(func() {
		r.cancel()
		r.loops.Wait()
		done := make(chan struct{})
		go func() { r.work.Wait(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
		}
	})
}

// Wake makes the lane of the kind look for due jobs now; an unknown kind wakes all.
func (r *Runner) Wake(kind string) {
	for _, l := range []*lane{r.fast, r.slow} {
		if l.handlers[kind] != nil || kind == "" {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (r *Runner) loop(l *lane) {
	for r.ctx.Err() == nil {
		jobs, next, err := r.claim(l)
		if err != nil && r.ctx.Err() == nil {
			r.log.Error("claiming jobs", "err", err)
			next = r.db.Now().Add(idleSleep)
		}
		for _, c := range jobs {
			<-l.free // claim took no more than were free
			r.work.Go(func() {
				defer func() { l.free <- struct{}{}; r.wakeLane(l) }()
				r.run(l.handlers[c.Kind], c)
			})
		}
		if len(jobs) > 0 {
			continue
		}
		timer, stop := r.db.Clock.Timer(next)
		select {
		case <-timer:
		case <-l.wake:
		case <-r.ctx.Done():
		}
		stop()
	}
}

func (r *Runner) wakeLane(l *lane) {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

type claimed struct {
	Job
	max int64
}

// claim takes as many due jobs as there are idle workers. When it takes none, next is when to look again.
func (r *Runner) claim(l *lane) (out []claimed, next time.Time, err error) {
	n := len(l.free)
	now := r.db.Now()
	if n == 0 {
		return nil, now.Add(time.Minute), nil // a worker that ends wakes us
	}
	ctx := r.ctx
	next = now.Add(time.Minute)
	if r.db.Engine == db.Postgres {
		next = now.Add(idleSleep)
	}
	// Looking costs a read; only when something is due the writer is asked.
	var due db.Time
	err = r.db.Read().QueryRow(ctx, nextDue, l.kinds).Scan(&due)
	if errors.Is(err, db.ErrNoRows) {
		return nil, next, nil
	}
	if err != nil {
		return nil, next, err
	}
	if due.Time().After(now) {
		if due.Time().Before(next) {
			next = due.Time()
		}
		return nil, next, nil
	}
	err = r.db.Write(ctx, db.System, func(tx *db.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, claimDue, db.At(tx.Now.Add(lease)), r.db.Node(), db.At(tx.Now), l.kinds, int64(n))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c claimed
			var runAt db.Time
			var event int64
			if err := rows.Scan(&c.ID, &c.Store, &c.Kind, &c.Key, &event, &c.Payload, &c.Attempt, &c.max, &runAt); err != nil {
				return err
			}
			c.RunAt = runAt.Time()
			if event != 0 {
				c.Event = &Event{ID: event}
			}
			out = append(out, c)
		}
		return rows.Err()
	})
	if err != nil || len(out) == 0 {
		return nil, now.Add(50 * time.Millisecond), err // another node was faster
	}
	r.late(out, now)
	return out, next, r.loadEvents(ctx, out)
}

func (r *Runner) late(jobs []claimed, now time.Time) {
	for _, c := range jobs {
		if c.Attempt == 1 {
			late := int64(max(0, now.Sub(c.RunAt)))
			r.Stats.Begun.Add(1)
			r.Stats.LateNanos.Add(late)
			for old := r.Stats.MaxLateNanos.Load(); late > old && !r.Stats.MaxLateNanos.CompareAndSwap(old, late); old = r.Stats.MaxLateNanos.Load() {
			}
		}
	}
}

func (r *Runner) loadEvents(ctx context.Context, jobs []claimed) error {
	var ids []int64
	for _, c := range jobs {
		if c.Event != nil {
			ids = append(ids, c.Event.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := r.db.Read().Query(ctx, `SELECT id, store_id, type, subject_id, actor_kind, actor_id, payload, created_at FROM events WHERE id = ANY($1::bigint[])`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	byID := map[int64]*Event{}
	for rows.Next() {
		var e Event
		var at db.Time
		if err := rows.Scan(&e.ID, &e.Store, &e.Type, &e.Subject, &e.Actor.Kind, &e.Actor.ID, &e.Payload, &at); err != nil {
			return err
		}
		e.At = at.Time()
		byID[e.ID] = &e
	}
	for _, c := range jobs {
		if c.Event != nil {
			if e := byID[c.Event.ID]; e != nil {
				*c.Event = *e
			}
		}
	}
	return rows.Err()
}

// run does one attempt and records how it ended.
func (r *Runner) run(h Handler, c claimed) {
	done, err := r.attempt(h, c.Job)
	if err == nil {
		err = r.finish(c, done)
	}
	if err == nil {
		r.Stats.Done.Add(1)
		return
	}
	if errors.Is(err, errFenced) {
		r.Stats.Fenced.Add(1)
		r.log.Warn("job was taken over while it ran; its effect is dropped", "kind", c.Kind, "job", c.ID)
		return
	}
	r.putOff(c, err)
}

func (r *Runner) attempt(h Handler, j Job) (done Done, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, span := tracer.Start(r.ctx, "job "+j.Kind, trace.WithAttributes(attribute.Int64("job.id", j.ID), attribute.Int64("job.attempt", j.Attempt)))
	defer func() {
		if err != nil {
			span.RecordError(err)
		}
		span.End()
	}()
	return h(ctx, j)
}

// tracer does nothing until the program sets a provider.
var tracer = otel.Tracer("opeka/job")

var errFenced = errors.New("job: no longer ours")

// finish deletes the job and has its effect in one transaction. The attempt number is the fence:
// if the lease ran out and another node took the job, nothing of ours is written.
func (r *Runner) finish(c claimed, done Done) error {
	ctx := context.WithoutCancel(r.ctx)
	return r.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running'`, c.ID, c.Attempt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errFenced
		}
		if done == nil {
			return nil
		}
		return done(tx)
	})
}

func (r *Runner) putOff(c claimed, cause error) {
	ctx := context.WithoutCancel(r.ctx)
	err := r.db.Write(ctx, db.System, func(tx *db.Tx) error {
		at, dead := retryAt(tx.Now, c.Job, c.max, cause)
		if r.ctx.Err() != nil { // stopped, not failed: again at once, and not counted
			at, dead = tx.Now, false
		}
		return put(ctx, tx, c.Job, at, dead, cause.Error())
	})
	switch {
	case err != nil:
		r.log.Error("job couldn't be put off; its lease will run out", "kind", c.Kind, "job", c.ID, "cause", cause, "err", err)
	case r.ctx.Err() != nil:
	default:
		r.Stats.Failed.Add(1)
		r.log.Warn("job failed", "kind", c.Kind, "job", c.ID, "attempt", c.Attempt, "err", cause)
	}
}

// put makes a running job ready again or dead. A newer waiting job with the same key supersedes it.
func put(ctx context.Context, tx *db.Tx, j Job, at time.Time, dead bool, reason string) error {
	if len(reason) > 2000 {
		reason = reason[:2000]
	}
	if !dead && j.Key != "" {
		tag, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running'
AND EXISTS (SELECT 1 FROM jobs newer WHERE newer.kind = $3 AND newer.key = $4 AND newer.key <> '' AND newer.state = 'ready')`, j.ID, j.Attempt, j.Kind, j.Key)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
	}
	state := "ready"
	if dead {
		state = "dead"
	}
	_, err := tx.Exec(ctx, `UPDATE jobs SET state = $1, run_at = $2, last_error = $3, lease_until_at = 0 WHERE id = $4 AND attempt = $5 AND state = 'running'`,
		state, db.At(at), validUTF8(reason), j.ID, j.Attempt)
	return err
}

// keepLeases renews what this node runs and takes back what silent nodes ran.
func (r *Runner) keepLeases() {
	for {
		timer, stop := r.db.Clock.Timer(r.db.Now().Add(lease / 3))
		select {
		case <-timer:
			stop()
		case <-r.ctx.Done():
			stop()
			return
		}
		err := r.db.Write(r.ctx, db.System, func(tx *db.Tx) error {
			if _, err := tx.Exec(r.ctx, `UPDATE jobs SET lease_until_at = $1 WHERE state = 'running' AND node_id = $2`, db.At(tx.Now.Add(lease)), r.db.Node()); err != nil {
				return err
			}
			_, err := takeBack(r.ctx, tx) // what is left has its turn at the next round
			return err
		})
		if err != nil && r.ctx.Err() == nil {
			r.log.Error("job leases", "err", err)
		}
		r.Wake("")
	}
}

const takeBackBatch = 500

// takeBack readies jobs whose lease has run out, and tells whether there may be more. One that has used up its attempts may be what kills processes, so it is put aside.
func takeBack(ctx context.Context, tx *db.Tx) (more bool, err error) {
	rows, err := tx.Query(ctx, `SELECT id, kind, key, attempt, max_attempts FROM jobs WHERE state = 'running' AND lease_until_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED`, db.At(tx.Now), int64(takeBackBatch))
	if err != nil {
		return false, err
	}
	var lost []claimed
	for rows.Next() {
		var c claimed
		if err := rows.Scan(&c.ID, &c.Kind, &c.Key, &c.Attempt, &c.max); err != nil {
			rows.Close()
			return false, err
		}
		lost = append(lost, c)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return false, err
	}
	for _, c := range lost {
		if err := put(ctx, tx, c.Job, tx.Now, c.Attempt >= c.max, "the node that ran it went silent"); err != nil {
			return false, err
		}
	}
	return len(lost) == takeBackBatch, nil
}

const (
	nextDue  = `SELECT run_at FROM jobs WHERE state = 'ready' AND kind = ANY($1::text[]) ORDER BY run_at, id LIMIT 1`
	claimDue = `UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until_at = $1, node_id = $2
WHERE id IN (SELECT id FROM jobs WHERE state = 'ready' AND run_at <= $3 AND kind = ANY($4::text[]) ORDER BY run_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)
RETURNING id, store_id, kind, key, event_id, payload, attempt, max_attempts, run_at`
)

func validUTF8(s string) string {
	b, _ := json.Marshal(s) // replaces what PostgreSQL would refuse
	var out string
	_ = json.Unmarshal(b, &out)
	return out
}
