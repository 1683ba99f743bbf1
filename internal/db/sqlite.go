package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteDB has one writer, which commits the closures of concurrent callers together: the fsync,
// not the statements, is what a commit costs. Readers never wait for it (WAL).
type sqliteDB struct {
	path   string
	write1 *sql.DB
	conn   *sqliteConn // the writer's only connection, used by loop alone
	read   *sqliteReader
	reqs   chan *writeReq
	each   bool
	log    *slog.Logger
	closed chan struct{}
	once   sync.Once
	mu     sync.RWMutex // held for writing by close
	done   bool
	lock   *os.File // held while the program lives: one process only
}

// ErrInUse means that another process has the SQLite file.
var ErrInUse = errors.New("another Opeka is using this database; stop it first")

// lockFile takes the file for this process. The kernel lets go of it however the process ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("db: lock %s: %w", path, err)
	}
	return f, nil
}

type writeReq struct {
	ctx context.Context
	tx  *Tx
	fn  func(*Tx) error
	err chan error
}

const (
	maxBatch  = 256
	batchTime = 4 * time.Millisecond // a batch isn't let grow beyond this before it commits
	slowTx    = 200 * time.Millisecond
)

func openSQLite(ctx context.Context, path string, o Options) (*sqliteDB, error) {
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)"
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	var lock *os.File
	if !o.ReadOnly {
		var err error
		if lock, err = lockFile(path); err != nil {
			return nil, err
		}
	}
	w, err := sql.Open("sqlite", file+"?"+pragmas+"&_pragma=cache_size(-32000)")
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	w.SetMaxOpenConns(1)
	c, err := w.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	r, err := sql.Open("sqlite", file+"?"+pragmas+"&_pragma=query_only(ON)&_pragma=cache_size(-8000)&_pragma=mmap_size(1073741824)")
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	n := o.ReadConns
	if n == 0 {
		n = 8
	}
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n)
	s := &sqliteDB{
		path: path, write1: w, conn: &sqliteConn{conn: c, stmts: map[string]*sql.Stmt{}}, read: &sqliteReader{db: r, stmts: map[string]*sql.Stmt{}},
		reqs: make(chan *writeReq, maxBatch), each: o.CommitEach, log: o.Log, closed: make(chan struct{}), lock: lock,
	}
	go s.loop()
	return s, nil
}

func (s *sqliteDB) reader() Querier { return s.read }

func (s *sqliteDB) write(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	r := &writeReq{ctx: ctx, tx: tx, fn: fn, err: make(chan error, 1)}
	s.mu.RLock()
	if s.done {
		s.mu.RUnlock()
		return errors.New("db: closed")
	}
	select {
	case s.reqs <- r:
		s.mu.RUnlock()
	case <-ctx.Done():
		s.mu.RUnlock()
		return ctx.Err()
	}
	return <-r.err
}

// loop is the writer. It ends when reqs is closed and drained.
func (s *sqliteDB) loop() {
	defer close(s.closed)
	for first := range s.reqs {
		s.batch(first)
	}
}

// batch runs first and whatever waits behind it in one commit.
func (s *sqliteDB) batch(first *writeReq) {
	ctx := context.Background() // a caller's cancellation must not interrupt the others' commit
	if _, err := s.conn.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		first.err <- fmt.Errorf("db: begin: %w", err)
		return
	}
	begun := time.Now()
	var ok []*writeReq
	for r := first; r != nil; {
		if err := s.one(ctx, r); err != nil {
			r.err <- err
		} else {
			ok = append(ok, r)
		}
		r = nil
		if !s.each && len(ok) < maxBatch && time.Since(begun) < batchTime {
			select {
			case next, open := <-s.reqs:
				if open {
					r = next
				}
			default:
			}
		}
	}
	_, err := s.conn.Exec(ctx, "COMMIT")
	if err != nil {
		_, _ = s.conn.Exec(ctx, "ROLLBACK")
		err = fmt.Errorf("db: commit: %w", err)
	}
	for _, r := range ok {
		r.err <- err
	}
}

// one runs a closure and its deferred writes within a savepoint, which is opened by its first write only.
func (s *sqliteDB) one(ctx context.Context, r *writeReq) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	begun := time.Now()
	sp := &savepoint{conn: s.conn}
	r.tx.begin(ctx, sp)
	err := r.tx.run(r.fn)
	for i := 0; err == nil && i < len(r.tx.deferred); i++ {
		_, err = sp.Exec(ctx, r.tx.deferred[i].sql, r.tx.deferred[i].args...)
	}
	if err == nil {
		err = sp.release(ctx)
	} else if rerr := sp.rollback(ctx); rerr != nil {
		err = errors.Join(err, rerr)
	}
	if took := time.Since(begun); took > slowTx {
		s.log.Warn("slow transaction holds up every writer", "took", took, "err", err)
	}
	return err
}

func (s *sqliteDB) close() error {
	var err error
	s.once.Do(func() {
		s.mu.Lock()
		s.done = true
		close(s.reqs)
		s.mu.Unlock()
		<-s.closed
		err = errors.Join(s.read.db.Close(), s.conn.conn.Close(), s.write1.Close())
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
	})
	return err
}

// savepoint opens itself before the first statement that may write.
type savepoint struct {
	conn   *sqliteConn
	opened bool
}

func (p *savepoint) open(ctx context.Context) error {
	if p.opened {
		return nil
	}
	p.opened = true
	_, err := p.conn.Exec(ctx, "SAVEPOINT one")
	return err
}

func (p *savepoint) release(ctx context.Context) error {
	if !p.opened {
		return nil
	}
	_, err := p.conn.Exec(ctx, "RELEASE one")
	return err
}

func (p *savepoint) rollback(ctx context.Context) error {
	if !p.opened {
		return nil
	}
	if _, err := p.conn.Exec(ctx, "ROLLBACK TO one"); err != nil {
		return err
	}
	return p.release(ctx)
}

func (p *savepoint) Exec(ctx context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	if err := p.open(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return p.conn.Exec(ctx, q, args...)
}

// Query and QueryRow may be INSERT ... RETURNING, so they open the savepoint too.
func (p *savepoint) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	return p.conn.Query(ctx, q, args...)
}

func (p *savepoint) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	if err := p.open(ctx); err != nil {
		return &oneRow{err: err}
	}
	return p.conn.QueryRow(ctx, q, args...)
}

// sqliteConn is the writer's connection with its prepared statements. Not safe for concurrent use.
type sqliteConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

const maxStmts = 1000 // filters written by hand make many texts; past this the cache starts anew

func (c *sqliteConn) prepare(ctx context.Context, q string, args []any) (*sql.Stmt, []any, error) {
	s := rewrite(q)
	bound, err := s.bind(args)
	if err != nil {
		return nil, nil, err
	}
	st := c.stmts[s.sql]
	if st == nil {
		if len(c.stmts) >= maxStmts {
			for _, old := range c.stmts {
				_ = old.Close()
			}
			clear(c.stmts)
		}
		if st, err = c.conn.PrepareContext(ctx, s.sql); err != nil {
			return nil, nil, fmt.Errorf("db: %w in: %s", err, s.sql)
		}
		c.stmts[s.sql] = st
	}
	return st, bound, nil
}

func (c *sqliteConn) Exec(ctx context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	st, bound, err := c.prepare(ctx, q, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return sqliteTag(st.ExecContext(context.WithoutCancel(ctx), bound...))
}

func (c *sqliteConn) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	st, bound, err := c.prepare(ctx, q, args)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(context.WithoutCancel(ctx), bound...)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: rows}, nil
}

func (c *sqliteConn) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	rows, err := c.Query(ctx, q, args...)
	return &oneRow{rows: rows, err: err}
}

// sqliteReader is the pool of read-only connections; database/sql prepares a statement on each as needed.
type sqliteReader struct {
	db    *sql.DB
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

func (p *sqliteReader) prepare(ctx context.Context, q string, args []any) (*sql.Stmt, []any, error) {
	s := rewrite(q)
	bound, err := s.bind(args)
	if err != nil {
		return nil, nil, err
	}
	p.mu.RLock()
	st := p.stmts[s.sql]
	p.mu.RUnlock()
	if st != nil {
		return st, bound, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if st = p.stmts[s.sql]; st == nil {
		if st, err = p.db.PrepareContext(context.WithoutCancel(ctx), s.sql); err != nil {
			return nil, nil, fmt.Errorf("db: %w in: %s", err, s.sql)
		}
		if len(p.stmts) < maxStmts {
			p.stmts[s.sql] = st
		}
	}
	return st, bound, nil
}

func (p *sqliteReader) Exec(ctx context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("db: Read() can't write; use Write")
}

func (p *sqliteReader) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	st, bound, err := p.prepare(ctx, q, args)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, bound...)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: rows}, nil
}

func (p *sqliteReader) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, q, args...)
	return &oneRow{rows: rows, err: err}
}

func sqliteTag(r sql.Result, err error) (pgconn.CommandTag, error) {
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	n, _ := r.RowsAffected()
	return pgconn.NewCommandTag("UPDATE " + strconv.FormatInt(n, 10)), nil
}

// sqliteRows gives database/sql's rows the methods of pgx.Rows that sqlc and pgx.CollectRows use.
type sqliteRows struct{ rows *sql.Rows }

func (r *sqliteRows) Close()                        { _ = r.rows.Close() }
func (r *sqliteRows) Err() error                    { return r.rows.Err() }
func (r *sqliteRows) CommandTag() pgconn.CommandTag { return pgconn.CommandTag{} }
func (r *sqliteRows) Next() bool                    { return r.rows.Next() }
func (r *sqliteRows) RawValues() [][]byte           { return nil }
func (r *sqliteRows) Conn() *pgx.Conn               { return nil }
func (r *sqliteRows) TypeMap() *pgtype.Map          { return nil }

// FieldDescriptions names the columns; the types aren't known.
func (r *sqliteRows) FieldDescriptions() []pgconn.FieldDescription {
	names, _ := r.rows.Columns()
	out := make([]pgconn.FieldDescription, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}

func (r *sqliteRows) Values() ([]any, error) {
	names, err := r.rows.Columns()
	if err != nil {
		return nil, err
	}
	vals, ptrs := make([]any, len(names)), make([]any, len(names))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	return vals, r.rows.Scan(ptrs...)
}

func (r *sqliteRows) Scan(dest ...any) error {
	if len(dest) == 1 {
		if s, ok := dest[0].(pgx.RowScanner); ok {
			return s.ScanRow(r)
		}
	}
	for i, d := range dest {
		if raw, ok := d.(*json.RawMessage); ok {
			dest[i] = (*[]byte)(raw) // database/sql knows only []byte itself
		}
	}
	return r.rows.Scan(dest...)
}

type oneRow struct {
	rows pgx.Rows
	err  error
}

func (r *oneRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

func stack() []byte { return debug.Stack() }
