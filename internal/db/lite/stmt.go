package lite

import (
	"errors"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// Stmt is a prepared statement: Bind its arguments, Step through its rows, Reset it for the next time.
type Stmt struct {
	c *Conn
	p uintptr
	// Texts and blobs lie in here while the statement runs; SQLite doesn't copy them. What finds no place gets one of its own, until the reset.
	room       uintptr
	size, used int
	extra      []uintptr
	wanted     int // bytes that this run needed, for the next one
}

// mostRoom is how much room a statement keeps for its arguments between two runs.
const mostRoom = 16 << 10

var errNoMemory = errors.New("sqlite: out of memory")

// Prepare compiles one statement.
func (c *Conn) Prepare(sql string) (*Stmt, error) {
	text, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	out := libc.Xcalloc(c.tls, 1, pointerSize)
	if out == 0 {
		return nil, errNoMemory
	}
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, out, 0); rc != sqlite3.SQLITE_OK {
		return nil, c.failure(rc)
	}
	s := &Stmt{c: c, p: *(*uintptr)(at(out))}
	if s.p == 0 {
		return nil, errors.New("sqlite: no statement")
	}
	return s, nil
}

// Close frees the statement.
func (s *Stmt) Close() {
	sqlite3.Xsqlite3_finalize(s.c.tls, s.p)
	for _, p := range s.extra {
		libc.Xfree(s.c.tls, p)
	}
	if s.room != 0 {
		libc.Xfree(s.c.tls, s.room)
	}
	*s = Stmt{}
}

// Step goes to the next row and tells whether there is one.
func (s *Stmt) Step() (row bool, err error) {
	switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.failure(rc)
	}
}

// Reset readies the statement for its next arguments. What Step has failed with it doesn't tell again.
func (s *Stmt) Reset() {
	sqlite3.Xsqlite3_reset(s.c.tls, s.p)
	for _, p := range s.extra {
		libc.Xfree(s.c.tls, p)
	}
	s.extra = s.extra[:0]
	if want := min(s.wanted, mostRoom); want > s.size {
		if s.room != 0 {
			libc.Xfree(s.c.tls, s.room)
		}
		if s.room = libc.Xmalloc(s.c.tls, types.Size_t(want)); s.room != 0 {
			s.size = want
		} else {
			s.size = 0
		}
	}
	s.used, s.wanted = 0, 0
}

// place returns where n bytes of an argument may lie, or 0 when there is no memory.
func (s *Stmt) place(n int) uintptr {
	n = max(n, 1) // an empty text isn't NULL
	s.wanted += n
	if s.used+n <= s.size {
		p := s.room + uintptr(s.used)
		s.used += n
		return p
	}
	p := libc.Xmalloc(s.c.tls, types.Size_t(n))
	if p != 0 {
		s.extra = append(s.extra, p)
	}
	return p
}

// Arguments are numbered from 1.

// BindNull binds NULL.
func (s *Stmt) BindNull(n int) error {
	return s.bound(sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, int32(n)))
}

// BindInt binds an integer.
func (s *Stmt) BindInt(n int, v int64) error {
	return s.bound(sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, int32(n), v))
}

// BindBool binds 1 or 0.
func (s *Stmt) BindBool(n int, v bool) error {
	var one int64
	if v {
		one = 1
	}
	return s.BindInt(n, one)
}

// BindFloat binds a number.
func (s *Stmt) BindFloat(n int, v float64) error {
	return s.bound(sqlite3.Xsqlite3_bind_double(s.c.tls, s.p, int32(n), v))
}

// BindText binds a text in UTF-8.
func (s *Stmt) BindText(n int, v string) error {
	p := s.place(len(v))
	if p == 0 {
		return errNoMemory
	}
	copy(unsafe.Slice((*byte)(at(p)), len(v)), v)
	return s.bound(sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, int32(n), p, int32(len(v)), 0))
}

// BindTextBytes is BindText for a text that is at hand as bytes.
func (s *Stmt) BindTextBytes(n int, v []byte) error {
	return s.BindText(n, unsafe.String(unsafe.SliceData(v), len(v)))
}

// BindBlob binds bytes; nil is NULL.
func (s *Stmt) BindBlob(n int, v []byte) error {
	if v == nil {
		return s.BindNull(n)
	}
	p := s.place(len(v))
	if p == 0 {
		return errNoMemory
	}
	copy(unsafe.Slice((*byte)(at(p)), len(v)), v)
	return s.bound(sqlite3.Xsqlite3_bind_blob(s.c.tls, s.p, int32(n), p, int32(len(v)), 0))
}

func (s *Stmt) bound(rc int32) error {
	if rc != sqlite3.SQLITE_OK {
		return s.c.failure(rc)
	}
	return nil
}

// Arguments tells how many there must be.
func (s *Stmt) Arguments() int { return int(sqlite3.Xsqlite3_bind_parameter_count(s.c.tls, s.p)) }

// Columns tells how many a row has.
func (s *Stmt) Columns() int { return int(sqlite3.Xsqlite3_column_count(s.c.tls, s.p)) }

// Name is the name of a column, from 0.
func (s *Stmt) Name(n int) string {
	return libc.GoString(sqlite3.Xsqlite3_column_name(s.c.tls, s.p, int32(n)))
}
