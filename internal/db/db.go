// Package db keeps the program's facts in SQLite (embedded, the default) or PostgreSQL, behind
// one set of queries. Every change is one transaction: what is written, the events that it causes
// and the jobs that follow from them commit together or not at all. It knows nothing of shops.
package db

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Engine names the database behind a DB.
type Engine string

const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// ErrNoRows is what QueryRow's Scan returns on either engine when nothing matches.
var ErrNoRows = pgx.ErrNoRows

// Querier runs statements written for PostgreSQL with $n parameters. It is what sqlc's generated
// code calls DBTX. Read all rows before the next statement.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Options are what Open may be told; the zero value is right for a program with one node.
type Options struct {
	Clock Clock        // RealClock if nil
	Log   *slog.Logger // slog.Default() if nil
	// ReadConns bounds the read-only pool of SQLite and the pool of PostgreSQL. 0: 8 and 16.
	ReadConns int
	// ReadOnly is for looking at a SQLite file that a running program has; nothing may be written or migrated.
	ReadOnly bool
	// CommitEach makes SQLite commit every write by itself. Only the benchmark sets it, to compare.
	CommitEach bool
}

// engine is what differs between the two databases.
type engine interface {
	reader() Querier
	// write runs fn in one transaction and flushes what the Tx buffered before it commits.
	write(ctx context.Context, tx *Tx, fn func(*Tx) error) error
	// exclusive runs fn with the schema to itself (migrations).
	migrate(ctx context.Context, log *slog.Logger) error
	close() error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	Engine Engine
	Clock  Clock

	log    *slog.Logger
	url    string
	engine engine
	ids    idSource
	node   *node

	mu     sync.RWMutex
	routes map[string][]route // by event type
	wake   []func(kind string, runAt time.Time)
}

// Open connects to "sqlite:PATH" (a file; its folder must exist) or "postgres://...". It doesn't
// migrate; call Migrate. The error says what was wrong with the address or the connection.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	d := &DB{Clock: o.Clock, log: o.Log, url: url, routes: map[string][]route{}}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		d.Engine = SQLite
		d.engine, err = openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"), o)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		d.Engine = Postgres
		d.engine, err = openPostgres(ctx, url, o)
	default:
		return nil, fmt.Errorf("db: address must begin with sqlite: or postgres://, got %q", url)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Migrate brings the schema up to date and takes a node number; several nodes may call it at once.
func (d *DB) Migrate(ctx context.Context) error {
	if err := d.engine.migrate(ctx, d.log); err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	return d.takeNode(ctx)
}

// Read returns a Querier for statements outside a transaction. On SQLite it can't write.
func (d *DB) Read() Querier { return d.engine.reader() }

// OneWriter tells whether writes run one after the other. Their connection keeps its pages, while every reader begins anew after a
// commit: what a change starts from is read best within it.
func (d *DB) OneWriter() bool { return d.Engine == SQLite }

// ID returns a new id.
func (d *DB) ID() int64 { return d.ids.next() }

// Now is the clock's time.
func (d *DB) Now() time.Time { return d.Clock.Now() }

// Actor is who makes a change: an agent, a customer, an API key, a plug, or the system itself.
type Actor struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
}

// System is the actor of what the program does by itself.
var System = Actor{Kind: "system"}

// Write runs fn in one transaction. When it returns nil all is committed, to disk, with the events
// and jobs that fn emitted; any error of fn undoes everything and comes back as it is.
//
// On SQLite, closures of concurrent callers share one commit, so fn must be short and do no I/O of its own. On both engines
// fn may run again, after a serialisation failure or when another closure of its commit failed, so it must assign its
// results, never add to them. A cancelled ctx is seen before fn begins, not within.
func (d *DB) Write(ctx context.Context, actor Actor, fn func(*Tx) error) error {
	tx := &Tx{Actor: actor, db: d}
	if err := d.engine.write(ctx, tx, withAlong(ctx, fn)); err != nil {
		return err
	}
	d.wakeFor(tx.jobs)
	for _, f := range tx.after {
		f()
	}
	return nil
}

// Route makes each event of a type cause one job of each of the kinds. Call it before the first Write.
func (d *DB) Route(eventType string, jobKinds ...string) {
	for _, kind := range jobKinds {
		d.RouteIf(eventType, kind, nil)
	}
}

// RouteIf is Route for a listener that only some stores have: wanted is asked at each event and must answer at once.
func (d *DB) RouteIf(eventType, jobKind string, wanted func(store int64) bool) {
	if wanted == nil {
		d.RouteWhen(eventType, jobKind, nil)
		return
	}
	d.RouteWhen(eventType, jobKind, func(e Event) bool { return wanted(e.Store) })
}

// RouteWhen is Route for a listener that looks at the event before it wants it: a backfill of years needn't make a job for
// each thing that happened in them. wanted must answer at once.
func (d *DB) RouteWhen(eventType, jobKind string, wanted func(e Event) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.routes[eventType] = append(d.routes[eventType], route{jobKind, wanted})
}

type route struct {
	kind   string
	wanted func(e Event) bool // nil: always
}

// OnEnqueue calls f after a commit with each job that it made, so that a worker needn't poll.
func (d *DB) OnEnqueue(f func(kind string, runAt time.Time)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake = append(d.wake, f)
}

func (d *DB) wakeFor(jobs []jobRow) {
	if len(jobs) == 0 {
		return
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, f := range d.wake {
		for i := range jobs {
			f(jobs[i].kind, jobs[i].runAt)
		}
	}
}

// Close waits for writes under way, gives the node number back and closes the database.
func (d *DB) Close() error {
	d.leaveNode()
	return d.engine.close()
}
