package db

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// CopyProgress is told after each table how many rows went over.
type CopyProgress func(table string, rows int64)

// Copy moves every row of a SQLite installation into an empty, migrated PostgreSQL database and then compares
// the two row by row. Nothing may write to either meanwhile. It changes nothing in the source; on an error the target is left
// as it was. Full-text indexes are not copied: their room makes them anew.
func Copy(ctx context.Context, from, to *DB, progress CopyProgress) error {
	src, ok := from.engine.(*sqliteDB)
	dst, ok2 := to.engine.(*postgresDB)
	if !ok || !ok2 {
		return errors.New("db: copies go from SQLite to PostgreSQL")
	}
	tables, err := commonTables(ctx, src, dst)
	if err != nil {
		return err
	}
	conn, err := dst.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL DEFERRED"); err != nil {
		return err
	}
	for _, t := range tables {
		var used bool
		if t.name == "nodes" { // this very program holds a number in the target
			continue
		}
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.quoted()+")").Scan(&used); err != nil {
			return err
		}
		if used {
			return fmt.Errorf("db: the target isn't empty: table %s has rows; give a new database", t.name)
		}
	}
	for _, t := range tables {
		if t.name == "nodes" {
			continue
		}
		sum, n, err := copyTable(ctx, src, tx, t)
		if err != nil {
			return fmt.Errorf("db: copy %s: %w", t.name, err)
		}
		if err := verifyTable(ctx, tx, t, sum, n); err != nil {
			return err
		}
		if progress != nil {
			progress(t.name, n)
		}
	}
	return tx.Commit(ctx)
}

type table struct {
	name    string
	columns []column
	parents []string
	key     []string
}

type column struct{ name, kind string }

func (t table) quoted() string { return pgx.Identifier{t.name}.Sanitize() }

func (t table) list() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = pgx.Identifier{c.name}.Sanitize()
	}
	return strings.Join(names, ", ")
}

// commonTables lists the target's tables, parents before children, and checks that the source has them with the same columns.
func commonTables(ctx context.Context, src *sqliteDB, dst *postgresDB) ([]table, error) {
	rows, err := dst.pool.Query(ctx, `SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE 'goose%' AND c.is_generated = 'NEVER' ORDER BY c.table_name, c.ordinal_position`)
	if err != nil {
		return nil, err
	}
	var tables []table
	var name, col, kind string
	if _, err := pgx.ForEachRow(rows, []any{&name, &col, &kind}, func() error {
		if len(tables) == 0 || tables[len(tables)-1].name != name {
			tables = append(tables, table{name: name})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, column{col, kind})
		return nil
	}); err != nil {
		return nil, err
	}
	var out []table
	for _, t := range tables {
		present, err := src.columns(ctx, t.name)
		if err != nil {
			return nil, err
		}
		if len(present) == 0 { // kept by this engine only, such as a full-text index
			continue
		}
		kept := t.columns[:0]
		for _, c := range t.columns {
			if present[c.name] {
				kept = append(kept, c)
			} else if c.kind != "tsvector" {
				return nil, fmt.Errorf("db: the source lacks %s.%s; start it once with this version, so that it migrates", t.name, c.name)
			}
		}
		t.columns = kept
		if err := dst.relations(ctx, &t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return parentsFirst(out)
}

func (s *sqliteDB) columns(ctx context.Context, name string) (map[string]bool, error) {
	// A virtual table is an index that its room makes anew; it isn't copied.
	rows, err := s.read.Query(ctx, `SELECT p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.name = $1 AND m.sql NOT LIKE 'CREATE VIRTUAL%'`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out[n] = true
	}
	return out, rows.Err()
}

func (p *postgresDB) relations(ctx context.Context, t *table) error {
	rows, err := p.pool.Query(ctx, `SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::regclass AND confrelid <> conrelid`, t.name)
	if err != nil {
		return err
	}
	if t.parents, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	rows, err = p.pool.Query(ctx, `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY array_position(i.indkey, a.attnum)`, t.name)
	if err != nil {
		return err
	}
	t.key, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(t.key) == 0 {
		return fmt.Errorf("db: table %s has no primary key, so it can't be compared", t.name)
	}
	return err
}

func parentsFirst(tables []table) ([]table, error) {
	byName, done := map[string]table{}, map[string]bool{}
	for _, t := range tables {
		byName[t.name] = t
	}
	var out []table
	var visit func(t table, depth int) error
	visit = func(t table, depth int) error {
		if done[t.name] {
			return nil
		}
		if depth > len(tables) {
			return fmt.Errorf("db: tables refer to each other in a circle at %s", t.name)
		}
		for _, p := range t.parents {
			if err := visit(byName[p], depth+1); err != nil {
				return err
			}
		}
		done[t.name] = true
		out = append(out, t)
		return nil
	}
	for _, t := range tables {
		if err := visit(t, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func copyTable(ctx context.Context, src *sqliteDB, tx pgx.Tx, t table) (sum hash.Hash, n int64, err error) {
	rows, err := src.read.Query(ctx, "SELECT "+t.list()+" FROM "+t.quoted())
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	total := newRowSum()
	source := &rowSource{next: func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		vals, err := rows.Values()
		if err != nil {
			return nil, err
		}
		for i, c := range t.columns {
			vals[i] = canonical(vals[i], c.kind)
		}
		total.add(vals)
		return vals, nil
	}}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	n, err = tx.CopyFrom(ctx, pgx.Identifier{t.name}, names, source)
	return total, n, err
}

func verifyTable(ctx context.Context, tx pgx.Tx, t table, want hash.Hash, n int64) error {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = pgx.Identifier{c.name}.Sanitize()
		if c.kind == "jsonb" {
			columns[i] += "::text" // pgx would read JSON's null as NULL
		}
	}
	rows, err := tx.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.quoted())
	if err != nil {
		return err
	}
	defer rows.Close()
	got := newRowSum()
	var m int64
	for rows.Next() {
		vals, err := rows.Values()
		if err != nil {
			return err
		}
		for i, c := range t.columns {
			vals[i] = canonical(vals[i], c.kind)
		}
		got.add(vals)
		m++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if m != n || string(got.Sum(nil)) != string(want.Sum(nil)) {
		return fmt.Errorf("db: table %s arrived differently: %d rows of %d", t.name, m, n)
	}
	return nil
}

// canonical gives a value the same Go form whichever engine it came from.
func canonical(v any, kind string) any {
	switch kind {
	case "boolean":
		if n, ok := v.(int64); ok {
			return n != 0
		}
	case "jsonb":
		var text []byte
		switch v := v.(type) {
		case string:
			text = []byte(v)
		case []byte:
			text = v
		case nil:
			return nil
		default:
			text, _ = json.Marshal(v)
		}
		// PostgreSQL orders the keys of JSONB its own way; both sides are read and written anew.
		var x any
		if err := json.Unmarshal(text, &x); err == nil {
			text, _ = json.Marshal(x)
		}
		return json.RawMessage(text)
	case "bytea":
		switch v := v.(type) {
		case string:
			return []byte(v)
		case []byte:
			if v == nil { // PostgreSQL would take it for one that is missing
				return []byte{}
			}
		}
	case "text":
		if b, ok := v.([]byte); ok {
			return string(b)
		}
	case "double precision":
		if n, ok := v.(int64); ok {
			return float64(n)
		}
	case "smallint", "integer":
		switch n := v.(type) {
		case int16:
			return int64(n)
		case int32:
			return int64(n)
		}
	case "bigint":
		if t, ok := v.(time.Time); ok {
			return t.UnixMicro()
		}
	}
	return v
}

// rowSum adds up the hashes of rows, so that two tables can be compared without sorting them.
type rowSum struct {
	hash.Hash
	total [32]byte
}

func newRowSum() *rowSum { return &rowSum{Hash: sha256.New()} }

func (s *rowSum) add(vals []any) {
	s.Hash.Reset()
	for _, v := range vals {
		var text string
		switch v := v.(type) {
		case nil:
			text = "\x00"
		case []byte:
			text = "b" + string(v)
		case json.RawMessage:
			text = "j" + string(v)
		case float64:
			text = "f" + strconv.FormatFloat(v, 'g', -1, 64)
		default:
			text = fmt.Sprintf("%T%v", v, v)
		}
		fmt.Fprintf(s.Hash, "%d:%s", len(text), text)
	}
	carry := 0
	for i, b := range s.Hash.Sum(nil) {
		carry += int(s.total[i]) + int(b)
		s.total[i] = byte(carry)
		carry >>= 8
	}
}

// Sum returns the sum over all rows.
func (s *rowSum) Sum(b []byte) []byte { return append(b, s.total[:]...) }

type rowSource struct {
	next func() ([]any, error)
	row  []any
	err  error
}

func (r *rowSource) Next() bool {
	r.row, r.err = r.next()
	return r.row != nil && r.err == nil
}
func (r *rowSource) Values() ([]any, error) { return r.row, nil }
func (r *rowSource) Err() error             { return r.err }
