package post

import (
	"context"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// DeadArrival is something that arrived and couldn't be taken.
type DeadArrival struct {
	ID         int64   `json:"id"`
	Connection int64   `json:"connection_id"`
	Push       int64   `json:"push_id"`
	Kind       string  `json:"kind" enum:"message,report,opted"`
	Error      string  `json:"error"`
	ReceivedAt db.Time `json:"received_at"`
}

// Dead lists what arrived in a store and couldn't be taken, the oldest first. It knows no scope.
func (p *Post) Dead(ctx context.Context, store, after int64, limit int) ([]DeadArrival, error) {
	rows, err := p.db.Read().Query(ctx, `SELECT id, connection_id, push_id, kind, error, received_at FROM post_arrivals
WHERE store_id = $1 AND state = 'dead' AND id > $2 ORDER BY id LIMIT $3`, store, after, int64(limit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []DeadArrival{}
	for rows.Next() {
		var a DeadArrival
		if err := rows.Scan(&a.ID, &a.Connection, &a.Push, &a.Kind, &a.Error, &a.ReceivedAt); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Retry has a dead arrival looked at again.
func (p *Post) Retry(ctx context.Context, actor db.Actor, store, id int64) error {
	return p.db.Write(ctx, actor, func(tx *db.Tx) error {
		var connection int64
		err := tx.QueryRow(ctx, `SELECT connection_id FROM post_arrivals WHERE id = $1 AND store_id = $2 AND state = 'dead'`, id, store).Scan(&connection)
		if err != nil {
			return missing(err)
		}
		tx.Defer(`UPDATE post_arrivals SET state = 'waiting', attempts = 0, next_at = $1 WHERE id = $2 AND state = 'dead'`, db.At(tx.Now), id)
		now := work(jobSort, store, connection, tx.Now)
		now.Move = true
		tx.Enqueue(now)
		return nil
	})
}

func missing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound("arrival")
	}
	return err
}
