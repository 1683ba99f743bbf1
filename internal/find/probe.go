package find

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"opeka/internal/db"
)

// The probes: each reads a range of an index, and of it so many rows that it costs the same in a small store and a large one.
const (
	perWord  = 40  // newest things of a word
	perRange = 200 // of numbers, e-mails, phones that begin or end so
	perPairs = 2000
	maxWays  = 32 // words that are followed at once
)

type storeWord struct {
	store int64
	word  string
}

// trace is where a key led.
type trace struct {
	id  thingID
	key string
	day int64
}

// above is greater than all texts that begin with s.
func above(s string) string { return s + "\U0010FFFF" }

func (f *Finder) wordsByKey(ctx context.Context, stores []int64, form int64, keys []string) ([]storeWord, error) {
	return f.words(ctx, `SELECT store_id, word FROM find_words WHERE store_id = ANY($1::bigint[]) AND form = $2 AND key = ANY($3::text[]) LIMIT 300`, stores, form, keys)
}

func (f *Finder) wordsBeginning(ctx context.Context, stores []int64, form int64, beginning string) ([]storeWord, error) {
	return f.words(ctx, `SELECT store_id, word FROM find_words WHERE store_id = ANY($1::bigint[]) AND form = $2 AND key >= $3 AND key < $4 LIMIT 200`, stores, form, beginning, above(beginning))
}

func (f *Finder) words(ctx context.Context, sql string, args ...any) ([]storeWord, error) {
	rows, err := f.db.Read().Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (w storeWord, err error) { return w, r.Scan(&w.store, &w.word) })
}

// way is a key that is followed.
type way struct {
	field field
	store int64
	key   string
}

// newest gives the newest things that have each of the keys.
func (f *Finder) newest(ctx context.Context, kinds []int64, ways []way) ([]trace, error) {
	return f.union(ctx, kinds, ways, ` AND key = $%d`, func(key string) []any { return []any{key} }, perWord)
}

// beginningAny gives things with a key that begins like one of the ways.
func (f *Finder) beginningAny(ctx context.Context, kinds []int64, ways []way) ([]trace, error) {
	return f.union(ctx, kinds, ways, ` AND key >= $%d AND key < $%d`, func(key string) []any { return []any{key, above(key)} }, perRange)
}

// union asks for several keys in one statement, each with a limit of its own. The number of its
// branches is a power of two, so that there are few texts to prepare; the rest of them find nothing.
func (f *Finder) union(ctx context.Context, kinds []int64, ways []way, condition string, bounds func(key string) []any, limit int) ([]trace, error) {
	if len(ways) == 0 {
		return nil, nil
	}
	branches := 1
	for branches < len(ways) {
		branches *= 2
	}
	args := []any{kinds}
	var b strings.Builder
	for i := range branches {
		var w way
		if i < len(ways) {
			w = ways[i]
		}
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		n := len(args)
		args = append(append(args, w.store, int64(w.field)), bounds(w.key)...)
		numbers := make([]any, 0, 2)
		for j := n + 3; j <= len(args); j++ {
			numbers = append(numbers, j)
		}
		fmt.Fprintf(&b, `SELECT * FROM (SELECT store_id, kind, ref, key, day FROM find_keys WHERE store_id = $%d AND field = $%d`, n+1, n+2)
		fmt.Fprintf(&b, condition, numbers...)
		fmt.Fprintf(&b, ` AND kind = ANY($1::bigint[]) ORDER BY day DESC, ref DESC LIMIT %d) AS w%d`, limit, i)
	}
	return f.traces(ctx, b.String(), args...)
}

// exactly gives what has one of the keys.
func (f *Finder) exactly(ctx context.Context, stores, kinds []int64, fd field, keys []string, limit int) ([]trace, error) {
	// The inner limit bounds what is read, the outer order is that of the newest among it.
	return f.traces(ctx, `SELECT store_id, kind, ref, key, day FROM (
SELECT store_id, kind, ref, key, day FROM find_keys WHERE store_id = ANY($1::bigint[]) AND field = $2 AND key = ANY($3::text[]) AND kind = ANY($4::bigint[]) LIMIT $5) AS k
ORDER BY day DESC, ref DESC LIMIT 200`, stores, int64(fd), keys, kinds, int64(limit))
}

// beginning gives what has a key that begins so.
func (f *Finder) beginning(ctx context.Context, stores, kinds []int64, fd field, beginning string, limit int) ([]trace, error) {
	return f.traces(ctx, `SELECT store_id, kind, ref, key, day FROM find_keys
WHERE store_id = ANY($1::bigint[]) AND field = $2 AND key >= $3 AND key < $4 AND kind = ANY($5::bigint[]) LIMIT $6`, stores, int64(fd), beginning, above(beginning), kinds, int64(limit))
}

func (f *Finder) traces(ctx context.Context, sql string, args ...any) ([]trace, error) {
	rows, err := f.db.Read().Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (t trace, err error) {
		return t, r.Scan(&t.id.store, &t.id.kind, &t.id.ref, &t.key, &t.day)
	})
}

// thing is a row of find_things.
type thing struct {
	id                     thingID
	customer, conversation int64
	recency                db.Time
	title, subtitle, facts string
}

const thingColumns = `store_id, kind, ref, customer_id, conversation_id, recency_at, title, subtitle, facts`

// things reads what the traces led to.
func (f *Finder) things(ctx context.Context, ids []thingID) ([]thing, error) {
	byStore := map[int64][]int64{}
	for _, id := range ids {
		byStore[id.store] = append(byStore[id.store], id.ref)
	}
	var out []thing
	for store, refs := range byStore {
		found, err := f.load(ctx, `SELECT `+thingColumns+` FROM find_things WHERE store_id = $1 AND kind = ANY($2::bigint[]) AND ref = ANY($3::bigint[])`, store, allKinds, refs)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// ordersOf gives a customer's newest orders.
func (f *Finder) ordersOf(ctx context.Context, store, customer int64, limit int) ([]thing, error) {
	return f.load(ctx, `SELECT `+thingColumns+` FROM find_things
WHERE store_id = $1 AND kind = 2 AND customer_id > 0 AND customer_id = $2 ORDER BY recency_at DESC LIMIT $3`, store, customer, int64(limit))
}

func (f *Finder) load(ctx context.Context, sql string, args ...any) ([]thing, error) {
	rows, err := f.db.Read().Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (t thing, err error) {
		return t, r.Scan(&t.id.store, &t.id.kind, &t.id.ref, &t.customer, &t.conversation, &t.recency, &t.title, &t.subtitle, &t.facts)
	})
}
