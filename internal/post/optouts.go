package post

import (
	"context"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// OptOut is an address that must not be written to.
type OptOut struct {
	Store     int64   `json:"store_id"`
	Channel   string  `json:"channel"`
	Address   string  `json:"address"`
	Reason    string  `json:"reason" doc:"stop, blocked, bounce, complaint, agent"`
	Customer  int64   `json:"customer_id" doc:"Whose address it is, as far as is known; 0: nobody's"`
	Name      string  `json:"customer_name"`
	CreatedAt db.Time `json:"created_at"`
}

// OptOutSearch narrows the list. At and Address are where the page before ended.
type OptOutSearch struct {
	Store            int64
	Channel, Holding string // Holding: the address contains it
	At               int64
	Address          string
	Limit            int64
}

// OptOuts lists the addresses that must not be written to, the latest first.
func (p *Post) OptOuts(ctx context.Context, s care.Scope, in OptOutSearch) ([]OptOut, error) {
	if in.At == 0 {
		in.At = 1 << 62
	}
	rows, err := p.db.Read().Query(ctx, `SELECT o.store_id, o.channel, o.address, o.reason, o.created_at,
coalesce((SELECT i.customer_id FROM identities i WHERE i.store_id = o.store_id AND i.value = o.address ORDER BY i.id LIMIT 1), 0)
FROM post_optouts o WHERE o.store_id = ANY($1::bigint[]) AND (o.created_at < $2 OR (o.created_at = $2 AND o.address > $3)) AND ($4 = '' OR o.channel = $4) AND ($5 = '' OR o.address LIKE '%' || $5 || '%')
ORDER BY o.created_at DESC, o.address LIMIT $6`, s.StoresWith(care.PermSettings, in.Store), in.At, in.Address, in.Channel, in.Holding, in.Limit)
	if err != nil {
		return nil, err
	}
	out := []OptOut{}
	for rows.Next() {
		var o OptOut
		if err := rows.Scan(&o.Store, &o.Channel, &o.Address, &o.Reason, &o.CreatedAt, &o.Customer); err != nil {
			rows.Close()
			return nil, err
		}
		out = append(out, o)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, o := range out {
		if o.Customer == 0 {
			continue
		}
		if err := p.db.Read().QueryRow(ctx, `SELECT name FROM customers WHERE id = $1`, o.Customer).Scan(&out[i].Name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Release lets an address be written to again. What an address's owner forbade himself is his to allow: whoever releases it answers for
// having asked him, and the audit log keeps who it was.
func (p *Post) Release(ctx context.Context, by account.By, store int64, channel, address string) error {
	if err := by.Check(store, care.PermSettings); err != nil {
		return err
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var reason string
		err := tx.QueryRow(ctx, `DELETE FROM post_optouts WHERE store_id = $1 AND channel = $2 AND address = $3 RETURNING reason`, store, channel, address).Scan(&reason)
		if err == db.ErrNoRows {
			return care.NotFound("address")
		}
		if err == nil && p.o.Audit != nil {
			p.o.Audit(tx, by, store, "post.address_released", 0, channel+" "+address, map[string]any{"reason": reason}, nil)
		}
		return err
	})
}

// Suppress keeps an address from being written to: somebody said so who may not say it himself.
func (p *Post) Suppress(ctx context.Context, by account.By, store int64, channel, address string) error {
	if err := by.Check(store, care.PermSettings); err != nil {
		return err
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		if p.o.Audit != nil {
			p.o.Audit(tx, by, store, "post.address_suppressed", 0, channel+" "+address, nil, nil)
		}
		return p.OptOut(ctx, tx, store, channel, address, "agent")
	})
}
