package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sqliteDB has one writer, which commits the closures of concurrent callers together: the fsync,
// not the statements, is what a commit costs. Readers never wait for it (WAL).
type sqliteDB struct {
	path   string
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
	var lock *os.File
	if !o.ReadOnly {
		var err error
		if lock, err = lockFile(path); err != nil {
			return nil, err
		}
	}
	pragmas := []string{"busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"}
	c, err := openConn(path, append(pragmas, "cache_size = -32000")...)
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	n := o.ReadConns
	if n == 0 {
		n = 8
	}
	s := &sqliteDB{
		path: path, conn: c, read: newReader(path, n, append(pragmas, "query_only = ON", "cache_size = -8000", "mmap_size = 1073741824")),
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
		err = errors.Join(s.read.close(), s.conn.close())
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

func stack() []byte { return debug.Stack() }
