package lite

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// gathered keeps together what SQLite writes to its log: for each page that a commit has changed a header of 24 bytes and the page, each by
// a call of the system, which were a fifth of what a message cost. They lie one behind the other, so one call does for all.
//
// That is safe because whatever else is done with the file comes after what is kept here: the sync with which a commit ends, and without which no
// other connection is told of its pages, writes it out first.
type gathered struct {
	tls      *libc.TLS
	file     uintptr
	was      *sqlite3.Tsqlite3_io_methods
	methods  uintptr // a copy of was, with our own functions
	kept     uintptr
	n        int
	begins   int64 // where kept belongs
	unsynced bool  // what a commit writes needn't be on disk when it ends
	funcs    []any // SQLite calls them; the collector doesn't see that
}

// SQLite writes less than 128 KB at once.
const mostKept = 127 << 10

// What SQLite's methods of files look like here.
type (
	fileWrite = func(tls *libc.TLS, file, p uintptr, n int32, off int64) int32 // and xRead
	fileSync  = func(tls *libc.TLS, file uintptr, flags int32) int32
	fileCut   = func(tls *libc.TLS, file uintptr, size int64) int32
)

// GatherLog makes the connection write its log in large pieces. The connection must be in WAL mode, with synchronous = FULL.
func (c *Conn) GatherLog() error {
	if err := c.Exec("SELECT 1 FROM sqlite_schema"); err != nil { // opens the log
		return err
	}
	name, err := libc.CString("main")
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	out := libc.Xcalloc(c.tls, 1, pointerSize)
	if out == 0 {
		return errNoMemory
	}
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_file_control(c.tls, c.db, name, sqlite3.SQLITE_FCNTL_JOURNAL_POINTER, out); rc != sqlite3.SQLITE_OK {
		return c.failure(rc)
	}
	g := &gathered{tls: c.tls, file: *(*uintptr)(at(out))}
	methods := *(*uintptr)(at(g.file)) // a file begins with them
	if methods == 0 {
		return fmt.Errorf("sqlite: the log isn't open")
	}
	g.was = (*sqlite3.Tsqlite3_io_methods)(at(methods))
	g.methods = libc.Xmalloc(c.tls, types.Size_t(unsafe.Sizeof(*g.was)))
	g.kept = libc.Xmalloc(c.tls, mostKept)
	if g.methods == 0 || g.kept == 0 {
		g.free()
		return errNoMemory
	}
	own := (*sqlite3.Tsqlite3_io_methods)(at(g.methods))
	*own = *g.was
	own.FxWrite = method(g, fileWrite(g.write))
	own.FxRead = method(g, func(tls *libc.TLS, file, p uintptr, n int32, off int64) int32 {
		if rc := g.flush(); rc != sqlite3.SQLITE_OK {
			return rc
		}
		return original[fileWrite](g.was.FxRead)(tls, file, p, n, off)
	})
	own.FxSync = method(g, fileSync(func(tls *libc.TLS, file uintptr, flags int32) int32 {
		// The head of a log that begins anew must be on disk before anything that follows it.
		head := g.n > 0 && g.begins == 0
		if rc := g.flush(); rc != sqlite3.SQLITE_OK || g.unsynced && !head {
			return rc
		}
		return original[fileSync](g.was.FxSync)(tls, file, flags)
	}))
	own.FxTruncate = method(g, fileCut(func(tls *libc.TLS, file uintptr, size int64) int32 {
		if rc := g.flush(); rc != sqlite3.SQLITE_OK {
			return rc
		}
		return original[fileCut](g.was.FxTruncate)(tls, file, size)
	}))
	*(*uintptr)(at(g.file)) = g.methods
	c.log = g
	return nil
}

// Unsynced runs a commit that doesn't wait for the disk: other connections see it, and whoever syncs the log's file afterwards makes it last.
func (c *Conn) Unsynced(commit func() error) error {
	c.log.unsynced = true
	defer func() { c.log.unsynced = false }()
	return commit()
}

// method is a Go function as SQLite holds it.
func method[F any](g *gathered, f F) uintptr {
	g.funcs = append(g.funcs, &f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

// original is one of SQLite's own functions.
func original[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func (g *gathered) write(tls *libc.TLS, file, p uintptr, n int32, off int64) int32 {
	if g.n > 0 && (off != g.begins+int64(g.n) || g.n+int(n) > mostKept) {
		if rc := g.flush(); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	if n > mostKept {
		return original[fileWrite](g.was.FxWrite)(tls, file, p, n, off)
	}
	if g.n == 0 {
		g.begins = off
	}
	copy(unsafe.Slice((*byte)(at(g.kept+uintptr(g.n))), n), unsafe.Slice((*byte)(at(p)), n))
	g.n += int(n)
	return sqlite3.SQLITE_OK
}

// flush writes out what is kept. What fails to be written fails the commit that wanted it.
func (g *gathered) flush() int32 {
	n := g.n
	if g.n = 0; n == 0 {
		return sqlite3.SQLITE_OK
	}
	return original[fileWrite](g.was.FxWrite)(g.tls, g.file, g.kept, int32(n), g.begins)
}

func (g *gathered) free() {
	libc.Xfree(g.tls, g.methods)
	libc.Xfree(g.tls, g.kept)
}
