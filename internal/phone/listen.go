package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/messages"
)

// Hears are the events that may make a callback; app/wire.go routes them to JobHeard.
var Hears = []string{care.EventPaymentFailed, care.EventShipmentException, care.EventExceptionRaised, care.EventExceptionClosed, care.EventInquiryAnswered}

// listen makes the callback that something elsewhere in the house asks for.
func (p *Phone) listen(ctx context.Context, tx *db.Tx, j job.Job) error {
	k := Cause{Store: j.Event.Store, Source: fmt.Sprintf("event:%d", j.Event.ID)}
	switch j.Event.Type {
	case care.EventPaymentFailed, care.EventShipmentException:
		var e care.OrderEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return err
		}
		if e.Backfill {
			return nil
		}
		k.Trigger, k.Customer, k.SubjectKind, k.Subject = TriggerPayment, e.Customer, "order", e.Order
		if j.Event.Type == care.EventShipmentException {
			k.Trigger = TriggerParcel
		}
		k.Source = fmt.Sprintf("%s:%d:%s", k.Trigger, e.Order, e.Part)
		if known, err := p.heardOf(ctx, tx, k); err != nil || known {
			return err
		}
		if no, err := noCalls(ctx, tx, e.Order); err != nil {
			return err
		} else if no {
			p.refused(tx, k, "do_not_call")
			return nil
		}
	case care.EventExceptionRaised:
		var e care.ExceptionEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return err
		}
		k.Wanted, k.Source = e.Work == care.WorkCallback, fmt.Sprintf("exception:%d", e.Exception)
		k.Customer, k.SubjectKind, k.Subject = e.Customer, "order", e.Order
		k.Trigger = triggerOf(e.Kind)
		if !k.Wanted {
			set, err := settings(ctx, tx, k.Store)
			if err != nil || k.Trigger == TriggerPromise || !set.rule(k.Trigger).Active {
				return err
			}
		}
		if e.NoCall { // nor does the store's own rule ring him then
			p.refused(tx, k, "do_not_call")
			return nil
		}
		if known, err := p.heardOf(ctx, tx, k); err != nil || known {
			return err
		}
	case care.EventExceptionClosed:
		var e care.ExceptionEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return err
		}
		for _, source := range []string{fmt.Sprintf("exception:%d", e.Exception), fmt.Sprintf("%s:%d:%s", TriggerParcel, e.Order, e.Part)} {
			if source[0] != 'e' && triggerOf(e.Kind) != TriggerParcel {
				continue
			}
			if err := p.settled(ctx, tx, j.Event.Store, source); err != nil {
				return err
			}
		}
		return nil
	case care.EventInquiryAnswered:
		var e care.InquiryEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return err
		}
		if !e.Call {
			return nil
		}
		k.Trigger, k.Customer, k.Conversation, k.Owner, k.Note = TriggerInquiry, e.Customer, e.Conversation, e.Agent, e.Answer
		k.SubjectKind, k.Subject = "inquiry", e.Inquiry
	default:
		return nil
	}
	_, err := p.Owe(ctx, tx, k)
	return err
}

// triggerOf is by which rule a customer is rung about an exception.
func triggerOf(k care.ExceptionKind) Trigger {
	switch k {
	case care.ExceptionPaymentMissing:
		return TriggerPayment
	case care.ExceptionNotConfirmed:
		return TriggerConfirm
	case care.ExceptionParcelStuck, care.ExceptionAttemptFailed, care.ExceptionParcelTrouble, care.ExceptionStorageEnding:
		return TriggerParcel
	}
	return TriggerPromise // only where the policy that found it asks for a call
}

// heardOf tells whether the same trouble with the order has just made a call already: what a shop tells as an event the detectors of exceptions
// find too, and the customer is rung once for both. The order's row keeps the two apart.
func (p *Phone) heardOf(ctx context.Context, tx *db.Tx, k Cause) (bool, error) {
	var n int64
	if err := tx.QueryRow(ctx, `SELECT id FROM orders WHERE id = $1 FOR UPDATE`, k.Subject).Scan(&n); err != nil && !errors.Is(err, db.ErrNoRows) {
		return false, err
	}
	err := tx.QueryRow(ctx, `SELECT count(*) FROM callback_reasons r JOIN callbacks c ON c.id = r.callback_id WHERE c.store_id = $1
AND r.trigger = $2 AND r.subject_kind = 'order' AND r.subject_id = $3 AND r.source <> $4 AND r.created_at > $5`, k.Store, k.Trigger, k.Subject, k.Source, db.At(tx.Now.Add(-sameTrouble))).Scan(&n)
	return n > 0, err
}

// sameTrouble is how long after a call was owed for an order's trouble the same trouble is no news.
const sameTrouble = time.Hour

// noCalls tells whether an order was placed with the wish not to be rung about it.
func noCalls(ctx context.Context, q db.Querier, order int64) (bool, error) {
	var tags, custom json.RawMessage
	err := q.QueryRow(ctx, `SELECT tags, custom FROM orders WHERE id = $1`, order).Scan(&tags, &custom)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var list []string
	var fields map[string]string
	return errors.Join(json.Unmarshal(tags, &list), json.Unmarshal(custom, &fields)) == nil && care.SaysNoCall(list, fields), nil
}

// settled takes a reason from the call that is owed for it, since it has gone away by itself; a call without any other isn't made.
func (p *Phone) settled(ctx context.Context, tx *db.Tx, store int64, source string) error {
	var id int64
	err := tx.QueryRow(ctx, `UPDATE callback_reasons SET gone_at = $1 WHERE store_id = $2 AND source = $3 AND gone_at = 0 RETURNING callback_id`, db.At(tx.Now), store, source).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := loadCallback(ctx, tx, id, true)
	if err != nil {
		return err
	}
	if c.State != Offered { // somebody who looks at the case only is let go
		_, err = p.replan(ctx, tx, &c)
		return err
	}
	plan, err := p.still(ctx, tx, &c)
	if err != nil || plan.State != Cancelled {
		return err
	}
	return p.takeBack(ctx, tx, &c, c.Agent, "cause_gone", false)
}

// tellCustomer writes to a customer who is not rung any more, so that silence is never all that he gets.
func (p *Phone) tellCustomer(ctx context.Context, j job.Job) (job.Done, error) {
	n := care.CallNote{Key: fmt.Sprintf("told:%d", j.Event.ID), Store: j.Event.Store}
	l := letter{store: n.Store, key: n.Key}
	callback := int64(0)
	if j.Event.Type == care.EventStockTold {
		var e care.SubscriptionEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return nil, err
		}
		var name string
		err := p.db.Read().QueryRow(ctx, `SELECT p.name FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1`, e.Variant).Scan(&name)
		if err != nil {
			return nil, missing(err, "variant")
		}
		n.Number, n.Language, n.Code, n.Params = e.Number, e.Language, "stock_told", map[string]any{"product": name, "customer_id": e.Customer}
		n.Body = messages.T(p.language(ctx, n.Store, e.Language), "phone.notice.stock", map[string]any{"product": name})
		l.customer, l.ref, l.words, l.args = e.Customer, e.Subscription, "stock", map[string]any{"product": name}
	} else {
		var e care.CallbackEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return nil, err
		}
		n.Number, n.Language, n.Conversation, n.Code = e.Number, e.Language, e.Conversation, "callback_"+e.State
		n.Params = map[string]any{"reason": e.Reason, "attempts": e.Attempts, "callback_id": e.Callback}
		words := e.State
		if e.Attempts == 0 && e.State == string(Expired) { // nobody was rung, and he is told nothing else
			words += "_untried"
		}
		n.Body = messages.T(p.language(ctx, n.Store, e.Language), "phone.notice."+words, map[string]any{"number": e.Number})
		callback, l.customer, l.ref, l.words, l.args = e.Callback, e.Customer, e.Callback, words, map[string]any{"number": e.Number}
	}
	l.number, l.language = n.Number, n.Language
	read, err := p.readable(ctx, &n, l.customer)
	if err != nil {
		return nil, err
	}
	if p.talks != nil && (n.Number != "" || n.Conversation != 0) {
		if _, err := p.talks.Call(ctx, n); err != nil {
			return nil, err
		}
	}
	return func(tx *db.Tx) error {
		if !read {
			sent, err := p.send(ctx, tx, l)
			if err != nil {
				return err
			}
			if !sent && callback != 0 { // agents see it in the history, and in the conversation on the telephone
				c, err := loadCallback(ctx, tx, callback, false)
				if err != nil {
					return err
				}
				decided(tx, &c, why("no_way_to_write"), 0)
			}
		}
		_, err := tx.Exec(ctx, `UPDATE callbacks SET told_at = $1 WHERE id = $2 AND told_at = 0`, db.At(tx.Now), callback)
		return err
	}, nil
}

// language is the customer's, or the store's.
func (p *Phone) language(ctx context.Context, store int64, lang string) string {
	if l := messages.Match(lang); l != "" {
		return l
	}
	f, err := p.store(ctx, p.db.Read(), store)
	if err != nil {
		return "en"
	}
	return f.Language
}

// readable finds where the customer can read what he is told: the conversation that it is about, else his latest in writing of the last month. Where there is neither, agents
// see it in the one on the telephone, and he needs a letter.
func (p *Phone) readable(ctx context.Context, n *care.CallNote, customer int64) (bool, error) {
	q := p.db.Read()
	if n.Conversation != 0 {
		var channel string
		if err := q.QueryRow(ctx, `SELECT channel FROM conversations WHERE id = $1`, n.Conversation).Scan(&channel); err != nil {
			return false, missing(err, "conversation")
		}
		if channel != care.ChannelPhone && channel != care.ChannelForm {
			return true, nil
		}
	}
	if customer == 0 {
		return false, nil
	}
	family, err := familyOf(ctx, q, customer)
	if err != nil {
		return false, err
	}
	var id int64
	err = q.QueryRow(ctx, `SELECT id FROM conversations WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 AND channel <> 'phone' AND channel <> 'form' AND latest AND last_message_at > $3
ORDER BY last_message_at DESC LIMIT 1`, family, n.Store, db.At(p.db.Now().AddDate(0, -1, 0))).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		n.Conversation = id
	}
	return err == nil, err
}

// noteCall makes a call that ended part of its conversation.
func (p *Phone) noteCall(ctx context.Context, j job.Job) (job.Done, error) {
	if p.talks == nil {
		return nil, nil
	}
	c, err := loadCall(ctx, p.db.Read(), j.Event.Subject, false)
	if err != nil || c.Number == "" || c.Result == ResultAgentDeclined {
		return nil, err
	}
	talk := int64(0)
	if c.Answered != 0 {
		talk = int64(c.Ended.Time().Sub(c.Answered.Time()).Seconds())
	}
	n := care.CallNote{Key: "call:" + itoa(c.ID), Store: c.Store, Conversation: c.Conversation, Number: c.Number, Name: c.Display, Language: c.Language, Code: "call_" + c.Direction,
		Params: map[string]any{"result": c.Result, "seconds": talk, "call_id": c.ID}}
	if talk > 0 {
		n.Agent = c.Agent
	}
	if c.Result == ResultVoicemail {
		if n.Conversation, err = p.noteVoicemail(ctx, &c); err != nil {
			return nil, err
		}
	}
	id, err := p.talks.Call(ctx, n)
	if err != nil || id == c.Conversation {
		return nil, err
	}
	return func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE calls SET conversation_id = $1 WHERE id = $2 AND conversation_id = 0`, id, c.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE callbacks SET conversation_id = $1 WHERE id = $2 AND conversation_id = 0`, id, c.Callback)
		return err
	}, nil
}
