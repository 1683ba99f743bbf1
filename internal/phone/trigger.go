package phone

import (
	"context"
	"errors"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Cause is what happened that may make the system owe a call.
type Cause struct {
	Store        int64
	Trigger      Trigger
	Source       string // names what happened: the same source never makes two callbacks
	Customer     int64  // 0: found by the number, or made
	Number       string // E.164; empty: the customer's own
	Name         string
	Language     string
	Conversation int64
	SubjectKind  string // order, variant, inquiry, conversation, call
	Subject      int64
	Quantity     int64
	Owner        int64     // the agent who promised
	Promised     time.Time // the time that the customer was told or asked for
	Asked        time.Time // the place in the queue; zero: now
	Note         string
	Wanted       bool // another policy of the store asks for this very call: the rule says how, not whether
}

// Owed is what came of a cause. With no callback Why says why none is owed.
type Owed struct {
	Callback int64
	Merged   bool // it became another reason for a call that was owed already
	Again    bool // the source had been heard of before
	Why      []Why
}

// Owe makes the system owe a call, if the store's rules say so, in the transaction of what happened. One call is made for several reasons: a callback of
// the same number that nobody has in hand yet takes the new reason up. What is due is given to an agent at once. That no call is owed is a decision too, and kept.
func (p *Phone) Owe(ctx context.Context, tx *db.Tx, k Cause) (Owed, error) {
	var known int64
	err := tx.QueryRow(ctx, `SELECT callback_id FROM callback_reasons WHERE store_id = $1 AND source = $2`, k.Store, k.Source).Scan(&known)
	if err == nil {
		return Owed{Callback: known, Again: true}, nil
	}
	if !errors.Is(err, db.ErrNoRows) {
		return Owed{}, err
	}
	set, err := settings(ctx, tx, k.Store)
	if err != nil {
		return Owed{}, err
	}
	rule := set.rule(k.Trigger)
	if !rule.Active && !k.Wanted {
		return p.refused(tx, k, "rule_off"), nil
	}
	facts, err := p.store(ctx, tx, k.Store)
	if err != nil {
		return Owed{}, err
	}
	if k.Number == "" && k.Customer != 0 {
		if k.Number, err = numberOf(ctx, tx, k.Customer); err != nil {
			return Owed{}, err
		}
	}
	if k.Number == "" {
		return p.refused(tx, k, "no_number"), nil
	}
	// Whoever may ask to be rung could ask for a number that costs the shop: a form is open to all, and a caller's number is easily forged.
	if d, err := p.dialling(ctx, tx, k.Store); err != nil {
		return Owed{}, err
	} else if d.allows(k.Number) != nil {
		return p.refused(tx, k, "number_denied"), nil
	}
	if k.Customer == 0 {
		ids := []care.Identity{{Kind: care.IdentityPhone, Value: k.Number}}
		if k.Customer, _, err = p.customers.Resolve(ctx, tx, k.Store, ids, customer.Hint{Name: k.Name, Language: k.Language}); err != nil {
			return Owed{}, err
		}
	}
	if k.Asked.IsZero() {
		k.Asked = tx.Now
	}
	open, err := callbacksBy(ctx, tx, `c.store_id = $1 AND c.number = $2 AND c.state IN ('waiting', 'due') ORDER BY c.id LIMIT 1 FOR UPDATE`, k.Store, k.Number)
	if err != nil {
		return Owed{}, err
	}
	var c callback
	out := Owed{Merged: len(open) > 0}
	if out.Merged {
		c = open[0]
		merge(&c, k, rule, tx.Now)
	} else if c, err = p.begin(ctx, tx, k, rule, facts); err != nil {
		return out, err
	}
	out.Callback = c.ID
	_, err = tx.Exec(ctx, `INSERT INTO callback_reasons (id, store_id, callback_id, trigger, subject_kind, subject_id, quantity, source, note, asked_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, tx.ID(), k.Store, c.ID, k.Trigger, k.SubjectKind, k.Subject, k.Quantity, k.Source, clip(text.MaskCards(k.Note), 1000), db.At(k.Asked), db.At(tx.Now))
	if err != nil {
		return out, err
	}
	event := care.EventCallbackCreated
	if out.Merged {
		event = care.EventCallbackMerged
		decided(tx, &c, why("merged", "trigger", string(k.Trigger)), c.Due)
	}
	if err := p.emit(ctx, tx, event, &c); err != nil {
		return out, err
	}
	out.Why, err = p.replan(ctx, tx, &c)
	return out, err
}

// refused keeps that no call is owed, and why.
func (p *Phone) refused(tx *db.Tx, k Cause, code string) Owed {
	tx.Defer(insertDecision, tx.ID(), k.Store, int64(0), k.Trigger, k.Customer, "none", asJSON(why(code)), int64(0), tx.Actor.Kind, tx.Actor.ID, db.At(tx.Now))
	return Owed{Why: why(code)}
}

func (p *Phone) begin(ctx context.Context, tx *db.Tx, k Cause, r Rule, facts storeFacts) (callback, error) {
	earliest := k.Asked.Add(seconds(r.Delay))
	if earliest.Before(tx.Now) {
		earliest = tx.Now
	}
	first := earliest
	if k.Promised.After(first) {
		first = k.Promised
	}
	class := "service"
	if k.Trigger.requested() {
		class = "requested"
	}
	lang := k.Language
	if lang == "" {
		err := tx.QueryRow(ctx, `SELECT language FROM customers WHERE id = $1`, k.Customer).Scan(&lang)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return callback{}, err
		}
		if lang == "" {
			lang = facts.Language
		}
	}
	c := callback{ID: tx.ID(), Store: k.Store, State: Waiting, Reason: "planned", Customer: k.Customer, Conversation: k.Conversation, Number: k.Number, Name: clip(k.Name, 200),
		Language: lang, Zone: text.PhoneZone(k.Number, facts.Zone), Class: class, Mode: r.Mode, Priority: r.Priority, MaxAttempts: r.MaxAttempts, Owner: k.Owner,
		Asked: db.At(k.Asked), Earliest: db.At(earliest), Promised: db.At(k.Promised), Due: db.At(first),
		Expires: db.At(first.Add(seconds(r.Window))), Made: db.At(tx.Now)}
	return c, c.insert(ctx, tx)
}

// merge lets a callback take up another reason: it comes as early, as urgently and lasts as long as either of them asks for.
func merge(c *callback, k Cause, r Rule, now time.Time) {
	earliest := k.Asked.Add(seconds(r.Delay))
	if earliest.Before(now) {
		earliest = now
	}
	first := earliest
	if k.Promised.After(first) {
		first = k.Promised
	}
	c.Priority = max(c.Priority, r.Priority)
	c.MaxAttempts = max(c.MaxAttempts, r.MaxAttempts)
	c.Asked = min(c.Asked, db.At(k.Asked))
	c.Expires = max(c.Expires, db.At(first.Add(seconds(r.Window))))
	if k.Trigger.requested() {
		c.Class = "requested"
	}
	switch {
	case k.Promised.IsZero() && c.Promised == 0:
		if db.At(earliest) < c.Earliest || c.Attempts > 0 {
			if c.Attempts == 0 {
				c.vowed = c.LateAt
			}
			c.LateAt = 0
		}
		c.Earliest = min(c.Earliest, db.At(earliest))
	case c.Promised == 0 || !k.Promised.IsZero() && db.At(k.Promised) < c.Promised:
		// The time that he named counts before ours.
		c.Promised, c.LateAt = db.At(k.Promised), 0
	}
	if k.Trigger == TriggerAsked && k.Promised.IsZero() && c.LastResult != "" {
		c.Retry = 0 // he asks now: the pause after our last attempt isn't in his interest
	}
	if c.Owner == 0 {
		c.Owner = k.Owner
	}
	if c.Conversation == 0 {
		c.Conversation = k.Conversation
	}
}

// numberOf is the number by which a customer is rung: the most trusted, then the latest.
func numberOf(ctx context.Context, q db.Querier, id int64) (string, error) {
	family, err := familyOf(ctx, q, id)
	if err != nil {
		return "", err
	}
	rows, err := q.Query(ctx, `SELECT value, trust, id FROM identities WHERE customer_id = ANY($1::bigint[]) AND kind = 'phone'`, family)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	type known struct {
		value     string
		trust, id int64
	}
	var all []known
	for rows.Next() {
		var k known
		if err := rows.Scan(&k.value, &k.trust, &k.id); err != nil {
			return "", err
		}
		all = append(all, k)
	}
	if len(all) == 0 || rows.Err() != nil {
		return "", rows.Err()
	}
	best := slices.MaxFunc(all, func(a, b known) int {
		if a.trust != b.trust {
			return int(a.trust - b.trust)
		}
		return int((a.id - b.id) >> 32)
	})
	return best.value, nil
}
