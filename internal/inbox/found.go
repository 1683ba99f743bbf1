package inbox

import (
	"cmp"
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"opeka/internal/db"
	"opeka/internal/find"
)

// Index is where conversations can be found by number and subject: find.Finder. It runs in the
// transaction that begins the conversation; neither changes later.
type Index interface {
	Add(tx *db.Tx, t find.Thing) error
}

// entryOf is what a conversation is found by, and how it shows.
func entryOf(c conversation) find.Thing {
	number := "#" + strconv.FormatInt(c.Number, 10)
	e := find.Entry{Customer: c.Person, Conversation: c.ID, Numbers: []string{number}, Recency: c.CreatedAt}
	if c.Subject != "" {
		e.Names = []string{c.Subject}
	}
	if e.Title = cmp.Or(c.Subject, c.PersonName, number); e.Title != number {
		e.Subtitle = number
	}
	return find.Thing{Store: c.Store, Kind: find.Conversation, Ref: c.ID, Entry: e}
}

// Source gives the conversations to whoever makes the index again.
func (i *Inbox) Source() find.Source {
	return find.Source{Kind: find.Conversation, Page: func(ctx context.Context, q db.Querier, store, after int64, limit int) ([]find.Thing, int64, error) {
		rows, err := q.Query(ctx, `SELECT c.id, c.store_id, c.number, coalesce(nullif(p.merged_into, 0), c.customer_id), c.subject, c.created_at, coalesce(p.name, '') FROM conversations c
LEFT JOIN customers p ON p.id = c.customer_id WHERE c.store_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3`, store, after, int64(limit))
		if err != nil {
			return nil, 0, err
		}
		things, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (find.Thing, error) {
			var c conversation
			err := r.Scan(&c.ID, &c.Store, &c.Number, &c.Person, &c.Subject, &c.CreatedAt, &c.PersonName)
			return entryOf(c), err
		})
		if err != nil || len(things) < limit {
			return things, 0, err
		}
		return things, things[len(things)-1].Ref, nil
	}}
}
