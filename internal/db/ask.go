package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Ask is a small question, which an index answers at once.
type Ask struct {
	SQL  string
	Args []any
	Read func(rows pgx.Rows) error // may run again, and must be as quick
}

// AskRow is a question for one row; without one the answer is ErrNoRows.
func AskRow(scan func(row interface{ Scan(...any) error }) error, sql string, args ...any) Ask {
	return Ask{sql, args, func(rows pgx.Rows) error {
		if rows.Next() {
			return scan(rows)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}}
}

// Answer asks all of it. On PostgreSQL, outside of a transaction, that is one round trip, which callers who come at once share: small
// questions cost less than the way to the database and back.
func Answer(ctx context.Context, q Querier, asks ...Ask) error {
	if a, ok := q.(*asker); ok {
		return a.answer(ctx, asks)
	}
	for _, ask := range asks {
		rows, err := q.Query(ctx, ask.SQL, ask.Args...)
		if err != nil {
			return err
		}
		if err := ask.read(rows); err != nil {
			return err
		}
	}
	return nil
}

func (a Ask) read(rows pgx.Rows) (err error) {
	defer rows.Close()
	defer func() {
		if r := recover(); r != nil { // others' questions are read here too
			err = fmt.Errorf("db: panic while reading: %v\n%s", r, stack())
		}
	}()
	if err := a.Read(rows); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// asker is PostgreSQL's pool for reading.
type asker struct {
	*pgxpool.Pool
	line line[*asking]
}

type asking struct {
	asks []Ask
	err  error // of what was read, not of the database
}

const (
	askers     = 2 // with more of them fewer questions would share a way
	answeredIn = 30 * time.Second
)

func newAsker(pool *pgxpool.Pool) *asker {
	a := &asker{Pool: pool}
	a.line.leaders, a.line.do = askers, a.together
	return a
}

func (a *asker) answer(ctx context.Context, asks []Ask) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Others may wait for the answer too: a caller that goes away doesn't take it from them.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), answeredIn)
	defer cancel()
	w := &asking{asks: asks}
	err := a.line.call(whole, w)
	if err == errAlone {
		err = a.ask(ctx, []*asking{w})
	}
	if err != nil {
		return err
	}
	return w.err
}

func (a *asker) together(ctx context.Context, works []*asking) error {
	err := a.ask(ctx, works)
	if err != nil && len(works) > 1 {
		return errAlone
	}
	return err
}

func (a *asker) ask(ctx context.Context, works []*asking) error {
	b := &pgx.Batch{}
	for _, w := range works {
		w.err = nil
		for _, ask := range w.asks {
			b.Queue(ask.SQL, ask.Args...)
		}
	}
	conn, err := a.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	results := conn.SendBatch(ctx, b)
	for _, w := range works {
		for _, ask := range w.asks {
			rows, err := results.Query()
			if err != nil {
				_ = results.Close()
				return err
			}
			if err := ask.read(rows); err != nil && w.err == nil {
				w.err = err
			}
			if err := rows.Err(); err != nil { // the database's: what comes behind it isn't answered
				_ = results.Close()
				return err
			}
		}
	}
	return results.Close()
}
