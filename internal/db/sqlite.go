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
	path string
	conn *sqliteConn // the writer's only connection, used by loop alone
	read *sqliteReader
	reqs chan *writeReq
	// Of the loop: the requests of the batch that have succeeded so far, and how many batches are still to be careful.
	kept    []*writeReq
	careful int
	check   *checkpointer
	sync    *syncer
	each    bool
	log     *slog.Logger
	closed  chan struct{}
	once    sync.Once
	mu      sync.RWMutex // held for writing by close
	done    bool
	lock    *os.File // held while the program lives: one process only
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
	c, err := openConn(path, append(pragmas, "cache_size = -32000", "wal_autocheckpoint = 0")...)
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	if err := c.lite.GatherLog(); err != nil {
		return nil, errors.Join(fmt.Errorf("db: open %s: %w", path, err), c.close())
	}
	sync, err := newSyncer(path)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	n := o.ReadConns
	if n == 0 {
		n = 8
	}
	s := &sqliteDB{
		path: path, conn: c, read: newReader(path, n, append(pragmas, "query_only = ON", "cache_size = -8000", "mmap_size = 1073741824")),
		reqs: make(chan *writeReq, maxBatch), each: o.CommitEach, log: o.Log, closed: make(chan struct{}), lock: lock,
		check: newCheckpointer(path, pragmas, o.Log), sync: sync,
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

// batch runs first and whatever waits behind it in one commit. A closure that fails after it has written is undone with the
// whole transaction, and those before it are run again: that is seldom, and a savepoint around every closure would cost each a
// copy of the pages that it touches. The batches that follow a failure are careful: their closures have savepoints.
func (s *sqliteDB) batch(first *writeReq) {
	if s.sync.err != nil {
		first.err <- s.sync.err
		return
	}
	if err := s.run("BEGIN IMMEDIATE"); err != nil {
		first.err <- fmt.Errorf("db: begin: %w", err)
		return
	}
	begun, careful := time.Now(), s.careful > 0
	if careful {
		s.careful--
	}
	s.kept = nil
	for r := first; r != nil; {
		wrote, err := s.one(r, careful)
		if err == nil {
			s.kept = append(s.kept, r)
		} else if r.err <- err; wrote && !careful {
			if careful = true; !s.redo() {
				return
			}
		}
		r = nil
		if !s.each && len(s.kept) < maxBatch && (s.sync.busy || time.Since(begun) < batchTime) {
			r = s.next()
		}
	}
	if err := s.conn.lite.Unsynced(func() error { return s.run("COMMIT") }); err != nil {
		_ = s.run("ROLLBACK")
		for _, r := range s.kept {
			r.err <- fmt.Errorf("db: commit: %w", err)
		}
	} else if s.sync.start(s.kept); s.each {
		s.sync.wait()
	}
	s.check.after(s.conn.lite)
}

// next is a request that waits; while the last commit is still on its way to disk also one that comes meanwhile.
func (s *sqliteDB) next() *writeReq {
	select {
	case r := <-s.reqs:
		return r
	default:
	}
	if !s.sync.busy {
		return nil
	}
	select {
	case r := <-s.reqs:
		return r
	case err := <-s.sync.done:
		s.sync.ended(err)
		return nil
	}
}

// carefulFor is how many batches have savepoints after one that had to be redone.
const carefulFor = 32

// redo undoes the transaction and runs what had succeeded in it once more, each within a savepoint. It tells whether a transaction is open again.
func (s *sqliteDB) redo() bool {
	s.careful = carefulFor
	again := s.kept
	s.kept = nil
	err := s.run("ROLLBACK")
	if err == nil {
		err = s.run("BEGIN IMMEDIATE")
	}
	for _, r := range again {
		failed := err
		if err == nil {
			_, failed = s.one(r, true)
		}
		if failed != nil {
			r.err <- failed
		} else {
			s.kept = append(s.kept, r)
		}
	}
	return err == nil
}

func (s *sqliteDB) run(sql string) error {
	_, err := s.conn.exec(sql, nil)
	return err
}

// one runs a closure and its deferred writes. wrote tells that it has written something, which after an error is undone only if it was careful.
func (s *sqliteDB) one(r *writeReq, careful bool) (wrote bool, err error) {
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	ctx := context.Background() // a caller's cancellation must not interrupt the others' commit
	begun, before := time.Now(), s.conn.lite.TotalChanges()
	w := &sqliteTx{conn: s.conn, careful: careful}
	r.tx.begin(ctx, w)
	err = r.tx.run(r.fn)
	for i := 0; err == nil && i < len(r.tx.deferred); i++ {
		_, err = w.Exec(ctx, r.tx.deferred[i].sql, r.tx.deferred[i].args...)
	}
	err = w.end(err)
	if took := time.Since(begun); took > slowTx {
		s.log.Warn("slow transaction holds up every writer", "took", took, "err", err)
	}
	return s.conn.lite.TotalChanges() != before, err
}

func (s *sqliteDB) close() error {
	var err error
	s.once.Do(func() {
		s.mu.Lock()
		s.done = true
		close(s.reqs)
		s.mu.Unlock()
		<-s.closed
		s.check.close()
		err = errors.Join(s.sync.close(), s.read.close(), s.conn.close())
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
	})
	return err
}

// sqliteTx is a closure's part of the writer's transaction. A careful one opens a savepoint before the first statement that may write.
type sqliteTx struct {
	conn    *sqliteConn
	careful bool
	used    bool
}

func (w *sqliteTx) use() error {
	if w.used {
		return nil
	}
	w.used = true
	if !w.careful {
		return nil
	}
	_, err := w.conn.exec("SAVEPOINT one", nil)
	return err
}

// end closes the savepoint, if there is one, and undoes what is in it after an error.
func (w *sqliteTx) end(err error) error {
	if !w.used || !w.careful {
		return err
	}
	if err != nil {
		if _, failed := w.conn.exec("ROLLBACK TO one", nil); failed != nil {
			return errors.Join(err, failed)
		}
	}
	_, failed := w.conn.exec("RELEASE one", nil)
	return joinIf(err, failed)
}

func (w *sqliteTx) Exec(_ context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	if err := w.use(); err != nil {
		return pgconn.CommandTag{}, err
	}
	return w.conn.exec(q, args)
}

// Query and QueryRow may be INSERT ... RETURNING, so they count as writing.
func (w *sqliteTx) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	if err := w.use(); err != nil {
		return nil, err
	}
	return w.conn.Query(ctx, q, args...)
}

func (w *sqliteTx) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	if err := w.use(); err != nil {
		return &oneRow{err: err}
	}
	return w.conn.QueryRow(ctx, q, args...)
}

func stack() []byte { return debug.Stack() }
