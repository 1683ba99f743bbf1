package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresDB is a pool of connections to PostgreSQL, or to a database that speaks its language.
// Reads have a pool of their own: a closure that holds a connection for its transaction may read outside of it, and
// would otherwise wait for ever for one when every connection is held by another such closure.
type postgresDB struct {
	pool  *pgxpool.Pool // of transactions
	reads *pgxpool.Pool
	log   *slog.Logger
}

func openPostgres(ctx context.Context, url string, o Options) (*postgresDB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	cfg.MaxConns = 16 // twice: of transactions and of reads
	if o.ReadConns > 0 {
		cfg.MaxConns = int32(o.ReadConns)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("db: can't reach PostgreSQL: %w", err)
	}
	reads, err := pgxpool.NewWithConfig(ctx, cfg.Copy())
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("db: %w", err)
	}
	return &postgresDB{pool, reads, o.Log}, nil
}

func (p *postgresDB) reader() Querier { return p.reads }

func (p *postgresDB) close() error {
	p.reads.Close()
	p.pool.Close()
	return nil
}

const maxRetries = 8

// write retries what the database asks to be retried: serialisation failures and deadlocks.
func (p *postgresDB) write(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	for try := 0; ; try++ {
		err := p.once(ctx, tx, fn)
		var pe *pgconn.PgError
		if err == nil || try == maxRetries || !errors.As(err, &pe) || (pe.Code != "40001" && pe.Code != "40P01") {
			return err
		}
		select {
		case <-time.After(time.Duration(rand.IntN(1<<min(try, 6)*2)+1) * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func (p *postgresDB) once(ctx context.Context, tx *Tx, fn func(*Tx) error) (err error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	lazy := &lazyTx{conn: conn.Conn()}
	// From here on the change is all or nothing; a caller that goes away doesn't decide which.
	ctx = context.WithoutCancel(ctx)
	tx.begin(ctx, lazy)
	if err = tx.run(fn); err != nil {
		return joinIf(err, lazy.rollback(ctx))
	}
	if err = lazy.finish(ctx, tx.deferred); err != nil {
		return joinIf(err, lazy.rollback(ctx))
	}
	return nil
}

func joinIf(err, other error) error {
	if other == nil {
		return err
	}
	return errors.Join(err, other)
}

// lazyTx sends BEGIN with the first statement only, in one round trip with it. A change that consists of deferred writes alone
// is one pipelined batch, which PostgreSQL treats as a transaction by itself: one round trip.
type lazyTx struct {
	conn  *pgx.Conn
	begun bool
}

// first sends BEGIN together with a statement, and returns the results, of which the statement's is the next.
func (l *lazyTx) first(ctx context.Context, sql string, args []any) (pgx.BatchResults, error) {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(sql, args...)
	results := l.conn.SendBatch(ctx, b)
	if _, err := results.Exec(); err != nil { // also what is wrong with the statement's text: then nothing was sent
		return nil, errors.Join(err, results.Close())
	}
	l.begun = true
	return results, nil
}

// firstRows are the rows of the statement that came with BEGIN.
type firstRows struct {
	pgx.Rows
	results pgx.BatchResults
}

func (r *firstRows) Close() {
	r.Rows.Close()
	_ = r.results.Close() // what it could tell, the rows' Err tells
}

func (r *firstRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (l *lazyTx) finish(ctx context.Context, writes []deferred) error {
	if len(writes) == 0 && !l.begun {
		return nil
	}
	b := &pgx.Batch{}
	for _, w := range writes {
		b.Queue(w.sql, w.args...)
	}
	if l.begun {
		b.Queue("COMMIT")
	}
	results := l.conn.SendBatch(ctx, b)
	var tag pgconn.CommandTag
	for range b.Len() {
		var err error
		if tag, err = results.Exec(); err != nil {
			_ = results.Close()
			return err
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if l.begun && tag.String() == "ROLLBACK" {
		l.begun = false
		return errors.New("db: PostgreSQL rolled back: an earlier statement had failed and its error was passed over")
	}
	l.begun = false
	return nil
}

func (l *lazyTx) rollback(ctx context.Context) error {
	if !l.begun || l.conn.IsClosed() {
		return nil
	}
	l.begun = false
	_, err := l.conn.Exec(ctx, "ROLLBACK")
	return err
}

func (l *lazyTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if l.begun {
		return l.conn.Exec(ctx, sql, args...)
	}
	results, err := l.first(ctx, sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

func (l *lazyTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if l.begun {
		return l.conn.Query(ctx, sql, args...)
	}
	results, err := l.first(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		_ = results.Close()
		return nil, err
	}
	return &firstRows{rows, results}, nil
}

func (l *lazyTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if l.begun {
		return l.conn.QueryRow(ctx, sql, args...)
	}
	rows, err := l.Query(ctx, sql, args...)
	return &oneRow{rows: rows, err: err}
}
