// Package lite runs statements on SQLite by its own calls, without database/sql: no pool, no locks, no goroutine per
// statement, no reading of column names with every query. The one writer of a database has well under a hundred microseconds
// for a message, and database/sql with its driver spent more than half of them. It knows nothing of transactions or of who may write.
package lite

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// Conn is a connection. Only one goroutine may use it at a time; Interrupter is the exception.
type Conn struct {
	tls *libc.TLS
	db  uintptr
	mu  sync.Mutex // of turn
	// turn counts uses, so that an interrupt that comes too late doesn't hit the next one.
	turn uint64
	log  *gathered // nil: the log is written as SQLite does
}

// Error is what SQLite refused a statement with; Code is the extended result code.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Open connects to a file, which it creates if need be, and runs the pragmas.
func Open(path string, pragmas ...string) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS()}
	name, err := libc.CString(path)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	out := libc.Xcalloc(c.tls, 1, pointerSize)
	defer libc.Xfree(c.tls, out)
	// Without SQLite's own mutex: see Conn.
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, out, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE|sqlite3.SQLITE_OPEN_NOMUTEX, 0)
	c.db = *(*uintptr)(at(out))
	if rc != sqlite3.SQLITE_OK {
		return nil, c.closeAfter(c.failure(rc))
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	for _, p := range pragmas {
		if err := c.Exec("PRAGMA " + p); err != nil {
			return nil, c.closeAfter(fmt.Errorf("%s: %w", p, err))
		}
	}
	return c, nil
}

// at is where SQLite has something: memory that isn't Go's, so the collector neither moves nor frees it.
func at(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

const pointerSize = types.Size_t(unsafe.Sizeof(uintptr(0)))

func (c *Conn) closeAfter(err error) error {
	_ = c.Close()
	return err
}

// Close ends the connection. Its statements must be closed before.
func (c *Conn) Close() error {
	var err error
	if c.db != 0 {
		if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
			err = c.failure(rc)
		}
		c.db = 0
	}
	if c.log != nil {
		c.log.free()
		c.log = nil
	}
	if c.tls != nil {
		c.tls.Close()
		c.tls = nil
	}
	return err
}

// Exec runs one statement without arguments and lets go of it.
func (c *Conn) Exec(sql string) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	for {
		if row, err := s.Step(); err != nil || !row {
			s.Reset()
			s.Close()
			return err
		}
	}
}

// Changes is how many rows the last INSERT, UPDATE or DELETE touched.
func (c *Conn) Changes() int64 { return sqlite3.Xsqlite3_changes64(c.tls, c.db) }

// TotalChanges is how many rows have been touched since the connection was opened.
func (c *Conn) TotalChanges() int64 { return sqlite3.Xsqlite3_total_changes64(c.tls, c.db) }

// PagesWritten is how many pages have been written to the log or the file since it was last asked.
func (c *Conn) PagesWritten() int {
	out := libc.Xcalloc(c.tls, 2, 4)
	if out == 0 {
		return 0
	}
	defer libc.Xfree(c.tls, out)
	sqlite3.Xsqlite3_db_status(c.tls, c.db, sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, out, out+4, 1)
	return int(*(*int32)(at(out)))
}

// Checkpoint copies what is in the log to the file as far as readers let it, without waiting for anybody. It returns
// how many frames the log has; left are those that haven't been copied.
func (c *Conn) Checkpoint() (frames, left int, err error) {
	out := libc.Xcalloc(c.tls, 2, 4)
	if out == 0 {
		return 0, 0, errNoMemory
	}
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_wal_checkpoint_v2(c.tls, c.db, 0, sqlite3.SQLITE_CHECKPOINT_PASSIVE, out, out+4); rc != sqlite3.SQLITE_OK {
		return 0, 0, c.failure(rc)
	}
	frames = int(*(*int32)(at(out)))
	return frames, frames - int(*(*int32)(at(out + 4))), nil
}

// Interrupter returns a function, for any goroutine, that ends what the connection does in this turn. Done ends the turn. A statement that begins
// just then forgets that it was interrupted, so that is repeated as long as the turn lasts.
func (c *Conn) Interrupter() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	turn := c.turn
	return func() {
		for c.interrupt(turn) {
			time.Sleep(interruptAgain)
		}
	}
}

const interruptAgain = 5 * time.Millisecond

func (c *Conn) interrupt(turn uint64) (lasts bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != turn || c.db == 0 {
		return false
	}
	tls := libc.NewTLS() // the connection's own is in use
	sqlite3.Xsqlite3_interrupt(tls, c.db)
	tls.Close()
	return true
}

// Done makes the interrupters that were handed out harmless.
func (c *Conn) Done() {
	c.mu.Lock()
	c.turn++
	c.mu.Unlock()
}

func (c *Conn) failure(rc int32) error {
	e := &Error{Code: int(rc), Message: libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))}
	if c.db != 0 {
		if m := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)); m != e.Message {
			e.Message += ": " + m
		}
	}
	return e
}
