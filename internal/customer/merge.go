package customer

import (
	"context"
	"encoding/json"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
	"opeka/internal/find"
)

// A merge moves nothing: the loser's row points at the winner, and identities, orders and conversations stay
// with the customer they came to, to be read through that pointer; so do those that come later by one of the loser's identities. So undoing
// a merge is taking the pointer back. Only what the
// winner lacked is copied (name, language, note), and what it was before is kept on the merge.

// taken is what a merge changed on the winner itself.
type taken struct {
	Name     string `json:"name"`
	NamedBy  string `json:"named_by"`
	Language string `json:"language"`
	Birthday string `json:"birthday"`
	// What the merge made of them: an undo leaves alone what was changed since.
	AfterName     string `json:"after_name"`
	AfterLanguage string `json:"after_language"`
	AfterBirthday string `json:"after_birthday"`
}

// Merge makes other a part of the customer: an agent has seen that they are one person.
func (c *Customers) Merge(ctx context.Context, s care.Scope, id, other int64) (merge int64, err error) {
	err = c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		q := query.New(tx)
		a, err := c.current(ctx, q, s, id, care.PermCustomerWrite)
		if err != nil {
			return err
		}
		b, err := c.current(ctx, q, s, other, care.PermCustomerWrite)
		if err != nil {
			return err
		}
		if a.StoreID != b.StoreID {
			return care.NotFound("customer")
		}
		if a.ID == b.ID {
			return care.Conflict("customer.same")
		}
		merge, err = c.merge(ctx, tx, q, a.ID, b.ID, false, "agent")
		return err
	})
	return merge, err
}

func (c *Customers) merge(ctx context.Context, tx *db.Tx, q *query.Queries, winner, loser int64, automatic bool, reason string) (int64, error) {
	// Always locked in the order of ids, so that two merges can't wait for each other.
	if _, err := q.LockCustomer(ctx, min(winner, loser)); err != nil {
		return 0, missing(err, "customer")
	}
	if _, err := q.LockCustomer(ctx, max(winner, loser)); err != nil {
		return 0, missing(err, "customer")
	}
	w, err := q.Customer(ctx, winner)
	if err != nil {
		return 0, err
	}
	l, err := q.Customer(ctx, loser)
	if err != nil {
		return 0, err
	}
	if w.MergedInto != 0 || l.MergedInto != 0 {
		return 0, care.Conflict("customer.merged_already")
	}
	followers, err := q.FollowersOf(ctx, loser)
	if err != nil {
		return 0, err
	}
	if followers == nil {
		followers = []int64{}
	}
	t := taken{Name: w.Name, NamedBy: w.NamedBy, Language: w.Language, Birthday: w.Birthday}
	if w.Name == "" || namers[l.NamedBy] > namers[w.NamedBy] && l.Name != "" {
		w.Name, w.NamedBy = l.Name, l.NamedBy
	}
	if w.Language == "" {
		w.Language = l.Language
	}
	if w.Birthday == "" {
		w.Birthday = l.Birthday
	}
	t.AfterName, t.AfterLanguage, t.AfterBirthday = w.Name, w.Language, w.Birthday
	now := db.At(tx.Now)
	if err := q.Repoint(ctx, query.RepointParams{ID: loser, MergedInto: winner, UpdatedAt: now}); err != nil {
		return 0, err
	}
	if err := q.RepointMany(ctx, query.RepointManyParams{Column1: followers, MergedInto: winner, UpdatedAt: now, MergedInto_2: loser}); err != nil {
		return 0, err
	}
	id := tx.ID()
	err = q.AddMerge(ctx, query.AddMergeParams{
		ID: id, StoreID: w.StoreID, WinnerID: winner, LoserID: loser, Automatic: automatic, Reason: reason, ActorKind: tx.Actor.Kind, ActorID: tx.Actor.ID,
		Repointed: mustJSON(followers), Before: mustJSON(t), CreatedAt: now,
	})
	if err != nil {
		return 0, err
	}
	tx.Emit(db.Event{Store: w.StoreID, Type: care.EventCustomerMerged, Subject: winner, Payload: care.MergeEvent{Merge: id, Winner: winner, Loser: loser}})
	if c.index != nil {
		if err := c.index.Remove(ctx, tx, w.StoreID, find.Customer, loser); err != nil {
			return 0, err
		}
		if err := c.rehome(ctx, tx, w.StoreID, append(followers, loser), winner); err != nil {
			return 0, err
		}
	}
	c.hint(tx, w.StoreID, loser)
	return id, c.save(ctx, tx, q, w)
}

// Undo takes a merge back: both customers are what they were, with what each has received since.
func (c *Customers) Undo(ctx context.Context, s care.Scope, merge int64) error {
	return c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		q := query.New(tx)
		m, err := q.LockMerge(ctx, merge)
		if err != nil {
			return missing(err, "merge")
		}
		if err := allow(s, m.StoreID, care.PermCustomerWrite, "merge"); err != nil {
			return err
		}
		if m.UndoneAt != 0 {
			return care.Conflict("customer.merge_undone")
		}
		var followers []int64
		var t taken
		if err := json.Unmarshal(m.Repointed, &followers); err != nil {
			return err
		}
		if err := json.Unmarshal(m.Before, &t); err != nil {
			return err
		}
		loser, err := q.LockCustomer(ctx, m.LoserID)
		if err != nil {
			return err
		}
		now := db.At(tx.Now)
		// The winner may have become part of another since: the loser leaves that one then.
		if err := q.RepointMany(ctx, query.RepointManyParams{Column1: followers, MergedInto: m.LoserID, UpdatedAt: now, MergedInto_2: loser.MergedInto}); err != nil {
			return err
		}
		if err := q.Repoint(ctx, query.RepointParams{ID: m.LoserID, MergedInto: 0, UpdatedAt: now}); err != nil {
			return err
		}
		if err := q.UndoneMerge(ctx, query.UndoneMergeParams{ID: merge, UndoneAt: now}); err != nil {
			return err
		}
		w, err := q.LockCustomer(ctx, m.WinnerID)
		if err != nil {
			return err
		}
		if w.Name == t.AfterName {
			w.Name, w.NamedBy = t.Name, t.NamedBy
		}
		if w.Language == t.AfterLanguage {
			w.Language = t.Language
		}
		if w.Birthday == t.AfterBirthday {
			w.Birthday = t.Birthday
		}
		tx.Emit(db.Event{Store: m.StoreID, Type: care.EventCustomerUnmerged, Subject: m.WinnerID, Payload: care.MergeEvent{Merge: merge, Winner: m.WinnerID, Loser: m.LoserID}})
		c.hint(tx, m.StoreID, m.LoserID)
		if err := c.reindex(ctx, tx, q, m.StoreID, m.LoserID); err != nil {
			return err
		}
		if c.index != nil {
			family, err := Family(ctx, tx, m.LoserID)
			if err != nil {
				return err
			}
			if err := c.rehome(ctx, tx, m.StoreID, family, m.LoserID); err != nil {
				return err
			}
		}
		return c.save(ctx, tx, q, w)
	})
}

// rehome lets the orders and conversations of customers be found under the one that they are part of.
func (c *Customers) rehome(ctx context.Context, tx *db.Tx, store int64, owners []int64, head int64) error {
	for kind, sql := range map[find.Kind]string{
		find.Order:        `SELECT id FROM orders WHERE customer_id = ANY($1::bigint[])`,
		find.Conversation: `SELECT id FROM conversations WHERE customer_id = ANY($1::bigint[])`,
	} {
		rows, err := tx.Query(ctx, sql, owners)
		if err != nil {
			return err
		}
		var refs []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return err
			}
			refs = append(refs, id)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
		c.index.Rehome(tx, store, kind, refs, head)
	}
	return nil
}

// current loads the customer that id now stands for, within the scope.
func (c *Customers) current(ctx context.Context, q *query.Queries, s care.Scope, id int64, p care.Permission) (query.Customer, error) {
	row, err := q.Customer(ctx, id)
	if err != nil {
		return row, missing(err, "customer")
	}
	if err := allow(s, row.StoreID, p, "customer"); err != nil {
		return row, err
	}
	if row.MergedInto != 0 {
		row, err = q.Customer(ctx, row.MergedInto)
	}
	return row, err
}

// Head returns the customer that id has been merged into, or id itself.
func Head(ctx context.Context, r db.Querier, id int64) (int64, error) {
	row, err := query.New(r).Customer(ctx, id)
	if err != nil {
		return 0, missing(err, "customer")
	}
	return head(row.ID, row.MergedInto), nil
}

// Heads returns the customers that some have been merged into; those that haven't been are left out.
func Heads(ctx context.Context, r db.Querier, ids []int64) (map[int64]int64, error) {
	rows, err := query.New(r).CustomersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[int64]int64{}
	for _, row := range rows {
		if row.MergedInto != 0 {
			out[row.ID] = row.MergedInto
		}
	}
	return out, nil
}

// Family returns the customer and all that have been merged into it: whose rows are his. id must be a head.
func Family(ctx context.Context, r db.Querier, id int64) ([]int64, error) {
	return query.New(r).FamilyOf(ctx, id)
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of ours
	}
	return b
}
