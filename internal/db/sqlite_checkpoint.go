package db

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"

	"opeka/internal/db/lite"
)

// checkpointer copies the log of writes into the file beside the writer, who would otherwise stop for it: some hundred pages here and there, and
// two fsyncs. The log begins anew only when all of it has been copied and nobody writes; where writers never rest, the writer does the last bit itself.
type checkpointer struct {
	path    string
	pragmas []string
	log     *slog.Logger
	written int // pages since the last time; the writer's
	wake    chan struct{}
	long    atomic.Bool // the log has grown: the writer is to finish the copying
	done    sync.WaitGroup
}

const (
	copyAfter   = 2_000  // pages of log
	finishAfter = 12_000 // about 48 MB
)

func newCheckpointer(path string, pragmas []string, log *slog.Logger) *checkpointer {
	c := &checkpointer{path: path, pragmas: pragmas, log: log, wake: make(chan struct{}, 1)}
	c.done.Go(c.loop)
	return c
}

// after is called by the writer between two batches.
func (c *checkpointer) after(writer *lite.Conn) {
	if c.written += writer.PagesWritten(); c.written < copyAfter {
		return
	}
	c.written = 0
	if c.long.CompareAndSwap(true, false) {
		if _, _, err := writer.Checkpoint(); err != nil && !busy(err) {
			c.log.Error("the log of the database couldn't be copied into it", "err", err)
		}
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) loop() {
	var conn *lite.Conn
	for range c.wake {
		var err error
		if conn == nil {
			if conn, err = lite.Open(c.path, c.pragmas...); err != nil {
				c.log.Error("the log of the database couldn't be copied into it", "err", err)
				continue
			}
		}
		frames, _, err := conn.Checkpoint()
		if err != nil && !busy(err) {
			c.log.Error("the log of the database couldn't be copied into it", "err", err)
		}
		c.long.Store(frames > finishAfter)
	}
	if conn != nil {
		_ = conn.Close()
	}
}

func (c *checkpointer) close() {
	close(c.wake)
	c.done.Wait()
}

// busy tells that another connection is copying.
func busy(err error) bool {
	e := (*lite.Error)(nil)
	return errors.As(err, &e) && e.Code&0xff == sqlite3.SQLITE_BUSY
}
