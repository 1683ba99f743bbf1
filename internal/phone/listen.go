package phone

import (
	"context"
	"encoding/json"
	"fmt"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/messages"
)

// Hears are the events that may make a callback; app/wire.go routes them to JobHeard.
var Hears = []string{care.EventPaymentFailed, care.EventShipmentException, care.EventExceptionRaised, care.EventInquiryAnswered}

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
		// The detectors of exceptions may find the same later: one call for both.
		k.Source = fmt.Sprintf("%s:%d:%s", k.Trigger, e.Order, e.Part)
	case care.EventExceptionRaised:
		var e care.ExceptionEvent
		if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
			return err
		}
		if e.Work != care.WorkCallback {
			return nil
		}
		k.Customer, k.SubjectKind, k.Subject = e.Customer, "order", e.Order
		switch e.Kind {
		case care.ExceptionPaymentMissing:
			k.Trigger = TriggerPayment
		case care.ExceptionNotConfirmed:
			k.Trigger = TriggerConfirm
		case care.ExceptionParcelStuck, care.ExceptionAttemptFailed, care.ExceptionParcelTrouble, care.ExceptionStorageEnding:
			k.Trigger = TriggerParcel
		default:
			k.Trigger = TriggerPromise // the rule that it came by asks for a call, whatever it is about
		}
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

// tellCustomer writes to a customer who is not rung any more, so that silence is never all that he gets.
func (p *Phone) tellCustomer(ctx context.Context, j job.Job) (job.Done, error) {
	n := care.CallNote{Key: fmt.Sprintf("told:%d", j.Event.ID), Store: j.Event.Store}
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
		return nil, p.write(ctx, n, e.Customer)
	}
	var e care.CallbackEvent
	if err := json.Unmarshal(j.Event.Payload, &e); err != nil {
		return nil, err
	}
	n.Number, n.Language, n.Conversation, n.Code = e.Number, e.Language, e.Conversation, "callback_"+e.State
	n.Params = map[string]any{"reason": e.Reason, "attempts": e.Attempts, "callback_id": e.Callback}
	words := "phone.notice." + e.State
	if e.Attempts == 0 && e.State == string(Expired) { // nobody was rung, and he is told nothing else
		words += "_untried"
	}
	n.Body = messages.T(p.language(ctx, n.Store, e.Language), words, map[string]any{"number": e.Number})
	if err := p.write(ctx, n, e.Customer); err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE callbacks SET told_at = $1 WHERE id = $2 AND told_at = 0`, db.At(tx.Now), e.Callback)
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

// write finds where the customer can read it: the conversation that it is about, else his latest in writing of the last month, else the one on the telephone,
// where agents see it.
func (p *Phone) write(ctx context.Context, n care.CallNote, customer int64) error {
	if p.talks == nil {
		return nil
	}
	if n.Conversation == 0 && customer != 0 {
		family, err := familyOf(ctx, p.db.Read(), customer)
		if err != nil {
			return err
		}
		rows, err := p.db.Read().Query(ctx, `SELECT id FROM conversations WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 AND channel <> 'phone' AND channel <> 'form' AND latest AND last_message_at > $3
ORDER BY last_message_at DESC LIMIT 1`, family, n.Store, db.At(p.db.Now().AddDate(0, -1, 0)))
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := rows.Scan(&n.Conversation); err != nil {
				rows.Close()
				return err
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
	}
	_, err := p.talks.Call(ctx, n)
	return err
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
