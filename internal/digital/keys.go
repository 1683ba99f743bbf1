package digital

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/text"
)

// claim takes the oldest free key for a piece; 0 when there is none. Whoever pays at the same time gets the next one.
func (g *Digital) claim(ctx context.Context, tx *db.Tx, goods, piece int64) (id int64, hint string, err error) {
	// A piece that is given anew leaves the key that it had.
	if _, err := tx.Exec(ctx, `UPDATE digital_keys SET piece_id = 0 WHERE piece_id = $1 AND piece_id <> 0 AND state = 'withdrawn'`, piece); err != nil {
		return 0, "", err
	}
	err = tx.QueryRow(ctx, `UPDATE digital_keys SET state = 'given', piece_id = $1, given_at = $2
WHERE id = (SELECT id FROM digital_keys WHERE goods_id = $3 AND state = 'free' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) AND state = 'free' RETURNING id, hint`, piece, db.At(tx.Now), goods).Scan(&id, &hint)
	if !errors.Is(err, db.ErrNoRows) {
		return id, hint, err
	}
	// Those that somebody else has just taken in hand may come back yet: then this is to be looked at again, not called short.
	var free int64
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT id FROM digital_keys WHERE goods_id = $1 AND state = 'free' LIMIT 1) AS few`, goods).Scan(&free); err != nil {
		return 0, "", err
	}
	if free > 0 {
		return 0, "", errBusy
	}
	return 0, "", nil
}

var errBusy = job.After(time.Second, errors.New("digital: the last keys are in somebody’s hands"))

// low tells once, when the stock falls to the mark.
func (g *Digital) low(ctx context.Context, tx *db.Tx, goods int64) error {
	var store, variant, mark, free int64
	err := tx.QueryRow(ctx, `SELECT store_id, variant_id, low_water, (SELECT count(*) FROM digital_keys k WHERE k.goods_id = g.id AND k.state = 'free') FROM digital_goods g WHERE id = $1`, goods).Scan(&store, &variant, &mark, &free)
	if err == nil && mark > 0 && free == mark-1 {
		tx.Emit(db.Event{Store: store, Type: care.EventKeysLow, Subject: goods, Payload: care.KeysEvent{Goods: goods, Variant: variant, Free: free}})
	}
	return err
}

const (
	maxKey  = 1000
	maxRows = 20_000
	// MaxKeysBytes bounds a file of keys.
	MaxKeysBytes = 4 << 20
)

// KeyFile is keys to take in: one in the first column of each row, a heading is recognised.
type KeyFile struct {
	CSV    string `json:"csv" maxLength:"4000000"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// KeyRow is a row that isn't taken in, and why.
type KeyRow struct {
	Row  int    `json:"row" doc:"As the file counts, from 1"`
	Code string `json:"code" doc:"error.<code> of the catalogue"`
}

// TakenKeys is what came, or would come, of a file of keys.
type TakenKeys struct {
	Rows   int      `json:"rows"`
	Added  int      `json:"added"`
	Errors []KeyRow `json:"errors" doc:"The first hundred"`
	Wrong  int      `json:"wrong" doc:"How many rows aren't taken in"`
	DryRun bool     `json:"dry_run"`
}

var headings = []string{"key", "keys", "code", "codes", "license", "licence", "serial", "voucher", "ключ", "ключі", "ключи", "код", "коди", "коды", "klucz", "klucze", "kod", "kody"}

type readKey struct {
	row   int
	value string
}

// ReadKeys reads a file of keys. It opens nothing and knows no store.
func ReadKeys(file string) (keys []readKey, wrong []KeyRow, err error) {
	file = strings.TrimPrefix(file, "\ufeff")
	if !utf8.ValidString(file) || strings.ContainsRune(file, 0) {
		return nil, nil, care.Invalid("csv", "text_invalid")
	}
	head, _, _ := strings.Cut(file, "\n")
	r := csv.NewReader(bytes.NewReader([]byte(file)))
	r.FieldsPerRecord, r.LazyQuotes, r.Comma = -1, true, ','
	switch {
	case strings.Contains(head, "\t"):
		r.Comma = '\t'
	case strings.Contains(head, ";"):
		r.Comma = ';'
	}
	seen := map[string]bool{}
	first := true
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return keys, wrong, nil
		}
		if err != nil {
			return nil, nil, care.Invalid("csv", "csv.broken")
		}
		row, _ := r.FieldPos(0)
		value := strings.TrimSpace(record[0])
		if first {
			first = false
			if text.Fold(value) != "" && contains(headings, strings.ToLower(value)) {
				continue
			}
		}
		switch {
		case value == "":
		case len(value) > maxKey || text.ValidText(value, maxKey) != nil || strings.ContainsAny(value, "\r\n⟦⟧"):
			wrong = append(wrong, KeyRow{row, "goods.key_invalid"})
		case seen[value]:
			wrong = append(wrong, KeyRow{row, "goods.key_twice"})
		default:
			if len(keys) == maxRows {
				return nil, nil, care.Invalid("csv", "goods.keys_many", "max", maxRows)
			}
			seen[value] = true
			keys = append(keys, readKey{row, value})
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (g *Digital) hash(goods int64, key string) string {
	m := hmac.New(sha256.New, g.keyHash)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(goods)))
	m.Write([]byte(key))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// hintOf is the end of a key, where enough is left that nobody can guess.
func hintOf(key string) string {
	r := []rune(key)
	if len(r) < 8 {
		return ""
	}
	return string(r[len(r)-4:])
}

// AddKeys takes keys in. Orders that are short of them are looked at again, the oldest first.
func (g *Digital) AddKeys(ctx context.Context, by account.By, id int64, in KeyFile) (out TakenKeys, err error) {
	goods, err := g.find(ctx, by.Scope, id, care.PermSettings)
	if err != nil {
		return out, err
	}
	if goods.Kind != KindKey {
		return out, care.Conflict("goods.no_keys")
	}
	keys, wrong, err := ReadKeys(in.CSV)
	if err != nil {
		return out, err
	}
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		out = TakenKeys{Rows: len(keys) + len(wrong), DryRun: in.DryRun, Errors: append([]KeyRow{}, wrong...)}
		hashes := make([]string, len(keys))
		for i, k := range keys {
			hashes[i] = g.hash(id, k.value)
		}
		known, err := knownHashes(ctx, tx, id, hashes)
		if err != nil {
			return err
		}
		for i, k := range keys {
			if known[hashes[i]] {
				out.Errors = append(out.Errors, KeyRow{k.row, "goods.key_known"})
				continue
			}
			out.Added++
			if in.DryRun {
				continue
			}
			key := tx.ID()
			tx.Defer(`INSERT INTO digital_keys (id, store_id, goods_id, seal, hash, hint, state, piece_id, given_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'free', 0, 0, $7) ON CONFLICT (goods_id, hash) DO NOTHING`,
				key, goods.Store, id, g.o.Sealer.Seal([]byte(k.value), bound(key)), hashes[i], hintOf(k.value), db.At(tx.Now))
		}
		out.Wrong = len(out.Errors)
		out.Errors = out.Errors[:min(len(out.Errors), 100)]
		if in.DryRun || out.Added == 0 {
			return nil
		}
		g.o.Audit(tx, by, goods.Store, "goods.keys_added", id, goods.Product, nil, map[string]any{"added": out.Added})
		return g.again(ctx, tx, id)
	})
	return out, err
}

func knownHashes(ctx context.Context, q db.Querier, goods int64, hashes []string) (map[string]bool, error) {
	rows, err := q.Query(ctx, `SELECT hash FROM digital_keys WHERE goods_id = $1 AND hash = ANY($2::text[])`, goods, hashes)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var h string
		if err := rows.Scan(&h); err != nil {
			return nil, err
		}
		known[h] = true
	}
	return known, rows.Err()
}

// again has the orders that are short of goods looked at.
func (g *Digital) again(ctx context.Context, tx *db.Tx, goods int64) error {
	rows, err := tx.Query(ctx, `SELECT order_id, store_id, min(id) FROM digital_pieces WHERE goods_id = $1 AND state = 'short' GROUP BY order_id, store_id ORDER BY min(id) LIMIT 5000`, goods)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var order, store, first int64
		if err := rows.Scan(&order, &store, &first); err != nil {
			return err
		}
		tx.Enqueue(looking(store, order))
	}
	return rows.Err()
}

func looking(store, order int64) db.Job {
	return db.Job{Store: store, Kind: jobLook, Key: itoa(order), Payload: ofOrder{order}}
}

// bound names the row that a key is sealed for.
func bound(id int64) string { return "digital key " + itoa(id) }
