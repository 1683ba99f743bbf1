package find

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"opeka/internal/db"
)

// bulk is the size from which the bench writes the tables directly, in the order of their keys: the
// figures sought there are those of finding.
const bulk = 200_000

// putter stores things as the rooms do.
func putter(b *testing.B, d *db.DB, f *Finder) func([]Thing) {
	return func(things []Thing) {
		if len(things) > 0 {
			put(b, d, f, things...)
		}
	}
}

// tables are the rows that Put would have written.
type tables struct {
	things, keys, words [][]any
	known               map[entryOfWord]bool
}

func (t *tables) add(things []Thing) {
	t.things, t.keys, t.words = t.things[:0], t.keys[:0], t.words[:0]
	for _, th := range things {
		f := factsOf(th.Entry)
		encoded, _ := json.Marshal(f)
		kind := kindNumbers[th.Kind]
		t.things = append(t.things, []any{th.Store, th.Ref, th.Customer, th.Conversation, int64(th.Recency), kind, th.Title, th.Subtitle, string(encoded), ""})
		for _, k := range f.keys(kind) {
			t.keys = append(t.keys, []any{th.Store, th.Ref, f.Day, int64(k.field), kind, k.text})
		}
		for _, n := range f.Names {
			for _, w := range wordsOf(n) {
				for _, e := range learned(w) {
					if !t.known[e] {
						t.known[e] = true
						t.words = append(t.words, []any{th.Store, e.form, e.key, e.word})
					}
				}
			}
		}
	}
	slices.SortFunc(t.keys, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[3].(int64), b[3].(int64)), cmp.Compare(a[5].(string), b[5].(string)), cmp.Compare(a[2].(int64), b[2].(int64)))
	})
	slices.SortFunc(t.things, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[5].(int64), b[5].(int64)), cmp.Compare(a[1].(int64), b[1].(int64)))
	})
	slices.SortFunc(t.words, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[1].(int64), b[1].(int64)), cmp.Compare(a[2].(string), b[2].(string)))
	})
}

var columns = map[string][]string{
	"find_things": {"store_id", "ref", "customer_id", "conversation_id", "recency_at", "kind", "title", "subtitle", "facts", "before"},
	"find_keys":   {"store_id", "ref", "day", "field", "kind", "key"},
	"find_words":  {"store_id", "form", "key", "word"},
}

// loader fills the tables; called with nothing at the end it makes them fit to be read.
func loader(b *testing.B, d *db.DB) func([]Thing) {
	t := &tables{known: map[entryOfWord]bool{}}
	open := loadSQLite
	if d.Engine == db.Postgres {
		open = loadPostgres
	}
	load, finish := open(b)
	return func(things []Thing) {
		if things == nil {
			finish()
			return
		}
		t.add(things)
		load("find_things", t.things)
		load("find_keys", t.keys)
		load("find_words", t.words)
	}
}

func loadSQLite(b *testing.B) (load func(table string, rows [][]any), finish func()) {
	c, err := sql.Open("sqlite", strings.TrimPrefix(os.Getenv("OPEKA_FIND_DB"), "sqlite:")+"?_pragma=synchronous(OFF)&_pragma=cache_size(-200000)&_pragma=busy_timeout(60000)")
	if err != nil {
		b.Fatal(err)
	}
	c.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = c.Close() })
	statements := map[string]*sql.Stmt{}
	run := func(text string, args ...any) {
		st, ok := statements[text]
		if !ok {
			if st, err = c.Prepare(text); err != nil {
				b.Fatal(err)
			}
			statements[text] = st
		}
		if _, err := st.Exec(args...); err != nil {
			b.Fatal(err)
		}
	}
	return func(table string, rows [][]any) {
		run("BEGIN")
		for _, part := range portions(rows) {
			q, args := multiRow("INSERT INTO "+table+" ("+strings.Join(columns[table], ",")+") VALUES ", "", part)
			run(strings.ReplaceAll(q, "$", "?"), args...)
		}
		run("COMMIT")
	}, func() {}
}

func loadPostgres(b *testing.B) (load func(table string, rows [][]any), finish func()) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, os.Getenv("OPEKA_FIND_DB"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close(ctx) })
	run := func(statements ...string) {
		for _, s := range statements {
			if _, err := c.Exec(ctx, s); err != nil {
				b.Fatal(s, err)
			}
		}
	}
	run(`SET synchronous_commit = off`, `SET maintenance_work_mem = '256MB'`, `ALTER TABLE find_keys DROP CONSTRAINT find_keys_pkey`, `DROP INDEX find_things_orders`)
	load = func(table string, rows [][]any) {
		if _, err := c.CopyFrom(ctx, pgx.Identifier{table}, columns[table], pgx.CopyFromRows(rows)); err != nil {
			b.Fatal(err)
		}
	}
	return load, func() {
		run(`ALTER TABLE find_keys ADD PRIMARY KEY (store_id, field, key, day, ref, kind)`,
			`CREATE INDEX find_things_orders ON find_things (store_id, customer_id, recency_at) WHERE kind = 2 AND customer_id > 0`, `VACUUM ANALYZE find_things, find_keys, find_words`)
	}
}
