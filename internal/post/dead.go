package post

import (
	"context"
	"errors"
	"io"

	"opeka/internal/care"
	"opeka/internal/db"
)

// DeadArrival is something that arrived and couldn't be taken.
type DeadArrival struct {
	ID         int64   `json:"id"`
	Store      int64   `json:"store_id"`
	Connection int64   `json:"connection_id"`
	Push       int64   `json:"push_id"`
	Kind       string  `json:"kind" enum:"message,report,opted"`
	Error      string  `json:"error"`
	ReceivedAt db.Time `json:"received_at"`
}

// Dead lists what arrived in the stores and couldn't be taken, the oldest first.
func (p *Post) Dead(ctx context.Context, stores []int64, after int64, limit int) ([]DeadArrival, error) {
	rows, err := p.db.Read().Query(ctx, `SELECT id, store_id, connection_id, push_id, kind, error, received_at FROM post_arrivals
WHERE store_id = ANY($1::bigint[]) AND state = 'dead' AND id > $2 ORDER BY id LIMIT $3`, stores, after, int64(limit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []DeadArrival{}
	for rows.Next() {
		var a DeadArrival
		if err := rows.Scan(&a.ID, &a.Store, &a.Connection, &a.Push, &a.Kind, &a.Error, &a.ReceivedAt); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// RawOfDead is the raw form of a dead arrival of one of the stores, as the channel brought it.
func (p *Post) RawOfDead(ctx context.Context, stores []int64, id int64) (io.ReadCloser, error) {
	var push int64
	err := p.db.Read().QueryRow(ctx, `SELECT push_id FROM post_arrivals WHERE id = $1 AND store_id = ANY($2::bigint[]) AND state = 'dead'`, id, stores).Scan(&push)
	if err != nil {
		return nil, missing(err)
	}
	return p.Raw(ctx, push)
}

// Retry has a dead arrival of one of the stores looked at again.
func (p *Post) Retry(ctx context.Context, actor db.Actor, stores []int64, id int64) error {
	return p.db.Write(ctx, actor, func(tx *db.Tx) error {
		var store, connection int64
		err := tx.QueryRow(ctx, `SELECT store_id, connection_id FROM post_arrivals WHERE id = $1 AND store_id = ANY($2::bigint[]) AND state = 'dead'`, id, stores).Scan(&store, &connection)
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
