package phone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/text"
)

// Subscription is a customer's wish to be told when something is there.
type Subscription struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id"`
	Variant      int64   `json:"variant_id"`
	Product      string  `json:"product_name"`
	SKU          string  `json:"sku"`
	Customer     int64   `json:"customer_id"`
	CustomerName string  `json:"customer_name"`
	Number       string  `json:"number"`
	How          string  `json:"how" enum:"call,message"`
	Quantity     int64   `json:"quantity"`
	State        string  `json:"state" enum:"waiting,allotted,told,closed,cancelled"`
	Reason       string  `json:"reason" doc:"Why it is in that state: phone.why.<reason>"`
	Place        int64   `json:"place" doc:"How many wait for the same before it, and one; 0 when it waits no longer"`
	Callback     int64   `json:"callback_id"`
	HeldUntilAt  db.Time `json:"held_until_at"`
	MadeBy       string  `json:"made_by" enum:"agent,customer,key"`
	AskedAt      db.Time `json:"asked_at"`
}

// Wish is what is asked for.
type Wish struct {
	Store    int64
	Variant  int64
	Customer int64           // 0: found by the identities, or made
	From     []care.Identity // of a shopper
	Number   string          // as people write it
	Country  string          // by which it is read
	Name     string
	Language string
	How      string
	Quantity int64
	By       string // agent, customer, key
}

// Subscribe notes the wish. The same customer wishes for the same variant once: asked again, the first one stays, with the later number and quantity.
func (p *Phone) Subscribe(ctx context.Context, s care.Scope, w Wish) (Subscription, error) {
	if err := s.Check(w.Store, care.PermPhone); err != nil {
		return Subscription{}, err
	}
	w.By = "key"
	if s.Agent != 0 {
		w.By = "agent"
	}
	id, err := p.Wish(ctx, actorOf(s), w)
	if err != nil {
		return Subscription{}, err
	}
	return p.Subscription(ctx, s, id)
}

// Wish is Subscribe without a scope: for the door of shoppers.
func (p *Phone) Wish(ctx context.Context, actor db.Actor, w Wish) (id int64, err error) {
	err = p.db.Write(ctx, actor, func(tx *db.Tx) error {
		id, err = p.wish(ctx, tx, w)
		return err
	})
	return id, err
}

func (p *Phone) wish(ctx context.Context, tx *db.Tx, w Wish) (id int64, err error) {
	if w.Quantity < 1 || w.Quantity > 10_000 {
		return 0, care.Invalid("quantity", "value_invalid")
	}
	if w.How != "call" && w.How != "message" {
		return 0, care.Invalid("how", "value_invalid")
	}
	number := ""
	if w.Number != "" {
		n := text.ParsePhone(w.Number, w.Country)
		if !n.Resolved() {
			return 0, care.Invalid("number", "phone_invalid")
		}
		number = n.E164
	}
	var found int64
	if err := tx.QueryRow(ctx, `SELECT id FROM variants WHERE id = $1 AND store_id = $2`, w.Variant, w.Store).Scan(&found); err != nil {
		return 0, missing(err, "variant")
	}
	person := w.Customer
	switch {
	case person != 0:
		if err := tx.QueryRow(ctx, `SELECT id FROM customers WHERE id = $1 AND store_id = $2`, person, w.Store).Scan(&found); err != nil {
			return 0, missing(err, "customer")
		}
	default:
		ids := slices.Clone(w.From)
		if number != "" {
			ids = append(ids, care.Identity{Kind: care.IdentityPhone, Value: number, Display: w.Number})
		}
		if len(ids) == 0 {
			return 0, care.Invalid("number", "required")
		}
		if person, _, err = p.customers.Resolve(ctx, tx, w.Store, ids, customer.Hint{Name: w.Name, Language: w.Language}); err != nil {
			return 0, err
		}
	}
	if number == "" {
		if number, err = numberOf(ctx, tx, person); err != nil {
			return 0, err
		}
	}
	if number == "" && w.How == "call" {
		return 0, care.Invalid("number", "required")
	}
	family, err := familyOf(ctx, tx, person)
	if err != nil {
		return 0, err
	}
	now := db.At(tx.Now)
	err = tx.QueryRow(ctx, `UPDATE stock_subscriptions SET quantity = $1, number = CASE WHEN CAST($2 AS TEXT) = '' THEN number ELSE $2 END, how = $3, changed_at = $4
WHERE variant_id = $5 AND state IN ('waiting', 'allotted') AND customer_id = ANY($6::bigint[]) RETURNING id`, w.Quantity, number, w.How, now, w.Variant, family).Scan(&id)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return 0, err
	}
	if err != nil {
		id = tx.ID()
		_, err = tx.Exec(ctx, `INSERT INTO stock_subscriptions (id, store_id, variant_id, customer_id, number, name, language, how, quantity, state, reason, made_by, asked_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', 'for_stock', $10, $11, $11)`, id, w.Store, w.Variant, person, number, clip(w.Name, 200), w.Language, w.How, w.Quantity, w.By, now)
		if err != nil {
			return 0, err
		}
	}
	p.hint(tx, w.Store, map[string]any{"t": "subscription", "variant_id": w.Variant})
	tx.AfterCommit(p.forgetAwaited)
	tx.Enqueue(db.Job{Store: w.Store, Kind: JobStock, Key: itoa(w.Variant), Payload: variantPayload{w.Variant}})
	// Goods that came while another node didn't know yet that they are awaited.
	tx.Enqueue(db.Job{Store: w.Store, Kind: JobStock, Key: "again:" + itoa(w.Variant), RunAt: tx.Now.Add(2*awaitedAge + time.Second), Payload: variantPayload{w.Variant}})
	return id, nil
}

type variantPayload struct {
	Variant int64 `json:"variant_id"`
}

// Unsubscribe takes a wish back, with the callback that is owed for it alone.
func (p *Phone) Unsubscribe(ctx context.Context, s care.Scope, id int64) error {
	return p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		var store int64
		if err := tx.QueryRow(ctx, `SELECT store_id FROM stock_subscriptions WHERE id = $1`, id).Scan(&store); err != nil {
			return missing(err, "subscription")
		}
		if err := allow(s, store, care.PermPhone, "subscription"); err != nil {
			return err
		}
		return p.unsubscribe(ctx, tx, id)
	})
}

func (p *Phone) unsubscribe(ctx context.Context, tx *db.Tx, id int64) error {
	var store, variant, owed int64
	var state string
	err := tx.QueryRow(ctx, `SELECT store_id, variant_id, callback_id, state FROM stock_subscriptions WHERE id = $1 FOR UPDATE`, id).Scan(&store, &variant, &owed, &state)
	if err != nil {
		return missing(err, "subscription")
	}
	if state == SubClosed || state == SubCancelled {
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE stock_subscriptions SET state = 'cancelled', reason = 'by_person', changed_at = $1 WHERE id = $2`, db.At(tx.Now), id); err != nil {
		return err
	}
	tx.Enqueue(db.Job{Store: store, Kind: JobStock, Key: itoa(variant), Payload: variantPayload{variant}})
	if owed == 0 {
		return nil
	}
	c, err := loadCallback(ctx, tx, owed, true)
	if err != nil || c.State.Closed() || c.State.inHand() {
		return err
	}
	t, err := triggersOf(ctx, tx, owed)
	if err != nil || slices.ContainsFunc(t, func(x string) bool { return x != string(TriggerStock) }) {
		return err
	}
	return p.end(ctx, tx, &c, Cancelled, why("by_person"))
}

// stock follows what can be sold: goods that came are allotted to those who wait, and those whom there is nothing left for wait again.
func (p *Phone) stock(ctx context.Context, tx *db.Tx, j job.Job) error {
	var variant int64
	if j.Event != nil {
		variant = j.Event.Subject
	} else {
		var in variantPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		variant = in.Variant
	}
	type sub struct {
		claim
		store, customer, callback int64
		number, name, lang, how   string
		asked                     db.Time
	}
	rows, err := tx.Query(ctx, `SELECT id, store_id, customer_id, callback_id, number, name, language, how, quantity, state, held_until_at, asked_at FROM stock_subscriptions
WHERE variant_id = $1 AND state IN ('waiting', 'allotted', 'told') AND (state <> 'told' OR held_until_at > $2) ORDER BY asked_at, id LIMIT 2000 FOR UPDATE`, variant, db.At(tx.Now))
	if err != nil {
		return err
	}
	var subs []sub
	var claims []claim
	for rows.Next() {
		var s sub
		var held db.Time
		if err := rows.Scan(&s.ID, &s.store, &s.customer, &s.callback, &s.number, &s.name, &s.lang, &s.how, &s.Quantity, &s.State, &held, &s.asked); err != nil {
			rows.Close()
			return err
		}
		s.Held = held.Time()
		subs, claims = append(subs, s), append(claims, s.claim)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(subs) == 0 {
		return err
	}
	have, err := available(ctx, tx, variant)
	if err != nil {
		return err
	}
	chosen, short := allot(have, claims, tx.Now)
	for _, s := range subs {
		switch {
		case slices.Contains(short, s.ID):
			if _, err := tx.Exec(ctx, `UPDATE stock_subscriptions SET state = 'waiting', reason = 'stock_gone', changed_at = $1 WHERE id = $2`, db.At(tx.Now), s.ID); err != nil {
				return err
			}
			if err := p.again(ctx, tx, s.callback); err != nil {
				return err
			}
		case slices.Contains(chosen, s.ID):
			if err := p.allotted(ctx, tx, s.ID, s.callback, Cause{Store: s.store, Trigger: TriggerStock, Source: fmt.Sprintf("stock:%d:%d", s.ID, tx.Now.UnixMicro()), Customer: s.customer,
				Number: s.number, Name: s.name, Language: s.lang, SubjectKind: "variant", Subject: variant, Quantity: s.Quantity, Asked: s.asked.Time()}, s.how); err != nil {
				return err
			}
		}
	}
	return nil
}

// again plans a callback anew whose goods came or went.
func (p *Phone) again(ctx context.Context, tx *db.Tx, id int64) error {
	if id == 0 {
		return nil
	}
	c, err := loadCallback(ctx, tx, id, true)
	if err != nil || c.State.Closed() || c.State.inHand() {
		return err
	}
	_, err = p.replan(ctx, tx, &c)
	return err
}

// allotted means pieces for a subscription: its customer is rung, or written to.
func (p *Phone) allotted(ctx context.Context, tx *db.Tx, id, owed int64, k Cause, how string) error {
	if _, err := tx.Exec(ctx, `UPDATE stock_subscriptions SET state = 'allotted', reason = 'stock_there', changed_at = $1 WHERE id = $2`, db.At(tx.Now), id); err != nil {
		return err
	}
	p.hint(tx, k.Store, map[string]any{"t": "subscription", "variant_id": k.Subject})
	if owed != 0 {
		c, err := loadCallback(ctx, tx, owed, true)
		if err != nil {
			return err
		}
		if !c.State.Closed() {
			return p.again(ctx, tx, owed)
		}
	}
	reason := "by_message"
	if how == "call" {
		got, err := p.Owe(ctx, tx, k)
		if err != nil {
			return err
		}
		if got.Callback != 0 {
			if _, err = tx.Exec(ctx, `UPDATE stock_subscriptions SET callback_id = $1 WHERE id = $2 AND state = 'allotted'`, got.Callback, id); err != nil {
				return err
			}
			c, err := loadCallback(ctx, tx, got.Callback, true)
			if err != nil || !c.State.Closed() {
				return err
			}
			return p.release(ctx, tx, &c) // he may not be rung: his pieces go to who asked after him
		}
		reason = got.Why[0].Code
	}
	set, err := settings(ctx, tx, k.Store)
	if err != nil {
		return err
	}
	held := tx.Now.Add(seconds(set.Policy.HoldPieces))
	if _, err := tx.Exec(ctx, `UPDATE stock_subscriptions SET state = 'told', reason = $1, held_until_at = $2 WHERE id = $3`, reason, db.At(held), id); err != nil {
		return err
	}
	tx.Enqueue(db.Job{Store: k.Store, Kind: JobStock, Key: "held:" + itoa(k.Subject), RunAt: held.Add(time.Millisecond), Payload: variantPayload{k.Subject}})
	tx.Emit(db.Event{Store: k.Store, Type: care.EventStockTold, Subject: id, Payload: care.SubscriptionEvent{Subscription: id, Variant: k.Subject, Customer: k.Customer, Quantity: k.Quantity, Number: k.Number, Language: k.Language}})
	return nil
}

// release settles the subscriptions of a callback that is closed. Pieces that its customer didn't take go to who asked after him.
func (p *Phone) release(ctx context.Context, tx *db.Tx, c *callback) error {
	rows, err := tx.Query(ctx, `SELECT id, variant_id FROM stock_subscriptions WHERE callback_id = $1 AND callback_id <> 0 AND state IN ('allotted', 'waiting')`, c.ID)
	if err != nil {
		return err
	}
	type sub struct{ id, variant int64 }
	var subs []sub
	for rows.Next() {
		var s sub
		if err := rows.Scan(&s.id, &s.variant); err != nil {
			rows.Close()
			return err
		}
		subs = append(subs, s)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(subs) == 0 {
		return err
	}
	set, err := settings(ctx, tx, c.Store)
	if err != nil {
		return err
	}
	state, held := SubClosed, time.Time{}
	switch c.State {
	case Done:
		state = SubTold
		if c.Disposition == Ordered { // until the shop's own count knows of it
			held = tx.Now.Add(seconds(set.Policy.HoldPieces))
		}
	case Expired, Written:
		state = SubTold
	}
	for _, s := range subs {
		if _, err := tx.Exec(ctx, `UPDATE stock_subscriptions SET state = $1, reason = $2, held_until_at = $3, changed_at = $4 WHERE id = $5`, state, c.Reason, db.At(held), db.At(tx.Now), s.id); err != nil {
			return err
		}
		tx.Enqueue(db.Job{Store: c.Store, Kind: JobStock, Key: itoa(s.variant), Payload: variantPayload{s.variant}})
		if !held.IsZero() {
			tx.Enqueue(db.Job{Store: c.Store, Kind: JobStock, Key: "held:" + itoa(s.variant), RunAt: held.Add(time.Millisecond), Payload: variantPayload{s.variant}})
		}
	}
	return nil
}

const subscriptionColumns = `s.id, s.store_id, s.variant_id, coalesce(p.name, ''), coalesce(v.sku, ''), s.customer_id, coalesce(k.name, s.name), s.number, s.how, s.quantity, s.state, s.reason,
CASE WHEN s.state = 'waiting' THEN 1 + (SELECT count(*) FROM stock_subscriptions o WHERE o.variant_id = s.variant_id AND o.state IN ('waiting', 'allotted') AND (o.asked_at < s.asked_at OR o.asked_at = s.asked_at AND o.id < s.id)) ELSE 0 END,
s.callback_id, s.held_until_at, s.made_by, s.asked_at
FROM stock_subscriptions s LEFT JOIN variants v ON v.id = s.variant_id LEFT JOIN products p ON p.id = v.product_id LEFT JOIN customers k ON k.id = s.customer_id`

func (s *Subscription) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&s.ID, &s.Store, &s.Variant, &s.Product, &s.SKU, &s.Customer, &s.CustomerName, &s.Number, &s.How, &s.Quantity, &s.State, &s.Reason, &s.Place,
		&s.Callback, &s.HeldUntilAt, &s.MadeBy, &s.AskedAt)
}

// Subscription returns one.
func (p *Phone) Subscription(ctx context.Context, s care.Scope, id int64) (out Subscription, err error) {
	if err := out.scan(p.db.Read().QueryRow(ctx, `SELECT `+subscriptionColumns+` WHERE s.id = $1`, id)); err != nil {
		return out, missing(err, "subscription")
	}
	return out, allow(s, out.Store, care.PermPhone, "subscription")
}

// SubscriptionFilter narrows a list; zero values don't.
type SubscriptionFilter struct {
	Store, Variant, Customer int64
	State                    string
	Before                   int64
	Limit                    int64
}

// Subscriptions lists wishes, the latest first.
func (p *Phone) Subscriptions(ctx context.Context, s care.Scope, f SubscriptionFilter) (out []Subscription, err error) {
	if f.Before == 0 {
		f.Before = 1 << 62
	}
	stores := s.StoresWith(care.PermPhone, f.Store)
	if len(stores) == 0 {
		return nil, nil
	}
	rows, err := p.db.Read().Query(ctx, `SELECT `+subscriptionColumns+` WHERE s.store_id = ANY($1::bigint[]) AND s.id < $2 AND (CAST($3 AS BIGINT) = 0 OR s.variant_id = $3) AND (CAST($4 AS BIGINT) = 0 OR s.customer_id = $4)
AND (CAST($5 AS TEXT) = '' OR s.state = $5) ORDER BY s.id DESC LIMIT $6`, stores, f.Before, f.Variant, f.Customer, f.State, f.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one Subscription
		if err := one.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
