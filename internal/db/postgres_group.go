package db

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// group commits changes that consist of deferred writes alone together: one transaction and one round trip for all that came while
// the one before was on its way. Most of what a small change costs PostgreSQL is the statement, not the row.
//
// When PostgreSQL undoes a group, each of its changes is tried once more by itself, so that none fails for another's sake. It undoes it also when
// a row is held for long by somebody else: that mustn't hold up the changes that don't want it. Where nobody knows what became of a group, its
// callers are told so: to try again could be to do it twice.
type group struct {
	line  line[[]deferred]
	own   *pgxpool.Pool // a connection that doesn't wait long for rows
	pool  *pgxpool.Pool // for changes by themselves
	alone atomic.Int64  // how many changes go by themselves, after a group that failed
}

// aloneFor is how many changes go by themselves after a group that failed.
const aloneFor = 64

func newGroup(ctx context.Context, pool *pgxpool.Pool) (*group, error) {
	cfg := pool.Config()
	cfg.MinConns, cfg.MaxConns = 0, 1
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET lock_timeout = '100ms'`)
		return err
	}
	own, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	g := &group{own: own, pool: pool}
	g.line.leaders, g.line.do = 1, g.together
	return g, nil
}

// write commits the writes of one change.
func (g *group) write(ctx context.Context, writes []deferred) error {
	if len(writes) == 0 {
		return nil
	}
	if g.alone.Load() > 0 {
		g.alone.Add(-1)
		return send(ctx, g.pool, writes)
	}
	err := g.line.call(ctx, writes)
	if err != errAlone {
		return err
	}
	g.alone.Store(aloneFor)
	return send(ctx, g.pool, writes)
}

func (g *group) together(ctx context.Context, changes [][]deferred) error {
	writes := changes[0]
	if len(changes) > 1 {
		writes = nil
		weave(changes, func(sql string, args []any) { writes = append(writes, deferred{sql, args}) })
	}
	err := send(ctx, g.own, writes)
	if undone(err) && (len(changes) > 1 || lockTimeout(err)) {
		return errAlone
	}
	return err
}

// undone tells whether an error leaves no doubt that nothing was committed: PostgreSQL refused a statement, or heard of none. A
// connection that breaks (and a server that shuts down says so with FATAL) may have broken behind the commit.
func undone(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.SeverityUnlocalized == "ERROR"
	}
	return pgconn.SafeToRetry(err)
}

func lockTimeout(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "55P03"
}

// send is one pipelined batch, which PostgreSQL treats as a transaction.
func send(ctx context.Context, pool *pgxpool.Pool, writes []deferred) error {
	b := &pgx.Batch{}
	for _, w := range writes {
		b.Queue(w.sql, w.args...)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = sendAll(ctx, conn.Conn(), b)
	return err
}
