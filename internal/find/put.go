package find

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"opeka/internal/db"
)

// Put makes a thing found by what e says, and by nothing else that was said before, in the caller's
// transaction. Without a change it writes nothing.
func (f *Finder) Put(ctx context.Context, tx *db.Tx, store int64, kind Kind, ref int64, e Entry) error {
	return f.PutAll(ctx, tx, []Thing{{store, kind, ref, e}})
}

const (
	insertThings = `INSERT INTO find_things AS t (store_id, kind, ref, customer_id, conversation_id, recency_at, title, subtitle, facts, before) VALUES `
	// The row's lock makes changes of one thing follow each other, so each knows what the one before it wrote.
	updateThings = ` ON CONFLICT (store_id, kind, ref) DO UPDATE SET before = t.facts, facts = excluded.facts, title = excluded.title, subtitle = excluded.subtitle,
customer_id = excluded.customer_id, conversation_id = excluded.conversation_id, recency_at = excluded.recency_at
WHERE t.facts <> excluded.facts OR t.title <> excluded.title OR t.subtitle <> excluded.subtitle
OR t.customer_id <> excluded.customer_id OR t.conversation_id <> excluded.conversation_id OR t.recency_at <> excluded.recency_at
RETURNING store_id, kind, ref, before`
	insertKeys = `INSERT INTO find_keys (store_id, field, key, day, ref, kind) VALUES `
	deleteKey  = `DELETE FROM find_keys WHERE store_id = $1 AND field = $2 AND key = $3 AND day = $4 AND ref = $5 AND kind = $6`

	maxTitle = 200
)

type thingID struct{ store, kind, ref int64 }

// PutAll is Put for a batch, with one statement to ask and one to write for many things. Of two entries of one thing the later counts.
func (f *Finder) PutAll(ctx context.Context, tx *db.Tx, things []Thing) error {
	now := make(map[thingID]facts, len(things))
	latest := make(map[thingID]Thing, len(things))
	for _, t := range things {
		kind, ok := kindNumbers[t.Kind]
		if !ok {
			return fmt.Errorf("find: unknown kind %q", t.Kind)
		}
		latest[thingID{t.Store, kind, t.Ref}] = t
	}
	ids := make([]thingID, 0, len(latest))
	rows := make([][]any, 0, len(latest))
	for id := range latest {
		ids = append(ids, id)
	}
	// Always in one order, so that two batches don't wait for each other in a ring.
	slices.SortFunc(ids, func(a, b thingID) int {
		if a.store != b.store {
			return cmp.Compare(a.store, b.store)
		}
		if a.kind != b.kind {
			return cmp.Compare(a.kind, b.kind)
		}
		return cmp.Compare(a.ref, b.ref)
	})
	for _, id := range ids {
		t := latest[id]
		now[id] = factsOf(t.Entry)
		row, err := rowOf(id, t, now[id])
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	changed, err := writeThings(ctx, tx, rows)
	if err != nil {
		return err
	}
	var added [][]any
	words := map[int64][]word{}
	for _, c := range changed {
		next := now[c.id]
		fresh, gone, err := difference(c.id.kind, c.before, next)
		if err != nil {
			return err
		}
		for _, k := range gone {
			tx.Defer(deleteKey, c.id.store, int64(k.field), k.text, k.day, c.id.ref, c.id.kind)
		}
		for _, k := range fresh {
			added = append(added, []any{c.id.store, int64(k.field), k.text, k.day, c.id.ref, c.id.kind})
		}
		for _, name := range next.Names {
			words[c.id.store] = append(words[c.id.store], wordsOf(name)...)
		}
	}
	deferRows(tx, insertKeys, ` ON CONFLICT DO NOTHING`, added)
	for store, ws := range words {
		f.learn(tx, store, ws)
	}
	return nil
}

// Add is Put for a thing that the caller has made in this very transaction, and puts only once in
// it: nothing is asked, all is written with the commit. What has no key, such as a visitor who hasn't said his name, isn't written at all.
func (f *Finder) Add(tx *db.Tx, t Thing) error {
	kind, ok := kindNumbers[t.Kind]
	if !ok {
		return fmt.Errorf("find: unknown kind %q", t.Kind)
	}
	now := factsOf(t.Entry)
	keys := now.keys(kind)
	if len(keys) == 0 {
		return nil
	}
	row, err := rowOf(thingID{t.Store, kind, t.Ref}, t, now)
	if err != nil {
		return err
	}
	deferRows(tx, insertThings, ` ON CONFLICT DO NOTHING`, [][]any{row})
	var added [][]any
	for _, k := range keys {
		added = append(added, []any{t.Store, int64(k.field), k.text, now.Day, t.Ref, kind})
	}
	deferRows(tx, insertKeys, ` ON CONFLICT DO NOTHING`, added)
	for _, name := range now.Names {
		f.learn(tx, t.Store, wordsOf(name))
	}
	return nil
}

// rowOf is a thing as find_things keeps it.
func rowOf(id thingID, t Thing, now facts) ([]any, error) {
	encoded, err := json.Marshal(now)
	return []any{id.store, id.kind, id.ref, t.Customer, t.Conversation, t.Recency, clean(t.Title, maxTitle), clean(t.Subtitle, maxTitle), string(encoded), ""}, err
}

// Rehome says whose things are now, as when two customers turn out to be one, or not to be.
func (f *Finder) Rehome(tx *db.Tx, store int64, kind Kind, refs []int64, customer int64) {
	if len(refs) > 0 {
		tx.Defer(`UPDATE find_things SET customer_id = $1 WHERE store_id = $2 AND kind = $3 AND ref = ANY($4::bigint[])`, customer, store, kindNumbers[kind], refs)
	}
}

// Remove makes a thing found no more.
func (f *Finder) Remove(ctx context.Context, tx *db.Tx, store int64, kind Kind, ref int64) error {
	rows, err := tx.Query(ctx, `DELETE FROM find_things WHERE store_id = $1 AND kind = $2 AND ref = $3 RETURNING facts`, store, kindNumbers[kind], ref)
	if err != nil {
		return err
	}
	before, found := "", false
	for rows.Next() {
		found = true
		if err := rows.Scan(&before); err != nil {
			rows.Close()
			return err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil || !found {
		return err
	}
	_, gone, err := difference(kindNumbers[kind], before, facts{})
	if err != nil {
		return err
	}
	for _, k := range gone {
		tx.Defer(deleteKey, store, int64(k.field), k.text, k.day, ref, kindNumbers[kind])
	}
	return nil
}

type change struct {
	id     thingID
	before string // facts; empty for what is new
}

// writeThings inserts or updates, and returns what was changed by it.
func writeThings(ctx context.Context, tx *db.Tx, rows [][]any) ([]change, error) {
	var out []change
	for _, part := range portions(rows) {
		sql, args := multiRow(insertThings, updateThings, part)
		found, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return nil, err
		}
		for found.Next() {
			var c change
			if err := found.Scan(&c.id.store, &c.id.kind, &c.id.ref, &c.before); err != nil {
				found.Close()
				return nil, err
			}
			out = append(out, c)
		}
		found.Close()
		if err := found.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type datedKey struct {
	key
	day int64
}

// difference tells which keys to write and which to take away.
func difference(kind int64, before string, next facts) (fresh, gone []datedKey, err error) {
	had := map[datedKey]bool{}
	if before != "" {
		var old facts
		if err := json.Unmarshal([]byte(before), &old); err != nil {
			return nil, nil, fmt.Errorf("find: facts: %w", err)
		}
		for _, k := range old.keys(kind) {
			had[datedKey{k, old.Day}] = true
		}
	}
	for _, k := range next.keys(kind) {
		k := datedKey{k, next.Day}
		if !had[k] {
			fresh = append(fresh, k)
		}
		delete(had, k)
	}
	for k := range had {
		gone = append(gone, k)
	}
	return fresh, gone, nil
}

// maxPortion is how many rows go into one statement. Portions are powers of two, so that there are few texts to prepare.
const maxPortion = 32

func portions(rows [][]any) [][][]any {
	var out [][][]any
	for size := maxPortion; len(rows) > 0; {
		for size > len(rows) {
			size /= 2
		}
		out, rows = append(out, rows[:size]), rows[size:]
	}
	return out
}

func deferRows(tx *db.Tx, head, tail string, rows [][]any) {
	for _, part := range portions(rows) {
		sql, args := multiRow(head, tail, part)
		tx.Defer(sql, args...)
	}
}

func multiRow(head, tail string, rows [][]any) (string, []any) {
	var b strings.Builder
	b.WriteString(head)
	var args []any
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j := range row {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(len(args) + j + 1))
		}
		b.WriteByte(')')
		args = append(args, row...)
	}
	b.WriteString(tail)
	return b.String(), args
}
