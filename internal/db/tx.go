package db

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is one change in the making. It is a Querier, so sqlc's queries run in it.
type Tx struct {
	Now   time.Time // of the transaction: all that it writes happened then
	Actor Actor

	db       *DB
	ctx      context.Context
	conn     Querier
	deferred []deferred
	jobs     []jobRow
	after    []func()
}

type deferred struct {
	sql  string
	args []any
}

// Event is something that happened, as listeners and the log of a store see it.
type Event struct {
	Store   int64
	Type    string
	Subject int64 // the id of what it happened to
	Payload any   // marshalled to JSON
}

// Job is work to do later, exactly once as far as the database is concerned.
type Job struct {
	Store int64
	Kind  string
	// Key, if set, keeps one waiting job per (Kind, Key): a second one is dropped, or, with Move,
	// replaces the first one's time and payload. One that is running doesn't count.
	Key     string
	Move    bool
	RunAt   time.Time // zero: at once
	Payload any
	// MaxAttempts before the job is put aside as dead; 0 means 20 (about a day and a half).
	MaxAttempts int
}

type jobRow struct {
	kind  string
	runAt time.Time
}

const (
	insertEvent = `INSERT INTO events (id, store_id, type, subject_id, actor_kind, actor_id, payload, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	insertJob = `INSERT INTO jobs (id, store_id, kind, key, event_id, payload, run_at, max_attempts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	keepJob = ` ON CONFLICT (kind, key) WHERE key <> '' AND state = 'ready' DO NOTHING`
	moveJob = ` ON CONFLICT (kind, key) WHERE key <> '' AND state = 'ready' DO UPDATE SET run_at = excluded.run_at, payload = excluded.payload, attempt = 0`
)

// Emit records that something happened and makes one job for each listener that is routed to it.
// It returns the event's id. The payload must be a value that encoding/json can write.
func (tx *Tx) Emit(e Event) int64 {
	payload := tx.json(e.Payload)
	id := tx.ID()
	tx.Defer(insertEvent, id, e.Store, e.Type, e.Subject, tx.Actor.Kind, tx.Actor.ID, payload, At(tx.Now))
	tx.db.mu.RLock()
	routes := tx.db.routes[e.Type]
	tx.db.mu.RUnlock()
	for _, r := range routes {
		if r.wanted == nil || r.wanted(e) {
			tx.enqueue(Job{Store: e.Store, Kind: r.kind}, id, json.RawMessage(`null`))
		}
	}
	return id
}

// Enqueue adds a job that runs after this transaction, at or after its time.
func (tx *Tx) Enqueue(j Job) { tx.enqueue(j, 0, tx.json(j.Payload)) }

func (tx *Tx) enqueue(j Job, event int64, payload json.RawMessage) {
	if j.RunAt.IsZero() {
		j.RunAt = tx.Now
	}
	if j.MaxAttempts == 0 {
		j.MaxAttempts = 20
	}
	sql := insertJob
	if j.Key != "" && j.Move {
		sql += moveJob
	} else if j.Key != "" {
		sql += keepJob
	}
	tx.Defer(sql, tx.ID(), j.Store, j.Kind, j.Key, event, payload, At(j.RunAt), int64(j.MaxAttempts), At(tx.Now))
	tx.jobs = append(tx.jobs, jobRow{j.Kind, j.RunAt})
}

// CancelJob removes the waiting job of that kind and key, if there is one.
func (tx *Tx) CancelJob(kind, key string) {
	tx.Defer(`DELETE FROM jobs WHERE kind = $1 AND key = $2 AND key <> '' AND state = 'ready'`, kind, key)
}

// Defer adds a write whose result nobody needs. All of them go out with the commit, in their
// order: one round trip on PostgreSQL. Statements run directly in fn don't see them.
func (tx *Tx) Defer(sql string, args ...any) { tx.deferred = append(tx.deferred, deferred{sql, args}) }

// AfterCommit calls f once the change is on disk: for hints to live connections, never for lasting work.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// ID returns a new id.
func (tx *Tx) ID() int64 { return tx.db.ID() }

// Exec implements Querier.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return tx.conn.Exec(ctx, sql, args...)
}

// Query implements Querier.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return tx.conn.Query(ctx, sql, args...)
}

// QueryRow implements Querier.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return tx.conn.QueryRow(ctx, sql, args...)
}

// begin readies tx for (another) run of its closure on conn.
func (tx *Tx) begin(ctx context.Context, conn Querier) {
	tx.Now, tx.ctx, tx.conn = tx.db.Clock.Now(), ctx, conn
	tx.deferred, tx.jobs, tx.after = tx.deferred[:0], tx.jobs[:0], tx.after[:0]
}

// run calls fn and turns a panic into an error, so that one bad closure can't take others' writes along.
func (tx *Tx) run(fn func(*Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(payloadError); ok {
				err = e
				return
			}
			err = fmt.Errorf("db: panic in a transaction: %v\n%s", r, stack())
		}
	}()
	return fn(tx)
}

// payloadError carries a payload that can't be marshalled out of Emit, whose callers have no use for an error: it is a bug.
type payloadError struct{ error }

func (tx *Tx) json(v any) json.RawMessage {
	switch v := v.(type) {
	case nil:
		return json.RawMessage(`null`)
	case json.RawMessage:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(payloadError{fmt.Errorf("db: payload of %T: %w", v, err)})
	}
	return b
}

// Woke tells workers after the commit that a job of the kind has become ready by other means than Enqueue.
func (tx *Tx) Woke(kind string) { tx.jobs = append(tx.jobs, jobRow{kind, tx.Now}) }
