package inbox

import (
	"context"
	"encoding/json"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Visit is something that a visitor did in the shop before or while he wrote.
type Visit struct {
	Kind string          `json:"kind" enum:"product,cart,search,page,order"`
	Data json.RawMessage `json:"data"`
	At   db.Time         `json:"at"`
}

// VisitKinds are what is kept.
var VisitKinds = []string{"product", "cart", "search", "page", "order"}

// maxVisits is how many are kept of a visitor: what he did last.
const maxVisits = 50

// KeepVisits notes what a visitor did. What is older than his last fifty acts is forgotten.
func (i *Inbox) KeepVisits(ctx context.Context, store int64, visitor string, visits []Visit) error {
	if len(visits) == 0 {
		return nil
	}
	return i.db.Write(ctx, db.Actor{Kind: care.ActorCustomer}, func(tx *db.Tx) error {
		for _, v := range visits {
			data := v.Data
			if len(data) == 0 {
				data = noParams
			}
			tx.Defer(`INSERT INTO visits (id, store_id, visitor, kind, data, at) VALUES ($1, $2, $3, $4, $5, $6)`, tx.ID(), store, visitor, v.Kind, data, v.At)
		}
		tx.Defer(`DELETE FROM visits WHERE store_id = $1 AND visitor = $2 AND id <=
(SELECT id FROM visits WHERE store_id = $1 AND visitor = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)`, store, visitor, int64(maxVisits))
		return nil
	})
}

// Visits returns what the visitor of a conversation did, the latest first.
func (i *Inbox) Visits(ctx context.Context, scope care.Scope, conversation int64) ([]Visit, error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, conversation, care.PermInboxRead)
	if err != nil || c.Channel != care.ChannelChat {
		return []Visit{}, err
	}
	rows, err := q.Query(ctx, `SELECT kind, data, at FROM visits WHERE store_id = $1 AND visitor = $2 ORDER BY id DESC LIMIT $3`, c.Store, c.Thread, int64(maxVisits))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Visit{}
	for rows.Next() {
		var v Visit
		var data []byte
		if err := rows.Scan(&v.Kind, &data, &v.At); err != nil {
			return nil, err
		}
		v.Data = data
		out = append(out, v)
	}
	return out, rows.Err()
}

// Visited notes the page on which a chat's visitor is. Without a conversation there is nobody to show it to.
func (i *Inbox) Visited(ctx context.Context, store int64, visitor string, page care.Page) error {
	c, err := load(ctx, i.db.Read(), false, byThread, store, care.ChannelChat, visitor)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	hash := pageHash(page)
	if err != nil || hash == c.PageHash {
		return err
	}
	return i.db.Write(ctx, db.Actor{Kind: care.ActorCustomer, ID: c.Person}, func(tx *db.Tx) error {
		tx.Defer(`UPDATE conversations SET page_hash = $1 WHERE id = $2`, hash, c.ID)
		tx.Defer(upsertPage, c.ID, page.URL, page.Title, page.Agent, db.At(tx.Now))
		return nil
	})
}
