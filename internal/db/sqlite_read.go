package db

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sqliteReader is the pool of read-only connections. The one that was used last is used next: its pages are warm.
type sqliteReader struct {
	path    string
	pragmas []string
	places  chan struct{} // one for each connection in use
	mu      sync.Mutex
	free    []*sqliteConn
	closed  bool
}

func newReader(path string, conns int, pragmas []string) *sqliteReader {
	return &sqliteReader{path: path, pragmas: pragmas, places: make(chan struct{}, conns)}
}

var errReadsClosed = errors.New("db: closed")

func (p *sqliteReader) acquire(ctx context.Context) (*sqliteConn, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	closed, n := p.closed, len(p.free)
	var c *sqliteConn
	if n > 0 && !closed {
		c, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	err := errReadsClosed
	if !closed {
		if c, err = openConn(p.path, p.pragmas...); err == nil {
			return c, nil
		}
	}
	<-p.places
	return nil, err
}

func (p *sqliteReader) release(c *sqliteConn) {
	p.mu.Lock()
	if p.closed {
		_ = c.close()
	} else {
		p.free = append(p.free, c)
	}
	p.mu.Unlock()
	<-p.places
}

// close closes the connections; those in use when they are given back.
func (p *sqliteReader) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var err error
	for _, c := range p.free {
		err = errors.Join(err, c.close())
	}
	p.free = nil
	return err
}

// Exec refuses: this is for reading.
func (p *sqliteReader) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("db: Read() can't write; use Write")
}

// Query implements Querier. A caller who goes away interrupts it.
func (p *sqliteReader) Query(ctx context.Context, q string, args ...any) (pgx.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, c.lite.Interrupter())
	}
	release := func() {
		stop()
		c.lite.Done()
		p.release(c)
	}
	failed := func(err error) error {
		if gone := ctx.Err(); gone != nil {
			return gone
		}
		return fmt.Errorf("db: %w", err)
	}
	rows, err := c.query(q, args)
	if err != nil {
		err = failed(err)
		release()
		return nil, err
	}
	rows.failed, rows.release = failed, release
	return rows, nil
}

// QueryRow implements Querier.
func (p *sqliteReader) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, q, args...)
	return &oneRow{rows: rows, err: err}
}
