package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/post"
)

// Outcomes of a notice.
const (
	Planned  = "planned"
	Sent     = "sent"
	Failed   = "failed" // no channel got through
	Withheld = "withheld"
)

func orderPrefix(order int64) string { return "o" + strconv.FormatInt(order, 10) + ":" }

// stored is a once-only key as it is kept: of an order, or of a customer for what is told him once in his life.
func (l *loaded) stored(n Notice, once string) string {
	if n.Once == "customer" && l.head != 0 {
		return "c" + strconv.FormatInt(l.head, 10) + ":" + once
	}
	return orderPrefix(l.Order.ID) + once
}

// onEvent decides what is told now that something has happened, and watches for what is wrong.
func (n *Notify) onEvent(ctx context.Context, tx *db.Tx, j job.Job) error {
	var e care.OrderEvent
	if err := j.Decode(&e); err != nil {
		return err
	}
	if e.Backfill || e.Order == 0 {
		return nil
	}
	return n.happened(ctx, tx, e.Order, Trigger{Event: j.Event.Type, Part: e.Part}, j.Event.ID, time.Time{})
}

// look is the payload of a job that asks anew.
type look struct {
	Order   int64   `json:"order_id"`
	Trigger Trigger `json:"trigger"`
	Event   int64   `json:"event_id"`
	Looked  db.Time `json:"looked_at,omitempty"` // when it was looked at before
}

func (n *Notify) onLook(ctx context.Context, tx *db.Tx, j job.Job) error {
	var l look
	if err := j.Decode(&l); err != nil {
		return err
	}
	return n.happened(ctx, tx, l.Order, l.Trigger, l.Event, time.Time{})
}

// onStock looks again at the orders whose goods have gone, or come back, after they were taken.
func (n *Notify) onStock(ctx context.Context, tx *db.Tx, j job.Job) error {
	var e care.StockEvent
	if err := j.Decode(&e); err != nil {
		return err
	}
	return each(ctx, tx, `SELECT DISTINCT o.id, o.store_id FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.variant_id = $1 AND o.open AND NOT o.deleted
AND o.stage IN ('placed', 'awaiting_payment', 'paid', 'processing', 'on_hold') ORDER BY o.id DESC LIMIT 1000`, []any{e.Variant}, func(rows pgx.Rows) error {
		var order, store int64
		if err := rows.Scan(&order, &store); err != nil {
			return err
		}
		tx.Enqueue(db.Job{Store: store, Kind: jobLook, Key: strconv.FormatInt(order, 10) + "/stock", Payload: look{Order: order, Trigger: Trigger{Event: care.EventOrderUpdated}, Event: j.Event.ID}})
		return nil
	})
}

// onWatch looks for exceptions when one may have come due.
func (n *Notify) onWatch(ctx context.Context, tx *db.Tx, j job.Job) error {
	var l look
	if err := j.Decode(&l); err != nil {
		return err
	}
	return n.happened(ctx, tx, l.Order, Trigger{}, 0, l.Looked.Time())
}

// happened takes an order as it now stands through a decision and the watch. Two that do so at the same time are kept apart by the lock on
// the order's row; what the first one has told, the second one sees.
func (n *Notify) happened(ctx context.Context, tx *db.Tx, order int64, t Trigger, event int64, looked time.Time) error {
	if err := lock(ctx, tx, order); err != nil {
		return err
	}
	l, p, err := n.stand(ctx, tx, order)
	if notFound(err) {
		return nil // gone meanwhile
	}
	if err != nil {
		return err
	}
	if t.Event != "" {
		if _, err := n.decide(ctx, tx, l, p, t, event); err != nil {
			return err
		}
	}
	return n.watch(ctx, tx, l, p, looked)
}

func lock(ctx context.Context, tx *db.Tx, order int64) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT id FROM orders WHERE id = $1 FOR UPDATE`, order).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}

func notFound(err error) bool { return errors.Is(err, care.NotFound("")) }

func (n *Notify) stand(ctx context.Context, tx *db.Tx, order int64) (*loaded, *Compiled, error) {
	l, err := n.load(ctx, tx, order, tx.Now)
	if err != nil {
		return nil, nil, err
	}
	p, err := n.policy(ctx, tx, l.storeID, l.Store.Zone)
	return l, p, err
}

// decide writes down the plan for a trigger and carries out what is due at once. told says whether the customer hears of it.
func (n *Notify) decide(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, t Trigger, event int64) (told bool, err error) {
	l.Trigger = t
	plan := Decide(&l.State, p, tx.Now)
	for _, f := range plan.Refusals {
		if f.Silent {
			continue
		}
		if err := n.withhold(ctx, tx, l, p, f, t, event); err != nil {
			return false, err
		}
		if !f.Again.IsZero() {
			tx.Enqueue(db.Job{Store: l.storeID, Kind: jobLook, Key: fmt.Sprintf("%d/%s", l.Order.ID, t.Event), Move: true, RunAt: f.Again, Payload: look{Order: l.Order.ID, Trigger: t, Event: event}})
		}
	}
	for _, s := range plan.Sends {
		row, taken, err := n.plan(ctx, tx, l, p, s, t, event)
		if err != nil {
			return false, err
		}
		if !taken {
			continue
		}
		told = true
		l.Told[s.Once] = Told{Moment: s.Moment, Part: s.Part, Channel: s.Channel, At: tx.Now}
		if s.At.After(tx.Now) {
			n.later(tx, row, s.At)
			continue
		}
		if err := n.send(ctx, tx, l, p, row, s, nil); err != nil {
			return false, err
		}
	}
	return told, nil
}

// row is a notice in the log.
type row struct {
	id, store, order, customer, policy int64
	once, outcome, reason              string
	governs                            Notice
	moment, part, channel              string
	passed                             []Passed
	step                               int
	decided                            time.Time
}

func (n *Notify) plan(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, s Send, t Trigger, event int64) (r row, taken bool, err error) {
	r = row{id: tx.ID(), store: l.storeID, order: l.Order.ID, customer: l.head, policy: p.Version, once: l.stored(s.Notice, s.Once), outcome: Planned, reason: string(s.Reason), governs: s.Notice,
		moment: s.Moment, part: s.Part, channel: s.Channel, passed: s.Passed, step: s.Step, decided: tx.Now}
	governs, _ := json.Marshal(s.Notice)
	tag, err := tx.Exec(ctx, `INSERT INTO notices (id, store_id, order_id, customer_id, event_type, event_id, notice_key, moment, part, once, outcome, reason, passed, channel, step, language, policy_version, governs, due_at, sent_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'planned', $11, $12, $13, $14, $15, $16, $17, $18, 0, $19) ON CONFLICT (store_id, once) WHERE outcome <> 'withheld' DO NOTHING`,
		r.id, r.store, r.order, r.customer, t.Event, event, s.Notice.Key, s.Moment, s.Part, r.once, r.reason, passedJSON(s.Passed), s.Channel, int64(s.Step), languageOf(&p.Policy, &l.State), r.policy,
		json.RawMessage(governs), db.At(s.At), db.At(tx.Now))
	if err != nil {
		return r, false, err
	}
	return r, tag.RowsAffected() > 0, nil
}

func (n *Notify) withhold(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, f Refusal, t Trigger, event int64) error {
	governs, _ := json.Marshal(f.Notice)
	_, err := tx.Exec(ctx, `INSERT INTO notices (id, store_id, order_id, customer_id, event_type, event_id, notice_key, moment, part, once, outcome, reason, passed, channel, step, language, policy_version, governs, due_at, sent_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'withheld', $11, $12, '', 0, '', $13, $14, 0, 0, $15) ON CONFLICT (store_id, once, notice_key, reason) WHERE outcome = 'withheld' DO NOTHING`,
		tx.ID(), l.storeID, l.Order.ID, l.head, t.Event, event, f.Notice.Key, f.Moment, f.Part, l.stored(f.Notice, f.Once), string(f.Reason), passedJSON(f.Passed), p.Version, json.RawMessage(governs), db.At(tx.Now))
	return err
}

func passedJSON(p []Passed) json.RawMessage {
	if p == nil {
		p = []Passed{}
	}
	b, _ := json.Marshal(p) // strings of ours
	return b
}

func (n *Notify) later(tx *db.Tx, r row, at time.Time) {
	tx.Enqueue(db.Job{Store: r.store, Kind: jobDue, Key: strconv.FormatInt(r.id, 10), Move: true, RunAt: at, Payload: r.id})
}

func (n *Notify) row(ctx context.Context, tx *db.Tx, id int64) (r row, err error) {
	var governs, passed json.RawMessage
	var step int64
	var at db.Time
	r.id = id
	err = tx.QueryRow(ctx, `SELECT store_id, order_id, customer_id, policy_version, once, outcome, reason, governs, moment, part, channel, passed, step, created_at FROM notices WHERE id = $1`, id).
		Scan(&r.store, &r.order, &r.customer, &r.policy, &r.once, &r.outcome, &r.reason, &governs, &r.moment, &r.part, &r.channel, &passed, &step, &at)
	if err != nil {
		return r, err
	}
	r.step, r.decided = int(step), at.Time()
	return r, errors.Join(json.Unmarshal(governs, &r.governs), json.Unmarshal(passed, &r.passed))
}

// onDue sends a planned notice, if it is still true.
func (n *Notify) onDue(ctx context.Context, tx *db.Tx, j job.Job) error {
	var id int64
	if err := j.Decode(&id); err != nil {
		return err
	}
	r, err := n.row(ctx, tx, id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil || r.outcome != Planned && r.outcome != Sent { // a sent one waits here with its next channel
		return err
	}
	return n.goOn(ctx, tx, r, Send{Notice: r.governs, Moment: r.moment, Part: r.part, Step: r.step, Passed: r.passed, Reason: Reason(r.reason)})
}

// goOn weighs a notice once more and sends it, from the given channel on; or puts it off; or lets it be.
func (n *Notify) goOn(ctx context.Context, tx *db.Tx, r row, planned Send) error {
	if err := lock(ctx, tx, r.order); err != nil {
		return err
	}
	l, p, err := n.stand(ctx, tx, r.order)
	if notFound(err) {
		return n.let(ctx, tx, r, Refusal{Reason: ReasonOvertaken, Passed: planned.Passed})
	}
	if err != nil {
		return err
	}
	s, refusal := Due(&l.State, p, planned, tx.Now)
	switch {
	case refusal != nil:
		return n.let(ctx, tx, r, *refusal)
	case s.At.After(tx.Now):
		tx.Defer(`UPDATE notices SET step = $1, channel = $2, passed = $3, due_at = $4, reason = $5 WHERE id = $6`, int64(s.Step), s.Channel, passedJSON(s.Passed), db.At(s.At), string(s.Reason), r.id)
		n.later(tx, r, s.At)
		return nil
	}
	return n.send(ctx, tx, l, p, r, *s, nil)
}

// let gives a planned notice up: it counts as told no more. One that went out already by a channel and finds no further one has failed.
func (n *Notify) let(ctx context.Context, tx *db.Tx, r row, f Refusal) error {
	if r.outcome != Planned {
		tx.Defer(`UPDATE notices SET passed = $1 WHERE id = $2`, passedJSON(f.Passed), r.id)
		return n.fail(ctx, tx, r)
	}
	// The same refusal may stand in the log already: then this row has nothing to add.
	tag, err := tx.Exec(ctx, `UPDATE notices SET outcome = 'withheld', reason = $1, passed = $2, channel = '' WHERE id = $3 AND NOT EXISTS
(SELECT 1 FROM notices w WHERE w.store_id = $4 AND w.once = $5 AND w.notice_key = $6 AND w.reason = $1 AND w.outcome = 'withheld')`, string(f.Reason), passedJSON(f.Passed), r.id, r.store, r.once, r.governs.Key)
	if err != nil || tag.RowsAffected() > 0 {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM notices WHERE id = $1`, r.id)
	return err
}

// send puts a notice into words and hands it to the post room, in the transaction that says so.
func (n *Notify) send(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, r row, s Send, passed []Passed) error {
	lang := languageOf(&p.Policy, &l.State)
	words, err := n.Words(ctx, tx, l.storeID, cmp.Or(s.Notice.Template, s.Moment), lang)
	if err != nil {
		return err
	}
	m := momentOf(s.Moment)
	out, err := words.Render(s.Channel, lang, Vars{Facts: l.Facts.about(m.part, s.Part), Store: l.Store, Messengers: n.messengers(ctx, l, r, tx.Now)})
	if err != nil {
		return job.Discard(fmt.Errorf("notice %s: %w", s.Notice.Key, err))
	}
	id := tx.ID()
	// A name for the send of its own: a job that runs twice sends once.
	send, err := n.post.Send(ctx, tx, post.Send{Store: r.store, Channel: s.Channel, Class: post.ClassNotice, Kind: KindNotice, Ref: r.id, Key: fmt.Sprintf("notice/%d/%d", r.id, s.Step), To: s.Address,
		Body: post.Body{ToName: l.Customer.Name, Subject: out.Subject, Text: out.Text, HTML: out.HTML, Language: lang, Automatic: true}})
	var refused *care.Error
	if errors.As(err, &refused) { // the connection went away meanwhile
		s.Passed = append(slices.Clone(s.Passed), Passed{s.Channel, "failed"})
		s.Step++
		return n.goOn(ctx, tx, r, s)
	}
	if err != nil {
		return err
	}
	tx.Defer(`INSERT INTO notice_sends (id, notice_id, store_id, customer_id, channel, address, send_id, state, code, subject, body, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', '', $8, $9, $10)`,
		id, r.id, r.store, r.customer, s.Channel, s.Address, send, n.bare(out.Subject), n.bare(out.Text), db.At(tx.Now))
	governs, _ := json.Marshal(s.Notice) // its channels in this customer's order
	tx.Defer(`UPDATE notices SET outcome = 'sent', reason = $1, step = $2, channel = $3, language = $4, passed = $5, governs = $6, due_at = $7, sent_at = $7 WHERE id = $8`,
		string(s.Reason), int64(s.Step), s.Channel, lang, passedJSON(s.Passed), json.RawMessage(governs), db.At(tx.Now), r.id)
	l.Recent[s.Channel] = append(l.Recent[s.Channel], tx.Now)
	tx.Emit(db.Event{Store: r.store, Type: care.EventNoticeSent, Subject: r.id, Payload: care.NoticeEvent{Notice: r.id, Key: s.Notice.Key, Order: r.order, Customer: r.customer, Channel: s.Channel, Reason: string(s.Reason)}})
	if step := s.Notice.Channels[s.Step]; step.WaitS > 0 && s.Reports && s.Step+1 < len(s.Notice.Channels) {
		tx.Enqueue(db.Job{Store: r.store, Kind: jobFallback, Key: strconv.FormatInt(id, 10), RunAt: tx.Now.Add(time.Duration(step.WaitS) * time.Second), Payload: id})
	}
	n.hint(tx, r)
	return nil
}

// bare is what of a notice is kept to be read: without the keys that it was sent with.
func (n *Notify) bare(s string) string {
	if n.o.Goods == nil {
		return s
	}
	return n.o.Goods.Bare(s)
}

// messengers is where the customer finds the store's bots; who is in one already isn't asked again.
func (n *Notify) messengers(ctx context.Context, l *loaded, r row, now time.Time) string {
	for _, kind := range []care.IdentityKind{care.IdentityTelegram, care.IdentityViber, care.IdentityWhatsApp} {
		if len(l.handles[string(kind)]) > 0 {
			return ""
		}
	}
	return n.post.BotsURL(ctx, r.store, r.customer, r.order, now)
}

// onFallback tries the next channel when the one before hasn't delivered in its time.
func (n *Notify) onFallback(ctx context.Context, tx *db.Tx, j job.Job) error {
	var id int64
	if err := j.Decode(&id); err != nil {
		return err
	}
	return n.next(ctx, tx, `id`, id, "not_delivered", "queued", "sent")
}

// onDelivery notes what has become of a send; one that failed leads to the next channel at once.
func (n *Notify) onDelivery(ctx context.Context, tx *db.Tx, j job.Job) error {
	var e care.DeliveryEvent
	if err := j.Decode(&e); err != nil {
		return err
	}
	if e.Kind != KindNotice {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE notice_sends SET state = $1, code = $2 WHERE send_id = $3`, e.State, e.Code, j.Event.Subject)
	if err != nil {
		return err
	}
	switch e.State {
	case string(care.DeliveryFailed), post.StateCancelled:
		return n.next(ctx, tx, `send_id`, j.Event.Subject, "failed", e.State)
	case string(care.DeliveryDelivered), string(care.DeliveryRead):
		var id, order, customer, store int64
		err := tx.QueryRow(ctx, `SELECT s.id, n.order_id, n.customer_id, n.store_id FROM notice_sends s JOIN notices n ON n.id = s.notice_id WHERE s.send_id = $1`, j.Event.Subject).Scan(&id, &order, &customer, &store)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		tx.CancelJob(jobFallback, strconv.FormatInt(id, 10))
		n.hint(tx, row{store: store, order: order, customer: customer})
	}
	return nil
}

// next goes on from a send that is still in one of the states and is the notice's latest.
func (n *Notify) next(ctx context.Context, tx *db.Tx, column string, id int64, why string, states ...string) error {
	var send, notice int64
	var channel, state string
	err := tx.QueryRow(ctx, `SELECT id, notice_id, channel, state FROM notice_sends WHERE `+column+` = $1`, id).Scan(&send, &notice, &channel, &state)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil || !slices.Contains(states, state) {
		return err
	}
	r, err := n.row(ctx, tx, notice)
	if err != nil || r.channel != channel || r.outcome != Sent {
		return err
	}
	tx.CancelJob(jobFallback, strconv.FormatInt(send, 10))
	s := Send{Notice: r.governs, Moment: r.moment, Part: r.part, Step: r.step + 1, Reason: ReasonFallback, Passed: append(r.passed, Passed{channel, why})}
	if s.Step >= len(r.governs.Channels) {
		tx.Defer(`UPDATE notices SET passed = $1 WHERE id = $2`, passedJSON(s.Passed), r.id)
		if why == "not_delivered" {
			return nil // it may arrive yet
		}
		return n.fail(ctx, tx, r)
	}
	return n.goOn(ctx, tx, r, s)
}

func (n *Notify) fail(ctx context.Context, tx *db.Tx, r row) error {
	// What got through by an earlier channel after all hasn't failed.
	var arrived int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM notice_sends WHERE notice_id = $1 AND state IN ('sent', 'delivered', 'read')`, r.id).Scan(&arrived)
	if err != nil || arrived > 0 {
		return err
	}
	tx.Defer(`UPDATE notices SET outcome = 'failed', reason = $1 WHERE id = $2`, string(ReasonUndelivered), r.id)
	tx.Emit(db.Event{Store: r.store, Type: care.EventNoticeFailed, Subject: r.id, Payload: care.NoticeEvent{Notice: r.id, Key: r.governs.Key, Order: r.order, Customer: r.customer, Channel: r.channel, Reason: string(ReasonUndelivered)}})
	n.hint(tx, r)
	return nil
}

// hint tells open screens to read the customer again.
func (n *Notify) hint(tx *db.Tx, r row) {
	if n.o.Bus == nil || r.customer == 0 {
		return
	}
	data, _ := json.Marshal(map[string]any{"t": "customer", "customer_id": r.customer, "order_id": r.order})
	tx.AfterCommit(func() { n.o.Bus.Publish(fmt.Sprintf("live.agents.%d", r.store), data) })
}
