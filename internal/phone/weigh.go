package phone

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Weights say who of those that wait is taken first. Ten are worth an hour of waiting.
type Weights struct {
	VIPTags  []string `json:"vip_tags" maxItems:"20" doc:"Tags of the customer's conversations or orders"`
	VIP      int64    `json:"vip" minimum:"0" maximum:"500"`
	Repeated int64    `json:"repeated" minimum:"0" maximum:"500" doc:"For each call in vain, three at most"`
	Within   int64    `json:"repeated_within_s" minimum:"600" maximum:"604800" doc:"How long ago that may be"`
	Problem  int64    `json:"problem" minimum:"0" maximum:"500" doc:"Something is wrong with an order of his that isn't settled"`
}

// DefaultWeights are what a store begins with.
var DefaultWeights = Weights{VIPTags: []string{"vip"}, VIP: 30, Repeated: 10, Within: 12 * hour, Problem: 20}

// Standing is what of a caller counts.
type Standing struct {
	Tags     []string // of his conversations and orders
	InVain   int64    // calls within the time that the weights say
	Problems []string // kinds of exceptions of his orders that are open
}

// Weigh says how urgent a caller is, and why.
func Weigh(w Weights, s Standing) (priority int64, reasons []Why) {
	reasons = []Why{}
	add := func(n int64, code string, pairs ...any) {
		if n > 0 {
			priority += n
			reasons = append(reasons, why(code, append(pairs, "weight", n)...)...)
		}
	}
	for _, t := range s.Tags {
		if slices.ContainsFunc(w.VIPTags, func(v string) bool { return strings.EqualFold(v, t) }) {
			add(w.VIP, "vip", "tag", t)
			break
		}
	}
	if s.InVain > 0 {
		add(min(s.InVain, 3)*w.Repeated, "repeated", "n", s.InVain)
	}
	if len(s.Problems) > 0 {
		add(w.Problem, "problem", "kind", s.Problems[0], "problems", len(s.Problems))
	}
	return priority, reasons
}

// weights reads a store's.
func weights(ctx context.Context, q db.Querier, store int64) (Weights, error) {
	w := DefaultWeights
	var raw []byte
	err := q.QueryRow(ctx, `SELECT weights FROM call_weights WHERE store_id = $1`, store).Scan(&raw)
	if err == nil {
		err = json.Unmarshal(raw, &w)
	}
	return w, ignoreNone(err)
}

// WeightsOf returns a store's.
func (p *Phone) WeightsOf(ctx context.Context, s care.Scope, store int64) (Weights, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return Weights{}, err
	}
	return weights(ctx, p.db.Read(), store)
}

// SetWeights changes them. Who waits already keeps his place.
func (p *Phone) SetWeights(ctx context.Context, by account.By, store int64, in Weights) error {
	if err := by.Check(store, care.PermSettings); err != nil {
		return err
	}
	if in.VIPTags == nil {
		in.VIPTags = []string{}
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		before, err := weights(ctx, tx, store)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO call_weights (store_id, weights, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (store_id) DO UPDATE SET weights = excluded.weights, updated_at = excluded.updated_at`, store, asJSON(in), db.At(tx.Now))
		p.audited(tx, by, store, "phone.priority_set", store, "", before, in)
		return err
	})
}

// weighed finds out how urgent a caller is.
func weighed(ctx context.Context, tx *db.Tx, store, customer int64, number string) (int64, []Why, error) {
	w, err := weights(ctx, tx, store)
	if err != nil {
		return 0, nil, err
	}
	var s Standing
	err = tx.QueryRow(ctx, `SELECT count(*) FROM calls WHERE store_id = $1 AND number = $2 AND created_at > $3 AND direction = 'in' AND result IN ('abandoned', 'missed', 'dropped')`,
		store, number, db.At(tx.Now.Add(-time.Duration(w.Within)*time.Second))).Scan(&s.InVain)
	if err != nil {
		return 0, nil, err
	}
	family, err := familyOf(ctx, tx, customer)
	if err != nil {
		return 0, nil, err
	}
	lists, err := texts(ctx, tx, `SELECT tags FROM (SELECT tags FROM conversations WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 ORDER BY id DESC LIMIT 20) AS said
UNION ALL SELECT tags FROM (SELECT tags FROM orders WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 ORDER BY placed_at DESC LIMIT 20) AS bought`, family, store)
	if err != nil {
		return 0, nil, err
	}
	for _, raw := range lists {
		var tags []string
		if json.Unmarshal([]byte(raw), &tags) == nil {
			s.Tags = append(s.Tags, tags...)
		}
	}
	if s.Problems, err = texts(ctx, tx, `SELECT kind FROM exceptions WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 AND closed_at = 0 ORDER BY id LIMIT 20`, family, store); err != nil {
		return 0, nil, err
	}
	n, reasons := Weigh(w, s)
	return n, reasons, nil
}

func texts(ctx context.Context, q db.Querier, sql string, args ...any) (out []string, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s []byte
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, string(s))
	}
	return out, rows.Err()
}
