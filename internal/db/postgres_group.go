package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// group commits changes that consist of deferred writes alone together: one transaction and one round trip for all that came while
// the one before was on its way. Most of what a small change costs PostgreSQL is the statement, not the row.
//
// When a group fails, each of its changes is tried once more by itself, so that none fails for another's sake. It fails also when a row is held
// for long by somebody else: that mustn't hold up the changes that don't want it.
type group struct {
	line *pgxpool.Pool // its own connection, which doesn't wait long for rows
	pool *pgxpool.Pool // for changes by themselves

	mu    sync.Mutex
	queue []*groupReq
	led   bool // a group is under way; whoever leads it calls the next leader

	alone atomic.Int64 // how many changes go by themselves, after a group that failed
}

type groupReq struct {
	writes []deferred
	turn   chan groupTurn
}

// groupTurn tells a change that waits what has become of it.
type groupTurn struct {
	lead  bool // it leads the next group
	alone bool // its group failed
	err   error
}

const (
	maxGroup = 64
	aloneFor = 64
)

func newGroup(ctx context.Context, pool *pgxpool.Pool) (*group, error) {
	cfg := pool.Config()
	cfg.MinConns, cfg.MaxConns = 0, 1
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET lock_timeout = '100ms'`)
		return err
	}
	line, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	return &group{line: line, pool: pool}, nil
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
	r := &groupReq{writes: writes, turn: make(chan groupTurn, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, r)
	lead := !g.led
	g.led = true
	g.mu.Unlock()
	turn := groupTurn{lead: lead}
	if !lead {
		turn = <-r.turn
	}
	if turn.lead {
		turn = g.lead(ctx)
	}
	if turn.alone {
		return send(ctx, g.pool, writes)
	}
	return turn.err
}

// lead commits whatever waits, of which the leader's own change is the first, and hands over to the first of those that have come meanwhile.
func (g *group) lead(ctx context.Context) groupTurn {
	g.mu.Lock()
	n := min(len(g.queue), maxGroup)
	reqs := g.queue[:n:n]
	g.queue = g.queue[n:]
	g.mu.Unlock()

	writes := reqs[0].writes
	if n > 1 {
		writes = nil
		changes := make([][]deferred, n)
		for i, r := range reqs {
			changes[i] = r.writes
		}
		weave(changes, func(sql string, args []any) { writes = append(writes, deferred{sql, args}) })
	}
	var turn groupTurn
	if err := send(ctx, g.line, writes); err != nil && n == 1 && !lockTimeout(err) {
		turn.err = err
	} else if err != nil {
		g.alone.Store(aloneFor)
		turn.alone = true
	}
	for _, r := range reqs[1:] {
		r.turn <- turn
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	if g.led = len(g.queue) > 0; g.led {
		g.queue[0].turn <- groupTurn{lead: true}
	}
	return turn
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
