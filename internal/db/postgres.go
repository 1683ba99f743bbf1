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
	reads *asker
	group *group
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
	group, err := newGroup(ctx, pool)
	if err != nil {
		pool.Close()
		reads.Close()
		return nil, err
	}
	return &postgresDB{pool, newAsker(reads), group, o.Log}, nil
}

func (p *postgresDB) reader() Querier { return p.reads }

func (p *postgresDB) close() error {
	p.reads.Close()
	p.group.own.Close()
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
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here on the change is all or nothing; a caller that goes away doesn't decide which.
	ctx = context.WithoutCancel(ctx)
	lazy := &lazyTx{pool: p.pool}
	defer lazy.release()
	tx.begin(ctx, lazy)
	if err = tx.run(fn); err != nil {
		return joinIf(err, lazy.rollback(ctx))
	}
	if lazy.conn == nil {
		return p.group.write(ctx, tx.deferred)
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

// lazyTx takes a connection with the first statement only, and sends BEGIN in one round trip with it. A change that consists of
// deferred writes alone needs neither.
type lazyTx struct {
	pool  *pgxpool.Pool
	conn  *pgxpool.Conn
	begun bool
}

func (l *lazyTx) release() {
	if l.conn != nil {
		l.conn.Release()
	}
}

// first sends BEGIN together with a statement, and returns the results, of which the statement's is the next.
func (l *lazyTx) first(ctx context.Context, sql string, args []any) (pgx.BatchResults, error) {
	if l.conn == nil {
		var err error
		if l.conn, err = l.pool.Acquire(ctx); err != nil {
			return nil, err
		}
	}
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
	if !l.begun { // its first statement was refused, and the closure passed over that
		return errPassedOver
	}
	b := &pgx.Batch{}
	for _, w := range writes {
		b.Queue(w.sql, w.args...)
	}
	b.Queue("COMMIT")
	tag, err := sendAll(ctx, l.conn.Conn(), b)
	if err != nil {
		return err
	}
	l.begun = false
	if tag.String() == "ROLLBACK" {
		return errPassedOver
	}
	return nil
}

var errPassedOver = errors.New("db: PostgreSQL rolled back: an earlier statement had failed and its error was passed over")

// sendAll sends the statements in one round trip and returns what the last one did.
func sendAll(ctx context.Context, conn *pgx.Conn, b *pgx.Batch) (tag pgconn.CommandTag, err error) {
	results := conn.SendBatch(ctx, b)
	for range b.Len() {
		if tag, err = results.Exec(); err != nil {
			_ = results.Close()
			return tag, err
		}
	}
	return tag, results.Close()
}

func (l *lazyTx) rollback(ctx context.Context) error {
	if !l.begun || l.conn.Conn().IsClosed() {
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
