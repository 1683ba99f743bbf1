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

// Kinds of what shoppers ask for by themselves.
const (
	AskingCall  = "call"  // to be rung
	AskingGoods = "goods" // to hear when something is there
)

// ByHimself is what a shopper asks for without an agent, in the widget or on a page.
type ByHimself struct {
	Store    int64
	Asker    string // names the browser or the page: there he sees what he asked for, and takes it back
	Key      string // sent again, it is the same asking
	From     []care.Identity
	Number   string // as people write it
	Country  string // by which it is read
	Name     string
	Language string
	Note     string
	At       time.Time // of a call: one of the offered times; zero: as soon as may be
	Order    int64     // of a call: what it is about
	Variant  int64     // of goods: then it isn't about a call now
	How      string    // of goods: call, message
	Quantity int64
}

// Asking is what became of it.
type Asking struct {
	ID      int64   `json:"id"`
	Kind    string  `json:"kind"`
	State   string  `json:"state"`  // open, now, done, closed, withdrawn
	Reason  string  `json:"reason"` // phone.why.<reason>
	Number  string  `json:"number"` // all but its last digits hidden: the browser may be shared
	Product string  `json:"product,omitempty"`
	How     string  `json:"how,omitempty"`
	Place   int64   `json:"place,omitempty"` // among those who wait for the same
	FromAt  db.Time `json:"from_at"`         // when he is rung, as far as that can be told; 0: it can't
	ToAt    db.Time `json:"to_at"`
	MadeAt  db.Time `json:"made_at"`
}

// What one asker and one number may have at a time: enough for anybody, too little to have others rung for fun.
const (
	openAskings  = 5
	dailyAskings = 4
)

var errRefused = care.Conflict("phone.number_refused")

// AskByHimself makes a callback or a subscription of what a shopper asks for. A number that is dear, that somebody else doesn't want rung, or that was asked
// for too often is refused: whoever fills in a form hasn't proven that the number is his.
func (p *Phone) AskByHimself(ctx context.Context, in ByHimself) (out Asking, err error) {
	if in.Key == "" || len(in.Key) > 60 || in.Asker == "" || len(in.Asker) > 60 {
		return out, care.Invalid("client_id", "widget.client_id_invalid")
	}
	err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `SELECT id FROM phone_askings WHERE store_id = $1 AND asker = $2 AND key = $3`, in.Store, in.Asker, in.Key).Scan(&id)
		if errors.Is(err, db.ErrNoRows) {
			id, err = p.askByHimself(ctx, tx, in)
		}
		if err != nil {
			return err
		}
		all, err := p.askings(ctx, tx, tx.Now, in.Store, in.Asker, id)
		if err == nil && len(all) == 1 {
			out = all[0]
		}
		return err
	})
	return out, err
}

func (p *Phone) askByHimself(ctx context.Context, tx *db.Tx, in ByHimself) (id int64, err error) {
	if err := p.mayAsk(ctx, tx, &in); err != nil {
		return 0, err
	}
	kind, source, subject := AskingCall, "", int64(0)
	if in.Variant != 0 {
		kind = AskingGoods
		subject, err = p.wish(ctx, tx, Wish{Store: in.Store, Variant: in.Variant, From: in.From, Number: in.Number, Country: in.Country, Name: in.Name, Language: in.Language, How: in.How, Quantity: max(in.Quantity, 1), By: "customer"})
	} else {
		source = "by:" + in.Asker + ":" + in.Key
		subject, err = p.askForCall(ctx, tx, in, source)
	}
	if err != nil {
		return 0, err
	}
	id = tx.ID()
	_, err = tx.Exec(ctx, `INSERT INTO phone_askings (id, store_id, asker, key, kind, subject_id, source, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, in.Store, in.Asker, in.Key, kind, subject, source, db.At(tx.Now))
	return id, err
}

func (p *Phone) askForCall(ctx context.Context, tx *db.Tx, in ByHimself, source string) (int64, error) {
	offer, err := p.offering(ctx, tx, in.Store, tx.Now)
	if err != nil {
		return 0, err
	}
	if !offer.Calls {
		return 0, care.Conflict("phone.not_offered")
	}
	if !in.At.IsZero() && !slices.Contains(offer.Slots, db.At(in.At)) {
		return 0, care.Invalid("at", "phone.slot_gone")
	}
	got, err := p.askFor(ctx, tx, Asked{Store: in.Store, Trigger: TriggerAsked, From: in.From, Number: in.Number, Country: in.Country, Name: in.Name, Language: in.Language, Order: in.Order, At: in.At, Note: in.Note, Key: source}, 0)
	if err == nil && got.Callback == 0 {
		err = care.Conflict("phone.not_offered")
	}
	return got.Callback, err
}

// mayAsk looks at whether the asker may have the number rung, and reads it.
func (p *Phone) mayAsk(ctx context.Context, tx *db.Tx, in *ByHimself) error {
	var open int64
	err := tx.QueryRow(ctx, `SELECT count(*) FROM phone_askings a WHERE a.store_id = $1 AND a.asker = $2 AND a.withdrawn_at = 0 AND a.created_at > $3`, in.Store, in.Asker, db.At(tx.Now.Add(-24*time.Hour))).Scan(&open)
	if err != nil {
		return err
	}
	if open >= openAskings {
		return care.Conflict("phone.asked_enough")
	}
	if in.Number == "" {
		return nil // said to be required where it is
	}
	n := text.ParsePhone(in.Number, in.Country)
	if !n.Resolved() {
		return care.Invalid("number", "phone_invalid")
	}
	in.Number = n.E164
	set, err := settings(ctx, tx, in.Store)
	if err != nil {
		return err
	}
	if text.PhoneCostly(n.E164) || len(set.Policy.Countries) > 0 && !slices.Contains(set.Policy.Countries, n.Region) {
		return errRefused
	}
	var rung int64
	err = tx.QueryRow(ctx, `SELECT count(*) FROM callbacks c JOIN phone_askings a ON a.subject_id = c.id WHERE c.store_id = $1 AND c.number = $2 AND a.created_at > $3`, in.Store, n.E164, db.At(tx.Now.Add(-24*time.Hour))).Scan(&rung)
	if err != nil {
		return err
	}
	if rung >= dailyAskings {
		return care.Conflict("phone.asked_enough")
	}
	return p.unwanted(ctx, tx, in)
}

// unwanted refuses a number whose owner asked not to be rung, unless the asker has proven to be him.
func (p *Phone) unwanted(ctx context.Context, tx *db.Tx, in *ByHimself) error {
	rows, err := tx.Query(ctx, `SELECT i.customer_id FROM identities i WHERE i.store_id = $1 AND i.kind = 'phone' AND i.value = $2 LIMIT 50`, in.Store, in.Number)
	if err != nil {
		return err
	}
	var holders []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		holders = append(holders, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(holders) == 0 {
		return err
	}
	if slices.ContainsFunc(in.From, func(i care.Identity) bool { return i.Kind == care.IdentityPhone && i.Verified && i.Value == in.Number }) {
		return nil // it is his: what he asks for now counts
	}
	var all []int64
	for _, h := range holders {
		family, err := familyOf(ctx, tx, h)
		if err != nil {
			return err
		}
		all = append(all, family...)
	}
	var refuses bool
	err = tx.QueryRow(ctx, `SELECT given FROM consents WHERE customer_id = ANY($1::bigint[]) AND subject = $2 ORDER BY id DESC LIMIT 1`, all, customer.SubjectDoNotCall).Scan(&refuses)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err == nil && refuses {
		return errRefused
	}
	return err
}

// Askings are what somebody asked for by himself of late, the latest first.
func (p *Phone) Askings(ctx context.Context, store int64, asker string) ([]Asking, error) {
	return p.askings(ctx, p.db.Read(), p.db.Now(), store, asker, 0)
}

const askingsFor = 14 * 24 * time.Hour

func (p *Phone) askings(ctx context.Context, q db.Querier, now time.Time, store int64, asker string, id int64) ([]Asking, error) {
	rows, err := q.Query(ctx, `SELECT a.id, a.kind, a.subject_id, a.withdrawn_at, a.created_at FROM phone_askings a
WHERE a.store_id = $1 AND a.asker = $2 AND (CAST($3 AS BIGINT) = 0 OR a.id = $3) AND a.created_at > $4 ORDER BY a.id DESC LIMIT 10`, store, asker, id, db.At(now.Add(-askingsFor)))
	if err != nil {
		return nil, err
	}
	type row struct {
		Asking
		subject   int64
		withdrawn db.Time
	}
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.ID, &r.Kind, &r.subject, &r.withdrawn, &r.MadeAt); err != nil {
			rows.Close()
			return nil, err
		}
		all = append(all, r)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := []Asking{}
	for _, r := range all {
		switch {
		case r.Kind == AskingGoods:
			err = p.describeGoods(ctx, q, &r.Asking, r.subject, now)
		default:
			err = p.describeCall(ctx, q, &r.Asking, r.subject, now)
		}
		if err != nil {
			return nil, err
		}
		if r.withdrawn != 0 {
			r.State, r.FromAt, r.ToAt, r.Place = "withdrawn", 0, 0, 0
		}
		out = append(out, r.Asking)
	}
	return out, nil
}

func (p *Phone) describeCall(ctx context.Context, q db.Querier, a *Asking, id int64, now time.Time) error {
	c, err := loadCallback(ctx, q, id, false)
	if err != nil {
		return err
	}
	a.Number, a.Reason = hidden(c.Number), c.Reason
	switch {
	case c.State == Done:
		a.State = "done"
	case c.State.Closed():
		a.State = "closed"
	case c.State.inHand():
		a.State = "now"
	default:
		a.State = "open"
		set, err := settings(ctx, q, c.Store)
		if err != nil {
			return err
		}
		crew, err := p.crew(ctx, q, c.Store, c.Due)
		if err != nil {
			return err
		}
		w := promise(c.State, c.Due.Time(), c.Promised.Time(), c.Expires.Time(), set.Policy, crew, now)
		if told := c.LateAt.Time(); c.Promised == 0 && c.Attempts == 0 && told.After(now) && told.After(w.From) { // what he was told stands
			w.To = told
		}
		a.FromAt, a.ToAt = db.At(w.From), db.At(w.To)
	}
	return nil
}

func (p *Phone) describeGoods(ctx context.Context, q db.Querier, a *Asking, id int64, now time.Time) error {
	var s Subscription
	if err := s.scan(q.QueryRow(ctx, `SELECT `+subscriptionColumns+` WHERE s.id = $1`, id)); err != nil {
		return missing(err, "subscription")
	}
	a.Number, a.Reason, a.Product, a.How, a.Place = hidden(s.Number), s.Reason, s.Product, s.How, s.Place
	switch s.State {
	case SubWaiting, SubAllotted:
		a.State = "open"
		if s.Callback != 0 {
			return p.describeCall(ctx, q, a, s.Callback, now)
		}
	case SubTold:
		a.State = "done"
	default:
		a.State = "closed"
	}
	return nil
}

// hidden leaves the end of a number to be seen.
func hidden(number string) string {
	if len(number) <= 4 {
		return number
	}
	return "…" + number[len(number)-4:]
}

// Withdraw takes back what somebody asked for by himself. A call that others asked for too stays theirs; one that rings already can't be taken back.
func (p *Phone) Withdraw(ctx context.Context, store int64, asker string, id int64) error {
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		var kind, source string
		var subject int64
		var withdrawn db.Time
		err := tx.QueryRow(ctx, `SELECT kind, subject_id, source, withdrawn_at FROM phone_askings WHERE id = $1 AND store_id = $2 AND asker = $3`, id, store, asker).Scan(&kind, &subject, &source, &withdrawn)
		if err != nil {
			return missing(err, "asking")
		}
		if withdrawn != 0 {
			return nil
		}
		if kind == AskingGoods {
			err = p.unsubscribe(ctx, tx, subject)
		} else {
			err = p.withdraw(ctx, tx, store, subject, "ask:"+source)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE phone_askings SET withdrawn_at = $1 WHERE id = $2`, db.At(tx.Now), id)
		return err
	})
}

// withdraw takes one reason away from a callback, and the callback when it was the last.
func (p *Phone) withdraw(ctx context.Context, tx *db.Tx, store, id int64, source string) error {
	c, err := loadCallback(ctx, tx, id, true)
	if err != nil || c.State.Closed() {
		return err
	}
	if c.State.inHand() {
		return care.Conflict("phone.in_hand")
	}
	t, err := triggersOf(ctx, tx, id)
	if err != nil {
		return err
	}
	if len(t) <= 1 {
		return p.end(ctx, tx, &c, Cancelled, why("by_customer"))
	}
	if _, err := tx.Exec(ctx, `DELETE FROM callback_reasons WHERE store_id = $1 AND source = $2`, store, clip(source, 104)); err != nil {
		return err
	}
	decided(tx, &c, why("by_customer"), c.Due)
	_, err = p.replan(ctx, tx, &c)
	return err
}

// askingsKept is how long it is known which browser asked for what, longer than it is shown there; and longer than that while it is still open.
const askingsKept = 30 * 24 * time.Hour

// forgetAskings drops what is too old: what came of it stands in the callback or the subscription itself.
func forgetAskings(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM phone_askings WHERE created_at < $1
AND NOT EXISTS (SELECT 1 FROM callbacks c WHERE c.id = phone_askings.subject_id AND c.closed_at = 0)
AND NOT EXISTS (SELECT 1 FROM stock_subscriptions s WHERE s.id = phone_askings.subject_id AND s.state IN ('waiting', 'allotted'))`, db.At(tx.Now.Add(-askingsKept)))
	return err
}
