package phone_test

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
	"opeka/test/world/phones"
)

// trigger writes down that something happens for which a call may be owed.
func (w *week) trigger(i int, at time.Time) {
	p := w.people[w.numbers[w.r.IntN(len(w.numbers))]]
	kind := phone.Triggers[i%len(phone.Triggers)]
	key := fmt.Sprintf("week-%d", i)
	thing, n := w.things[w.r.IntN(len(w.things))], int64(1+w.r.IntN(2))
	named := time.Duration(0)
	if w.r.IntN(3) == 0 {
		named = time.Hour + time.Duration(w.r.IntN(30*60))*time.Minute
	}
	owner := w.clerks[1+w.r.IntN(len(w.clerks)-1)].scope
	w.at(at, func() {
		now := w.clock.Now()
		switch kind {
		case phone.TriggerStock:
			s, err := w.phone.Subscribe(w.t.Context(), owner, phone.Wish{Store: w.store, Variant: thing, Number: p.number, How: "call", Quantity: n})
			if err != nil {
				w.t.Fatal(err)
			}
			p.asked = now
			w.wishes = append(w.wishes, s.ID)
			w.in(time.Duration(1+i%20)*time.Hour, func() { // the shop gets some, seldom enough for all
				w.pieces[thing] += 1 + int64(i%2)
				w.house.pieces(thing, w.pieces[thing])
			})
			return
		case phone.TriggerPayment, phone.TriggerParcel, phone.TriggerConfirm, phone.TriggerInquiry:
			w.happens(kind, p, int64(i+1))
		case phone.TriggerAsked, phone.TriggerPromise:
			a := phone.Asked{Store: w.store, Trigger: kind, Number: p.number, Key: key}
			if named != 0 {
				a.At = now.Add(named)
			}
			c, err := w.phone.Ask(w.t.Context(), owner, a)
			if err != nil {
				w.t.Fatal(err)
			}
			w.owed["ask:"+key] = c.ID
			if i%5 == 0 { // and once more, as a careful program does
				if again, err := w.phone.Ask(w.t.Context(), owner, a); err != nil || again.ID != c.ID {
					w.t.Errorf("the same key: %d and %d, %v", c.ID, again.ID, err)
				}
			}
			key = "ask:" + key
		case phone.TriggerAbandoned:
			if i%2 == 0 {
				w.ringsIn(p, i)
				return
			}
			fallthrough
		default:
			w.change(func(tx *db.Tx) error {
				got, err := w.phone.Owe(context.Background(), tx, phone.Cause{Store: w.store, Trigger: kind, Source: key, Number: p.number})
				w.owed[key] = got.Callback
				return err
			})
		}
		switch kind {
		case phone.TriggerPayment, phone.TriggerParcel, phone.TriggerConfirm:
		default:
			p.asked = now
		}
		if w.owed[key] == 0 { // told by an event: its key is not known here
			return
		}
		d := deed{key: key, number: p.number, at: now}
		var promised time.Time
		if kind == phone.TriggerAsked || kind == phone.TriggerPromise {
			if named != 0 {
				promised = now.Add(named)
			}
		}
		d.allowed = w.allowed(p, now, promised)
		w.deeds = append(w.deeds, d)
		w.told(&w.deeds[len(w.deeds)-1])
	})
}

// happens tells of what other rooms tell.
func (w *week) happens(kind phone.Trigger, p *person, n int64) {
	w.change(func(tx *db.Tx) error {
		e := db.Event{Store: w.store, Subject: n}
		switch kind {
		case phone.TriggerPayment:
			e.Type, e.Payload = care.EventPaymentFailed, care.OrderEvent{Order: n, Customer: p.id}
		case phone.TriggerParcel:
			e.Type, e.Payload = care.EventShipmentException, care.OrderEvent{Order: n, Customer: p.id}
		case phone.TriggerConfirm:
			e.Type, e.Payload = care.EventExceptionRaised, care.ExceptionEvent{Kind: care.ExceptionNotConfirmed, Order: n, Customer: p.id, Work: care.WorkCallback}
		default:
			e.Type, e.Payload = care.EventInquiryAnswered, care.InquiryEvent{Inquiry: n, Customer: p.id, Call: true, Answer: "yes"}
		}
		tx.Emit(e)
		return nil
	})
}

// ringsIn is a customer who rings the shop: he may be answered, press 1 for a call back, or lose his patience.
func (w *week) ringsIn(p *person, i int) {
	if w.onTheLine(p.number) {
		return
	}
	l := w.rings(p.number, care.Scope{})
	w.live = append(w.live, l)
	w.eventually("a caller's place in the queue", func() bool {
		var n int
		w.look(`SELECT count(*) FROM calls WHERE store_id = $1 AND number = $2 AND created_at > 0 AND direction = 'in' AND state IN ('waiting', 'offered')`, &n, w.store, p.number)
		return n > 0
	})
	p.asked = w.clock.Now()
	w.in(2*time.Minute, func() {
		if l.Over() {
			return
		}
		if i%4 == 0 {
			l.Presses('1')
		} else {
			l.Ends(care.CauseHangup)
		}
		w.in(time.Minute, func() { l.Ends(care.CauseHangup) })
	})
}

func (w *week) onTheLine(number string) bool {
	for _, l := range w.live {
		if !l.Over() && (l.Dialing.To == number || l.From() == number) {
			return true
		}
	}
	return false
}

// hear notes which telephones have begun to ring. It must be asked before the clock moves on.
func (w *week) hear() {
	all := w.world.Dialed()
	for _, l := range all[w.heard:] {
		w.fresh = append(w.fresh, rang{l, w.clock.Now()})
	}
	w.heard = len(all)
}

// meet looks at the telephones that have begun to ring, whether they may, and lets their people do as they will.
func (w *week) meet() {
	w.hear()
	fresh := w.fresh
	w.fresh = nil
	for _, f := range fresh {
		w.examine(f)
		w.live = append(w.live, f.line)
		w.rung[f.line.Dialing.To]++
		w.answer(f.line, w.rung[f.line.Dialing.To])
	}
	kept := w.live[:0]
	for _, l := range w.live {
		if !l.Over() {
			kept = append(kept, l)
		}
	}
	w.live = kept
}

// answer is what the person at the other end does.
func (w *week) answer(l *phones.Line, nth int) {
	id, _ := strconv.ParseInt(l.Dialing.Key, 10, 64)
	f := fate(l.Dialing.To, nth)
	ends := func(cause care.LineCause) {
		l.Ends(cause)
		w.noted(id, `state IN ('wrapup', 'ended')`)
	}
	if f.IntN(25) == 0 {
		ends(care.CauseNetwork)
		return
	}
	l.Rings()
	w.noted(id, `(rang_at > 0 OR state = 'ended')`)
	causes := []care.LineCause{care.CauseNoAnswer, care.CauseNoAnswer, care.CauseNoAnswer, care.CauseBusy, care.CauseBusy, care.CauseRejected}
	after, talk := time.Duration(20+f.IntN(20))*time.Second, time.Duration(40+f.IntN(180))*time.Second
	switch kind := f.IntN(100); {
	case kind < 35:
		cause := causes[f.IntN(len(causes))]
		w.in(after, func() { ends(cause) })
	case kind < 37:
		ends(care.CauseWrongNumber)
	default:
		w.in(after, func() {
			l.Answers()
			w.noted(id, `(picked_at > 0 OR state = 'ended')`)
			switch {
			case kind < 42:
				ends(care.CauseHangup)
			case kind < 46:
				w.in(talk/2, func() { ends(care.CauseMedia) })
			default:
				w.in(talk, func() { ends(care.CauseHangup) })
			}
		})
	}
}

// noted waits until a call's row knows what its line said.
func (w *week) noted(call int64, as string) {
	w.t.Helper()
	w.eventually("a row that says "+as, func() bool {
		var n int
		w.look(`SELECT count(*) FROM calls WHERE id = $1 AND `+as, &n, call)
		return n > 0
	})
}

// attend lets the agents do what their screens show.
func (w *week) attend() {
	type desk struct {
		state, reason, presence string
		callback, call          int64
		reachable               bool
	}
	for _, c := range w.clerks[1:] {
		me, err := w.phone.Me(w.t.Context(), c.scope)
		if err != nil {
			w.t.Fatal(err)
		}
		d := desk{me.State, me.Reason, me.Presence, me.Callback, me.Call, me.Reachable}
		key := fmt.Sprint(d, me.SinceAt)
		if w.acted[c.scope.Agent] == key {
			continue
		}
		w.acted[c.scope.Agent] = key
		f := fate(fmt.Sprint(c.scope.Agent-w.clerks[0].scope.Agent), int(me.SinceAt.Time().Unix()))
		switch {
		case d.reason == "no_reply" && d.presence == "ready":
			w.in(10*time.Minute, func() { w.comes(c) })
		case d.state == "offered" && d.callback == 0:
			if f.IntN(8) > 0 {
				w.in(tick, func() { _, _ = w.phone.Answer(w.t.Context(), c.scope, d.call) })
			}
		case d.state == "talking" && d.callback == 0:
			w.in(90*time.Second, func() { _, _ = w.phone.Hangup(w.t.Context(), c.scope, d.call) })
		case d.state == "offered":
			switch f.IntN(12) {
			case 0: // doesn't look
			case 1:
				w.in(tick, func() { _, _ = w.phone.Decline(w.t.Context(), c.scope, d.callback, "") })
			default:
				w.in(time.Duration(20+f.IntN(80))*time.Second, func() { _, _ = w.phone.Accept(w.t.Context(), c.scope, d.callback) })
			}
		case d.state == "wrapup":
			w.in(time.Duration(20+f.IntN(40))*time.Second, func() { w.says(c, d.callback, d.call, f.IntN(100)) })
		}
	}
}

// says is what the agent says came of a call.
func (w *week) says(c *clerk, callback, call int64, n int) {
	if callback == 0 {
		_, _ = w.phone.WrapUp(w.t.Context(), c.scope, call, phone.Settled, "")
		return
	}
	at, d := time.Time{}, phone.Settled
	switch {
	case n < 4: // forgets to
		return
	case n < 24:
		d = phone.Ordered
	case n < 36:
		d = phone.NotWanted
	case n < 46:
		d, at = phone.Later, w.clock.Now().Add(time.Duration(1+n)*37*time.Minute)
	case n < 50:
		d = phone.Machine
	case n < 53:
		d = phone.NoCalls
	case n < 55:
		d = phone.WrongPerson
	}
	got, err := w.phone.Dispose(w.t.Context(), c.scope, callback, d, at, "")
	if err == nil && d == phone.NoCalls {
		w.people[got.Number].never = w.clock.Now()
	}
	if err == nil && d == phone.Ordered {
		for _, r := range got.Reasons { // the shop's own count knows of it soon
			if r.Trigger == phone.TriggerStock {
				w.in(65*time.Minute, func() {
					w.pieces[r.Subject] = max(0, w.pieces[r.Subject]-r.Quantity)
					w.house.pieces(r.Subject, w.pieces[r.Subject])
				})
			}
		}
	}
}

// restart ends the program, every other time by force, where it can in the midst of a call, and begins a new life over the same database.
func (w *week) restart(i, waited int) {
	if len(w.live) == 0 && waited < 180 {
		w.in(time.Minute, func() { w.restart(i, waited+1) })
		return
	}
	w.done++
	if i%2 == 0 {
		p := w.people[w.numbers[w.r.IntN(len(w.numbers))]]
		w.ask(w.clerks[0].scope, p.number) // what comes of it is under way when the program dies
		p.asked = w.clock.Now()
		w.phone.Crash()
	}
	w.stop()
	w.hear()
	old := w.live
	for _, f := range w.fresh {
		old = append(old, f.line)
	}
	w.live = nil // who is rung by the new life isn't on a line of the old one any more
	away := []time.Duration{time.Second, 10 * time.Second, 40 * time.Second, 5 * time.Minute, 20 * time.Minute}[i%5]
	switch i { // somebody pulled the plug, and it was noticed late
	case 8:
		away = 3 * time.Hour
	case 14:
		away = 11 * time.Hour
	}
	from := w.clock.Now()
	w.clock.Move(away)
	w.dark = append(w.dark, dark{"program", from, w.clock.Now()})
	w.open()
	w.settle()
	w.meet()
	for _, l := range old {
		l.Ends(care.CauseNetwork) // the new life has closed its call already
	}
}
