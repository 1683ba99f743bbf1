package post

import (
	"context"
	"encoding/json"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// OptedOut tells why an address of a channel must not be written to: stop, blocked, bounce, complaint, agent; "" if it may. Replies
// go out all the same: who forbids notices may still be answered.
func (p *Post) OptedOut(ctx context.Context, q db.Querier, store int64, channel, address string) (reason string, err error) {
	err = q.QueryRow(ctx, `SELECT reason FROM post_optouts WHERE store_id = $1 AND channel = $2 AND address = $3`, store, channel, address).Scan(&reason)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return reason, err
}

// OptOut keeps an address from being written to. What its owner said stays when a service says less.
func (p *Post) OptOut(ctx context.Context, tx *db.Tx, store int64, channel, address, reason string) error {
	_, err := tx.Exec(ctx, `INSERT INTO post_optouts (store_id, channel, address, reason, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (store_id, channel, address) DO UPDATE SET reason = CASE WHEN post_optouts.reason = 'blocked' THEN excluded.reason ELSE post_optouts.reason END`,
		store, channel, address, reason, db.At(tx.Now))
	return err
}

// OptIn lets an address be written to again.
func (p *Post) OptIn(ctx context.Context, tx *db.Tx, store int64, channel, address string) error {
	_, err := tx.Exec(ctx, `DELETE FROM post_optouts WHERE store_id = $1 AND channel = $2 AND address = $3`, store, channel, address)
	return err
}

func (p *Post) takeOpted(ctx context.Context, l live, a arrival) error {
	var o care.OptChange
	if err := json.Unmarshal(a.body, &o); err != nil {
		return care.Invalid("body", "value_invalid")
	}
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tx.Defer(`UPDATE post_arrivals SET state = 'done', error = '' WHERE id = $1`, a.id)
		return p.opted(ctx, tx, l, o)
	})
}

func (p *Post) opted(ctx context.Context, tx *db.Tx, l live, o care.OptChange) error {
	if o.Allowed {
		return p.OptIn(ctx, tx, l.Store, l.name, o.Address)
	}
	if o.Reason == "" {
		o.Reason = "stop"
	}
	return p.OptOut(ctx, tx, l.Store, l.name, o.Address, o.Reason)
}
