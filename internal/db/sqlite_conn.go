package db

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"opeka/internal/db/lite"
)

// sqliteConn is a connection with its prepared statements, by the texts that were written for PostgreSQL. Not safe for concurrent use.
type sqliteConn struct {
	lite  *lite.Conn
	stmts map[string]*sqliteStmt
}

// sqliteStmt is a prepared statement; args tells which argument stands at each question mark.
type sqliteStmt struct {
	*lite.Stmt
	args []int
	busy bool // its rows are being read
	once bool // not in the cache: it is closed after its use
}

const maxStmts = 1000 // filters written by hand make many texts; past this the cache starts anew

func openConn(path string, pragmas ...string) (*sqliteConn, error) {
	c, err := lite.Open(path, pragmas...)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{lite: c, stmts: map[string]*sqliteStmt{}}, nil
}

func (c *sqliteConn) close() error {
	c.forget()
	return c.lite.Close()
}

// forget closes every cached statement; one that is in use closes itself.
func (c *sqliteConn) forget() {
	for _, st := range c.stmts {
		if st.once = true; !st.busy {
			st.Close()
		}
	}
	clear(c.stmts)
}

// prepare returns the statement with its arguments bound. done must be called on it.
func (c *sqliteConn) prepare(q string, args []any) (*sqliteStmt, error) {
	st := c.stmts[q]
	if st == nil || st.busy {
		s := rewrite(q)
		l, err := c.lite.Prepare(s.sql)
		if err != nil {
			return nil, fmt.Errorf("db: %w in: %s", err, s.sql)
		}
		fresh := &sqliteStmt{Stmt: l, args: s.args, once: st != nil}
		if st == nil {
			if len(c.stmts) >= maxStmts {
				c.forget()
			}
			c.stmts[q] = fresh
		}
		st = fresh
	}
	st.busy = true
	for i, n := range st.args {
		if n >= len(args) {
			st.done()
			return nil, fmt.Errorf("db: statement wants argument $%d, got %d: %s", n+1, len(args), q)
		}
		if err := st.bind(i+1, args[n]); err != nil {
			st.done()
			return nil, fmt.Errorf("db: argument $%d: %w in: %s", n+1, err, q)
		}
	}
	return st, nil
}

func (st *sqliteStmt) done() {
	st.Reset()
	if st.busy = false; st.once {
		st.Close()
	}
}

// bind hands SQLite an argument; a slice becomes a JSON array for json_each.
func (st *sqliteStmt) bind(n int, v any) error {
	switch v := v.(type) {
	case nil:
		return st.BindNull(n)
	case int64:
		return st.BindInt(n, v)
	case string:
		return st.BindText(n, v)
	case Time:
		return st.BindInt(n, int64(v))
	case bool:
		return st.BindBool(n, v)
	case int:
		return st.BindInt(n, int64(v))
	case float64:
		return st.BindFloat(n, v)
	case []byte:
		return st.BindBlob(n, v)
	case json.RawMessage:
		return st.BindTextBytes(n, v)
	case []int64:
		return st.BindTextBytes(n, intsJSON(v))
	case driver.Valuer:
		plain, err := v.Value()
		if err != nil {
			return err
		}
		return st.bind(n, plain)
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer:
		if rv.IsNil() {
			return st.BindNull(n)
		}
		return st.bind(n, rv.Elem().Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return st.BindInt(n, rv.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return st.BindInt(n, int64(rv.Uint()))
	case reflect.Float32:
		return st.BindFloat(n, rv.Float())
	case reflect.Bool:
		return st.BindBool(n, rv.Bool())
	case reflect.String:
		return st.BindText(n, rv.String())
	case reflect.Slice:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return st.BindBlob(n, rv.Bytes())
		}
		text, err := sliceJSON(rv)
		if err != nil {
			return err
		}
		return st.BindTextBytes(n, text)
	}
	return fmt.Errorf("%T has no form in SQLite", v)
}

func intsJSON(v []int64) []byte {
	out := append(make([]byte, 0, 2+16*len(v)), '[')
	for i, n := range v {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, n, 10)
	}
	return append(out, ']')
}

func sliceJSON(v reflect.Value) ([]byte, error) {
	if v.Len() == 0 {
		return []byte("[]"), nil
	}
	if v.Type().Elem() == reflect.TypeFor[Time]() { // whose own JSON is a date
		ints := make([]int64, v.Len())
		for i := range ints {
			ints[i] = v.Index(i).Int()
		}
		return intsJSON(ints), nil
	}
	return json.Marshal(v.Interface())
}

func (c *sqliteConn) exec(q string, args []any) (pgconn.CommandTag, error) {
	st, err := c.prepare(q, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer st.done()
	for {
		if row, err := st.Step(); err != nil {
			return pgconn.CommandTag{}, err
		} else if !row {
			return affected(c.lite.Changes()), nil
		}
	}
}

func (c *sqliteConn) query(q string, args []any) (*sqliteRows, error) {
	st, err := c.prepare(q, args)
	if err != nil {
		return nil, err
	}
	r := &sqliteRows{st: st, first: true}
	// The first step is taken now: a statement that writes has written when Query returns.
	if r.row, err = st.Step(); err != nil {
		st.done()
		return nil, err
	}
	return r, nil
}

// Exec implements Querier.
func (c *sqliteConn) Exec(_ context.Context, q string, args ...any) (pgconn.CommandTag, error) {
	return c.exec(q, args)
}

// Query implements Querier.
func (c *sqliteConn) Query(_ context.Context, q string, args ...any) (pgx.Rows, error) {
	rows, err := c.query(q, args)
	if err != nil {
		return nil, err // not a nil pointer in an interface
	}
	return rows, nil
}

// QueryRow implements Querier.
func (c *sqliteConn) QueryRow(ctx context.Context, q string, args ...any) pgx.Row {
	rows, err := c.Query(ctx, q, args...)
	return &oneRow{rows: rows, err: err}
}

var tags = func() (out [64]pgconn.CommandTag) {
	for n := range out {
		out[n] = pgconn.NewCommandTag("UPDATE " + strconv.Itoa(n))
	}
	return out
}()

// affected is the tag of a change of n rows.
func affected(n int64) pgconn.CommandTag {
	if n < int64(len(tags)) {
		return tags[n]
	}
	return pgconn.NewCommandTag("UPDATE " + strconv.FormatInt(n, 10))
}

// sqliteRows are the rows of a statement with the methods of pgx.Rows that sqlc and pgx.CollectRows use.
type sqliteRows struct {
	st         *sqliteStmt
	first, row bool // the step to the first row has been taken, and whether there is one
	closed     bool
	err        error
	failed     func(error) error // what the reader makes of an error; may be nil
	release    func()            // gives the connection back; may be nil
}

// Next implements pgx.Rows.
func (r *sqliteRows) Next() bool {
	if r.closed {
		return false
	}
	if r.first {
		r.first = false
	} else if r.row, r.err = r.st.Step(); r.err != nil && r.failed != nil {
		r.err = r.failed(r.err)
	}
	if !r.row {
		r.Close()
	}
	return r.row
}

// Close implements pgx.Rows.
func (r *sqliteRows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.st.done()
	if r.release != nil {
		r.release()
	}
}

// Scan implements pgx.Rows.
func (r *sqliteRows) Scan(dest ...any) error {
	if len(dest) == 1 {
		if s, ok := dest[0].(pgx.RowScanner); ok {
			return s.ScanRow(r)
		}
	}
	if r.closed || r.first {
		return fmt.Errorf("db: Scan without Next")
	}
	if n := r.st.Columns(); n != len(dest) {
		return fmt.Errorf("db: %d columns for %d destinations", n, len(dest))
	}
	for i, d := range dest {
		switch t := d.(type) {
		case *Time:
			d = (*int64)(t)
		case *json.RawMessage:
			d = (*[]byte)(t)
		}
		if err := r.st.Scan(i, d); err != nil {
			return err
		}
	}
	return nil
}

// Values implements pgx.Rows.
func (r *sqliteRows) Values() ([]any, error) {
	if r.closed || r.first {
		return nil, fmt.Errorf("db: Values without Next")
	}
	out := make([]any, r.st.Columns())
	for i := range out {
		out[i] = r.st.Value(i)
	}
	return out, nil
}

// FieldDescriptions names the columns; the types aren't known.
func (r *sqliteRows) FieldDescriptions() []pgconn.FieldDescription {
	if r.closed {
		return nil
	}
	out := make([]pgconn.FieldDescription, r.st.Columns())
	for i := range out {
		out[i].Name = r.st.Name(i)
	}
	return out
}

// Err implements pgx.Rows; the methods below are there for its sake.
func (r *sqliteRows) Err() error                    { return r.err }
func (r *sqliteRows) CommandTag() pgconn.CommandTag { return pgconn.CommandTag{} }
func (r *sqliteRows) RawValues() [][]byte           { return nil }
func (r *sqliteRows) Conn() *pgx.Conn               { return nil }
func (r *sqliteRows) TypeMap() *pgtype.Map          { return nil }

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
	return r.rows.Scan(dest...)
}
