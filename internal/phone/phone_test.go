package phone_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
	"opeka/test/world/phones"
)

// He asks, an agent is reserved, he is rung, they talk, the agent says what came of it.
func TestACallbackFromAskingToSettled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		l := h.line(0)
		if l.Dialing.To != "+380671112233" {
			t.Errorf("rang %s", l.Dialing.To)
		}
		h.talk(olena, c.ID, l)
		c = h.dispose(olena, c.ID, phone.Settled, time.Time{})
		if c.State != phone.Done || c.Column != phone.ColumnDone || c.Attempts != 1 || len(c.Tries) != 1 || c.Tries[0].Result != phone.ResultAnswered {
			t.Errorf("%+v", c)
		}
		me, err := h.phone.Me(t.Context(), olena)
		if err != nil || me.State != "free" {
			t.Errorf("the agent: %+v %v", me, err)
		}
		h.until(olena, c.ID, "part of a conversation", func(c phone.Callback) bool { return c.Conversation != 0 })
	})
}

// Without an agent nobody is rung: there would be nobody to talk to.
func TestNobodyIsRungWithoutAnAgent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		c := h.ask(away, "+380671112233")
		if c.State != phone.Due || c.Reason != "no_agent" {
			t.Fatalf("%s because of %s", c.State, c.Reason)
		}
		if _, err := h.phone.Reachable(t.Context(), away, true, ""); err != nil {
			t.Fatal(err)
		}
		h.line(0)
		h.until(away, c.ID, "dialing", in(phone.Dialing))
		second := h.ask(away, "+380671112244")
		if second.State != phone.Due || len(h.world.Dialed()) != 1 {
			t.Errorf("one agent, two calls: %+v", second)
		}
	})
}

func TestHowAttemptsEnd(t *testing.T) {
	for _, c := range []struct {
		cause    care.LineCause
		result   phone.Result
		attempts int64
		retry    time.Duration
		state    phone.State
	}{
		{care.CauseBusy, phone.ResultBusy, 1, 10 * time.Minute, phone.Waiting},
		{care.CauseNoAnswer, phone.ResultNoAnswer, 1, time.Hour, phone.Waiting},
		{care.CauseRejected, phone.ResultRejected, 1, 4 * time.Hour, phone.Waiting},
		{care.CauseWrongNumber, phone.ResultWrongNumber, 1, 0, phone.Declined},
		{care.CauseNetwork, phone.ResultNetwork, 0, time.Minute, phone.Waiting},
	} {
		t.Run(string(c.cause), func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				olena := h.agent("Olena", true)
				made := h.ask(olena, "+380671112233")
				l := h.line(0)
				l.Rings()
				l.Ends(c.cause)
				got := h.until(olena, made.ID, string(c.result), func(x phone.Callback) bool { return x.LastResult == c.result })
				if got.State != c.state || got.Attempts != c.attempts {
					t.Fatalf("%+v", got)
				}
				if c.state != phone.Waiting {
					return
				}
				if wait := got.DueAt.Time().Sub(got.Tries[0].EndedAt.Time()); wait != c.retry {
					t.Errorf("again after %s, want %s", wait, c.retry)
				}
				h.clock.Move(c.retry + time.Second)
				h.line(1)
			})
		})
	}
}

func TestAnsweredAndGoneIsNoConversation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		l := h.line(0)
		l.Answers()
		l.Ends(care.CauseHangup)
		got := h.until(olena, c.ID, "dropped", func(x phone.Callback) bool { return x.LastResult == phone.ResultDropped })
		if got.State != phone.Waiting || got.Attempts != 1 {
			t.Errorf("%+v", got)
		}
		h.clock.Move(3 * time.Minute)
		h.line(1)
	})
}

// An agent who declines is no failed attempt, and the customer's telephone stops ringing.
func TestAnAgentMayDecline(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		l := h.line(0)
		l.Rings()
		h.until(olena, c.ID, "dialing", in(phone.Dialing))
		if _, err := h.phone.Decline(t.Context(), olena, c.ID, "I know him"); err != nil {
			t.Fatal(err)
		}
		if err := l.Until(t.Context(), (*phones.Line).Over); err != nil {
			t.Fatal(err)
		}
		got := h.until(olena, c.ID, "due again", in(phone.Due))
		if got.Attempts != 0 || got.Reason != "passed" {
			t.Errorf("%+v", got)
		}
		h.agent("Taras", true)
		h.line(1)
	})
}

func TestAnAgentLooksFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		set, err := h.phone.Settings(t.Context(), olena, h.store)
		if err != nil {
			t.Fatal(err)
		}
		set.Rules[0].Mode = phone.AgentFirst
		if _, err := h.phone.SetSettings(t.Context(), account.By{Scope: olena}, h.store, set); err != nil {
			t.Fatal(err)
		}
		c := h.ask(olena, "+380671112233")
		if c.State != phone.Offered || c.Agent != olena.Agent {
			t.Fatalf("%+v", c)
		}
		if _, err := h.phone.Accept(t.Context(), care.Scope{Agent: 1, Stores: olena.Stores, Permissions: olena.Permissions}, c.ID); !errors.Is(err, care.Conflict("phone.callback_moved_on")) {
			t.Errorf("somebody else accepts: %v", err)
		}
		if _, err := h.phone.Accept(t.Context(), olena, c.ID); err != nil {
			t.Fatal(err)
		}
		h.talk(olena, c.ID, h.line(0))
		h.dispose(olena, c.ID, phone.NotWanted, time.Time{})

		// Who doesn't answer an offer is taken off the telephone, so that the next customer doesn't wait for him too.
		c = h.ask(olena, "+380671112244")
		h.clock.Move(21 * time.Second)
		h.until(olena, c.ID, "due again", func(c phone.Callback) bool { return c.State == phone.Due })
		if me, err := h.phone.Me(t.Context(), olena); err != nil || me.Reachable || me.Reason != "no_reply" {
			t.Errorf("%+v %v", me, err)
		}
	})
}

func TestNotNowRingAtHalfPastSix(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		h.talk(olena, c.ID, h.line(0))
		at := time.Date(2026, 3, 2, 16, 30, 0, 0, time.UTC) // in Kyiv 18:30
		c = h.dispose(olena, c.ID, phone.Later, at)
		if c.State != phone.Waiting || c.Reason != "promised_time" || !c.DueAt.Time().Equal(at) || c.Column != phone.ColumnToday {
			t.Fatalf("%+v", c)
		}
		h.clock.Move(at.Sub(h.clock.Now()) + time.Second)
		h.line(1)
	})
}

func TestDoNotCallIsObeyed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		h.talk(olena, c.ID, h.line(0))
		if c = h.dispose(olena, c.ID, phone.NoCalls, time.Time{}); c.State != phone.Declined {
			t.Fatalf("%+v", c)
		}
		set, err := h.phone.Settings(t.Context(), olena, h.store)
		if err != nil {
			t.Fatal(err)
		}
		for i := range set.Rules {
			set.Rules[i].Active = true
		}
		if _, err := h.phone.SetSettings(t.Context(), account.By{Scope: olena}, h.store, set); err != nil {
			t.Fatal(err)
		}
		order := h.db.ID()
		err = h.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Emit(db.Event{Store: h.store, Type: care.EventPaymentFailed, Subject: order, Payload: care.OrderEvent{Order: order, Customer: c.Customer, Number: "1"}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var list []phone.Callback
		for len(list) < 2 {
			if list, err = h.phone.Board(t.Context(), olena, phone.BoardFilter{Column: phone.ColumnDone, Limit: 10}); err != nil {
				t.Fatal(err)
			}
			pause(t.Context())
		}
		if list[0].State != phone.Declined || list[0].Reason != "do_not_call" || len(h.world.Dialed()) != 1 {
			t.Errorf("%+v", list[0])
		}
		// Asked for by himself afterwards, it is his newer word.
		h.clock.Move(time.Minute)
		h.ask(olena, "+380671112233")
		h.line(1)
	})
}

func TestOneCallForSeveralReasons(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		first := h.ask(away, "+380671112233")
		second := h.ask(away, "+38 (067) 111-22-33")
		if first.ID != second.ID || len(second.Reasons) != 2 {
			t.Errorf("%d and %d: %+v", first.ID, second.ID, second.Reasons)
		}
		c, err := h.phone.Ask(t.Context(), away, phone.Asked{Store: h.store, Trigger: phone.TriggerAsked, Number: "+380671112244", Key: "form-1"})
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.phone.Ask(t.Context(), away, phone.Asked{Store: h.store, Trigger: phone.TriggerAsked, Number: "+380671112244", Key: "form-1"})
		if err != nil || again.ID != c.ID || len(again.Reasons) != 1 {
			t.Errorf("the same key: %+v %v", again, err)
		}
	})
}

// Five pieces, seven who wait: five are rung, in the order of asking; who doesn't want his leaves it to the sixth.
func TestNoMorePromisesThanPieces(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		v := h.variant("Куртка")
		var subs []int64
		for i := range 7 {
			s, err := h.phone.Subscribe(t.Context(), away, phone.Wish{Store: h.store, Variant: v, Number: fmt.Sprintf("+38067111000%d", i), How: "call", Quantity: 1})
			if err != nil {
				t.Fatal(err)
			}
			if s.Place != int64(i+1) {
				t.Errorf("place %d of %d", s.Place, i)
			}
			subs = append(subs, s.ID)
		}
		h.pieces(v, 5)
		state := func(i int) phone.Subscription {
			s, err := h.phone.Subscription(t.Context(), away, subs[i])
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		for i := range 5 {
			for state(i).State != phone.SubAllotted || state(i).Callback == 0 {
				pause(t.Context())
			}
		}
		if state(5).State != phone.SubWaiting || state(6).State != phone.SubWaiting {
			t.Errorf("more promises than pieces: %+v", state(5))
		}
		if _, err := h.phone.Reachable(t.Context(), away, true, ""); err != nil {
			t.Fatal(err)
		}
		l := h.line(0)
		if l.Dialing.To != "+380671110000" {
			t.Errorf("first rang %s", l.Dialing.To)
		}
		h.talk(away, state(0).Callback, l)
		h.dispose(away, state(0).Callback, phone.NotWanted, time.Time{})
		for state(5).State != phone.SubAllotted {
			pause(t.Context())
		}
		// What is sold elsewhere meanwhile isn't promised any more to those who weren't rung yet.
		h.pieces(v, 2)
		got := h.until(away, state(4).Callback, "waiting for goods", func(c phone.Callback) bool { return c.Reason == "stock_gone" || c.Reason == "stock_promised" })
		if got.State != phone.Waiting || state(4).State != phone.SubWaiting {
			t.Errorf("%+v", got)
		}
	})
}

// Its time runs out: the customer is told in writing, and that is on record.
func TestExpiryIsNeverSilent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		c := h.ask(away, "+380671112233")
		h.clock.Move(25 * time.Hour)
		got := h.until(away, c.ID, "told", func(c phone.Callback) bool { return c.ToldAt != 0 })
		if got.State != phone.Expired || got.Late == "" {
			t.Errorf("%+v", got)
		}
		var n int
		if err := h.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM messages WHERE code = 'callback_expired'`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d lines in conversations: %v", n, err)
		}
	})
}

// The program dies while it rings: the attempt is closed as unknown, once, and the customer is rung again.
func TestACrashWhileItRings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		c := h.ask(olena, "+380671112233")
		h.line(0).Rings()
		h.until(olena, c.ID, "ringing", func(c phone.Callback) bool { return len(c.Tries) == 1 && c.Tries[0].State == phone.CallRinging })
		// A crash leaves the rows as they are; the life that held them is found dead.
		h.exec(`UPDATE phone_lives SET lease_until_at = 1`)
		h.exec(`UPDATE calls SET life_id = 5`)
		h.exec(`INSERT INTO phone_lives (id, node_id, lease_until_at) VALUES (5, 1, 1)`)
		h.clock.Move(11 * time.Second)
		got := h.until(olena, c.ID, "unknown", func(c phone.Callback) bool { return c.LastResult == phone.ResultUnknown })
		if got.State != phone.Waiting || got.Attempts != 1 {
			t.Errorf("%+v", got)
		}
		h.clock.Move(6 * time.Minute)
		h.line(1)
	})
}

func TestOutage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		h.world.Down(true)
		c := h.ask(olena, "+380671112233")
		got := h.until(olena, c.ID, "put off", func(c phone.Callback) bool { return c.LastResult == phone.ResultNetwork })
		if got.Attempts != 0 {
			t.Errorf("%+v", got)
		}
		h.world.Down(false)
		h.clock.Move(time.Minute + time.Second)
		h.line(0)
	})
}

// Another store's callbacks don't exist.
func TestStoresApart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		c := h.ask(away, "+380671112233")
		other := care.Scope{Agent: away.Agent, Stores: []int64{99}, Permissions: map[int64][]care.Permission{99: {care.PermPhone}}}
		if _, err := h.phone.Cancel(t.Context(), other, c.ID, "x"); !errors.Is(err, care.NotFound("")) {
			t.Errorf("%v", err)
		}
		counts, err := h.phone.BoardCounts(t.Context(), away, h.store)
		if err != nil || counts.Due != 1 || counts.Done+counts.Today+counts.Waiting+counts.NoAnswer != 0 {
			t.Errorf("%+v %v", counts, err)
		}
	})
}

// A caller waits, presses 1, hangs up, and is rung in his turn, by the time at which he came.
func TestACallerKeepsHisPlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", false)
		if _, err := h.phone.SaveQueue(t.Context(), olena, phone.Queue{Store: h.store, Name: "Sales"}); err != nil {
			t.Fatal(err)
		}
		caller := h.rings("+380671112233", olena)
		h.calls(olena, "waiting", func(c phone.Call) bool { return c.State == phone.CallWaiting && c.Customer != 0 })
		came := h.clock.Now()
		h.clock.Move(5 * time.Minute)
		later := h.ask(olena, "+380671119999")
		caller.Presses('1')
		if err := caller.Until(t.Context(), (*phones.Line).Over); err != nil {
			t.Fatal(err)
		}
		h.calls(olena, "to be rung back", func(c phone.Call) bool { return c.Result == phone.ResultQueued && c.State == phone.CallEnded })
		list, err := h.phone.Board(t.Context(), olena, phone.BoardFilter{Limit: 10})
		if err != nil || len(list) != 2 {
			t.Fatalf("%d callbacks: %v", len(list), err)
		}
		for _, c := range list {
			if c.ID != later.ID && c.AskedAt.Time().Sub(came).Abs() > time.Minute {
				t.Errorf("his place: %s, he came %s", c.AskedAt, came)
			}
		}
		if _, err := h.phone.Reachable(t.Context(), olena, true, ""); err != nil {
			t.Fatal(err)
		}
		if l := h.line(0); l.Dialing.To != "+380671112233" {
			t.Errorf("first rang %s, who came later", l.Dialing.To)
		}
	})
}

func TestACallerIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		if _, err := h.phone.SaveQueue(t.Context(), olena, phone.Queue{Store: h.store, Name: "Sales"}); err != nil {
			t.Fatal(err)
		}
		caller := h.rings("+380671112233", olena)
		c := h.calls(olena, "offered", func(c phone.Call) bool { return c.State == phone.CallOffered && c.Agent == olena.Agent })
		// She doesn't look: he goes back to his place, and she off the telephone.
		h.clock.Move(21 * time.Second)
		h.calls(olena, "waiting again", func(c phone.Call) bool { return c.State == phone.CallWaiting })
		if _, err := h.phone.Reachable(t.Context(), olena, true, ""); err != nil {
			t.Fatal(err)
		}
		h.calls(olena, "offered again", func(c phone.Call) bool { return c.State == phone.CallOffered })
		if _, err := h.phone.Answer(t.Context(), olena, c.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.phone.Hold(t.Context(), olena, c.ID, true); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(time.Minute)
		if _, err := h.phone.Hold(t.Context(), olena, c.ID, false); err != nil {
			t.Fatal(err)
		}
		caller.Ends(care.CauseHangup)
		h.calls(olena, "wrapped up", func(c phone.Call) bool { return c.State == phone.CallWrapUp && c.HoldMS >= 60_000 })
		if _, err := h.phone.WrapUp(t.Context(), olena, c.ID, phone.Settled, "told the price"); err != nil {
			t.Fatal(err)
		}
		h.calls(olena, "in a conversation", func(c phone.Call) bool { return c.State == phone.CallEnded && c.Conversation != 0 })
		live, err := h.phone.LiveOf(t.Context(), olena, h.store)
		if err != nil || live.Answered != 1 || live.ServiceLevel == nil || *live.ServiceLevel != 0 || len(live.Agents) != 1 {
			t.Errorf("%+v %v", live, err)
		}
	})
}

func TestWhoHangsUpIsRungBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", false)
		l := h.rings("+380671112233", olena)
		if err := l.Until(t.Context(), (*phones.Line).Over); err != nil || l.PickedUp() {
			t.Fatalf("answered where nobody takes calls: %v", err)
		}
		if _, err := h.phone.SaveQueue(t.Context(), olena, phone.Queue{Store: h.store, Name: "Sales"}); err != nil {
			t.Fatal(err)
		}
		caller := h.rings("+380671112233", olena)
		h.calls(olena, "waiting", func(c phone.Call) bool { return c.State == phone.CallWaiting })
		caller.Ends(care.CauseHangup)
		h.calls(olena, "abandoned", func(c phone.Call) bool { return c.Result == phone.ResultAbandoned })
		list, err := h.phone.Board(t.Context(), olena, phone.BoardFilter{Limit: 10})
		if err != nil || len(list) != 1 || list[0].Reasons[0].Trigger != phone.TriggerAbandoned {
			t.Errorf("%+v %v", list, err)
		}
	})
}
