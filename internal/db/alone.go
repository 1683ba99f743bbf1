package db

import (
	"context"
	"hash/fnv"
	"slices"
)

// Alone makes changes that name the same thing run one after the other, until they end: for what no unique index can hold, such as "make it
// unless somebody else has". again tells that what was read before must be read again; where there is one writer changes are alone already.
func (tx *Tx) Alone(ctx context.Context, names ...string) (again bool, err error) {
	if tx.db.OneWriter() {
		return false, nil
	}
	keys := make([]int64, len(names))
	for i, name := range names {
		h := fnv.New64a()
		_, _ = h.Write([]byte(name))
		keys[i] = int64(h.Sum64())
	}
	slices.Sort(keys) // in one order everywhere, so that two changes don't wait for each other
	_, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) WITH ORDINALITY AS names(k, n) ORDER BY n`, keys)
	return true, err
}
