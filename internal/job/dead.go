package job

import (
	"context"
	"encoding/json"

	"opeka/internal/db"
)

// Dead is a job that was put aside: it failed for good, or too often.
type Dead struct {
	ID        int64           `json:"id"`
	Store     int64           `json:"store_id"`
	Kind      string          `json:"kind"`
	Key       string          `json:"key"`
	Event     int64           `json:"event_id"`
	Payload   json.RawMessage `json:"payload"`
	Attempt   int64           `json:"attempts"`
	LastError string          `json:"last_error"`
	RunAt     db.Time         `json:"failed_at"`
	CreatedAt db.Time         `json:"created_at"`
}

// ListDead returns the newest dead jobs of the stores (store 0 is the installation's own) with ids below before; before 0 begins at the newest.
func ListDead(ctx context.Context, q db.Querier, stores []int64, before int64, limit int) ([]Dead, error) {
	if before == 0 {
		before = 1 << 62
	}
	rows, err := q.Query(ctx, `SELECT id, store_id, kind, key, event_id, payload, attempt, last_error, run_at, created_at FROM jobs
WHERE state = 'dead' AND store_id = ANY($1::bigint[]) AND id < $2 ORDER BY id DESC LIMIT $3`, stores, before, int64(limit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Dead
	for rows.Next() {
		var d Dead
		if err := rows.Scan(&d.ID, &d.Store, &d.Kind, &d.Key, &d.Event, &d.Payload, &d.Attempt, &d.LastError, &d.RunAt, &d.CreatedAt); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Retry gives a dead job a new life with all its attempts. found is false when there is no such dead job in the stores.
func Retry(ctx context.Context, tx *db.Tx, id int64, stores []int64) (found bool, err error) {
	var kind, key string
	err = tx.QueryRow(ctx, `SELECT kind, key FROM jobs WHERE id = $1 AND state = 'dead' AND store_id = ANY($2::bigint[])`, id, stores).Scan(&kind, &key)
	if err == db.ErrNoRows {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if key != "" { // a newer one of the same key already waits: that one is the retry
		tag, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND EXISTS (SELECT 1 FROM jobs n WHERE n.kind = $2 AND n.key = $3 AND n.state = 'ready')`, id, kind, key)
		if err != nil || tag.RowsAffected() > 0 {
			return true, err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE jobs SET state = 'ready', attempt = 0, run_at = $1 WHERE id = $2 AND state = 'dead'`, db.At(tx.Now), id)
	tx.Woke(kind)
	return true, err
}

// Drop deletes a dead job for good.
func Drop(ctx context.Context, tx *db.Tx, id int64, stores []int64) (found bool, err error) {
	tag, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND state = 'dead' AND store_id = ANY($2::bigint[])`, id, stores)
	return tag.RowsAffected() > 0, err
}

// Backlog counts what waits, what is overdue by more than a second, and what is dead: for metrics and health.
func Backlog(ctx context.Context, d *db.DB) (ready, overdue, dead int64, err error) {
	err = d.Read().QueryRow(ctx, `SELECT (SELECT count(*) FROM jobs WHERE state = 'ready'), (SELECT count(*) FROM jobs WHERE state = 'ready' AND run_at < $1),
(SELECT count(*) FROM jobs WHERE state = 'dead')`, db.At(d.Now())-1_000_000).Scan(&ready, &overdue, &dead)
	return ready, overdue, dead, err
}
