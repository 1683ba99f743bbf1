package phone_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/phone"
	"opeka/test/world/phones"
)

// talking has an agent talk with somebody whom he rang.
func (h *house) talking(s care.Scope, number string) (int64, *phones.Line) {
	h.t.Helper()
	n := len(h.world.Dialed())
	c, err := h.phone.Dial(h.t.Context(), s, phone.NewCall{Store: h.store, Number: number})
	if err != nil {
		h.t.Fatal(err)
	}
	l := h.line(n)
	l.Answers()
	h.stands(c.ID, s, "talking", func(c phone.CurrentCall) bool { return c.State == phone.CallTalking })
	h.clock.Move(time.Minute)
	return c.ID, l
}

// stands waits until a call is as ok says.
func (h *house) stands(id int64, s care.Scope, what string, ok func(phone.CurrentCall) bool) phone.CurrentCall {
	h.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		c, err := h.phone.CurrentCall(h.t.Context(), s, id)
		if err != nil {
			h.t.Fatal(err)
		}
		if ok(c) {
			return c
		}
		if time.Now().After(end) {
			h.t.Fatalf("never %s: %+v", what, c)
		}
		pause(h.t.Context())
	}
}

func (h *house) state(s care.Scope) string {
	h.t.Helper()
	a, err := h.phone.Me(h.t.Context(), s)
	if err != nil {
		h.t.Fatal(err)
	}
	return a.State
}

func (h *house) is(s care.Scope, state string) {
	h.t.Helper()
	for end := time.Now().Add(2 * time.Minute); h.state(s) != state; pause(h.t.Context()) {
		if time.Now().After(end) {
			h.t.Fatalf("the agent is %s, not %s", h.state(s), state)
		}
	}
}

func (h *house) done(_ any, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	var e *care.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// course are the steps of a call.
func (h *house) course(s care.Scope, id int64) (out []string) {
	h.t.Helper()
	steps, err := h.phone.Course(h.t.Context(), s, id)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, x := range steps {
		out = append(out, x.Code)
	}
	return out
}

// Handed over without a word, a customer gets the colleague who takes him, and what came of it is asked of that one.
func TestACustomerIsHandedOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		id, l := h.talking(olena, "+380671112233")
		_, err := h.phone.Transfer(ctx, olena, id, phone.Target{})
		refused(t, err, "phone.one_target")
		_, err = h.phone.Transfer(ctx, taras, id, phone.Target{Agent: taras.Agent})
		refused(t, err, "phone.call_moved_on")
		h.done(h.phone.Transfer(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		h.is(olena, "free")
		h.is(taras, "offered")
		h.clock.Move(5 * time.Second)
		list, err := h.phone.CurrentCalls(ctx, taras)
		if err != nil || len(list) != 1 || !slices.Contains(list[0].Can, "answer") {
			t.Fatalf("%+v %v", list, err)
		}
		h.done(h.phone.Answer(ctx, taras, id))
		c := h.stands(id, taras, "taken", func(c phone.CurrentCall) bool { return c.State == phone.CallTalking && c.Agent == taras.Agent })
		if c.HoldMS < 5000 || c.HoldMS > 15000 {
			t.Errorf("he heard music for %d ms", c.HoldMS)
		}
		h.clock.Move(time.Minute)
		l.Ends(care.CauseHangup)
		h.is(taras, "wrapup")
		h.done(h.phone.WrapUp(ctx, taras, id, phone.Settled, ""))
		h.is(taras, "free")
		want := []string{"dialled", "started", "answered", "offered", "transferred", "taken", "ended", "wrapped"}
		got := slices.DeleteFunc(h.course(olena, id), func(s string) bool { return s == "offered" })
		if !slices.Equal(got, slices.DeleteFunc(want, func(s string) bool { return s == "offered" })) {
			t.Errorf("%v", got)
		}
	})
}

// Whom nobody takes comes back to the agent who handed him over; when that one is busy he waits for whoever is free.
func TestACustomerWhomNobodyTakesComesBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		id, l := h.talking(olena, "+380671112233")
		h.done(h.phone.Transfer(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.DeclineCall(ctx, taras, id))
		h.stands(id, olena, "back", func(c phone.CurrentCall) bool { return c.State == phone.CallOffered && c.Agent == olena.Agent })
		h.clock.Move(21 * time.Second) // she doesn't answer either
		h.stands(id, olena, "waiting", func(c phone.CurrentCall) bool { return c.State == phone.CallWaiting && c.Agent == 0 })
		h.done(h.phone.Reachable(ctx, taras, true, ""))
		h.is(taras, "offered")
		h.done(h.phone.Answer(ctx, taras, id))
		l.Ends(care.CauseHangup)
		h.is(taras, "wrapup")
	})
}

// Who gives up while he is handed over is owed a call, and no agent is asked what came of it.
func TestGivingUpWhileBeingHandedOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		id, l := h.talking(olena, "+380671112233")
		h.done(h.phone.Transfer(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		l.Ends(care.CauseHangup)
		c := h.stands(id, olena, "over", func(c phone.CurrentCall) bool { return c.State == phone.CallEnded })
		if c.Result != phone.ResultAbandoned {
			t.Errorf("%+v", c.Call)
		}
		h.is(taras, "free")
		owed, err := h.phone.Board(ctx, olena, phone.BoardFilter{Store: h.store, Limit: 10})
		if err != nil || len(owed) != 1 || owed[0].Number != "+380671112233" {
			t.Errorf("%+v %v", owed, err)
		}
	})
}

// Asked aside, then handed over; and the other ways out of it.
func TestAskingAside(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras, iryna := h.agent("Olena", true), h.agent("Taras", true), h.agent("Iryna", false)
		id, l := h.talking(olena, "+380671112233")
		_, err := h.phone.Consult(ctx, olena, id, phone.Target{Agent: iryna.Agent})
		refused(t, err, "phone.agent_not_free")
		_, err = h.phone.CancelConsult(ctx, olena, id)
		refused(t, err, "phone.no_consult")

		c, err := h.phone.Consult(ctx, olena, id, phone.Target{Agent: taras.Agent})
		if err != nil || c.State != phone.CallHeld || len(c.Parties) != 3 || c.Parties[2].Role != "consult" || c.Parties[2].State != "ringing" {
			t.Fatalf("%+v %v", c, err)
		}
		_, err = h.phone.Consult(ctx, olena, id, phone.Target{Agent: taras.Agent})
		refused(t, err, "phone.consult_open")
		_, err = h.phone.Hold(ctx, olena, id, false)
		refused(t, err, "phone.consult_open")
		h.done(h.phone.DeclineCall(ctx, taras, id))
		h.is(taras, "free")
		c = h.stands(id, olena, "alone with her customer", func(c phone.CurrentCall) bool { return len(c.Parties) == 2 })
		if c.State != phone.CallHeld || !slices.Contains(c.Can, "resume") {
			t.Errorf("%+v", c)
		}

		h.done(h.phone.Consult(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.Answer(ctx, taras, id))
		h.is(taras, "talking")
		c, err = h.phone.Swap(ctx, olena, id)
		if err != nil || c.State != phone.CallTalking || c.Parties[2].State != "held" {
			t.Errorf("%+v %v", c, err)
		}
		h.done(h.phone.Swap(ctx, olena, id))
		_, err = h.phone.Transfer(ctx, olena, id, phone.Target{Agent: taras.Agent})
		refused(t, err, "phone.consult_open")
		h.done(h.phone.CompleteConsult(ctx, olena, id))
		h.is(olena, "free")
		h.stands(id, taras, "his", func(c phone.CurrentCall) bool { return c.Lead && c.State == phone.CallTalking && len(c.Parties) == 2 })
		_, err = h.phone.Hold(ctx, olena, id, true)
		refused(t, err, "phone.call_moved_on")
		l.Ends(care.CauseHangup)
		h.is(taras, "wrapup")
	})
}

// Three and more; who leaves last.
func TestAConference(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		id, l := h.talking(olena, "+380671112233")
		_, err := h.phone.Leave(ctx, olena, id)
		refused(t, err, "phone.last_agent")
		h.done(h.phone.Invite(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.Answer(ctx, taras, id))
		c, err := h.phone.Invite(ctx, olena, id, phone.Target{Number: "050 111 22 33"})
		if err != nil || len(c.Parties) != 4 {
			t.Fatalf("%+v %v", c, err)
		}
		courier := h.line(1)
		if courier.Dialing.To != "+380501112233" {
			t.Errorf("rang %s", courier.Dialing.To)
		}
		courier.Answers()
		h.stands(id, olena, "four of them", func(c phone.CurrentCall) bool { return c.Parties[3].State == "talking" })
		_, err = h.phone.Transfer(ctx, olena, id, phone.Target{Agent: taras.Agent})
		refused(t, err, "phone.in_conference")
		h.done(h.phone.Leave(ctx, olena, id)) // the colleague has it now, not the courier
		h.is(olena, "free")
		c = h.stands(id, taras, "his", func(c phone.CurrentCall) bool { return c.Lead && len(c.Parties) == 3 })
		_, err = h.phone.Remove(ctx, olena, id, c.Parties[2].ID)
		refused(t, err, "phone.call_moved_on")
		h.done(h.phone.Leave(ctx, taras, id)) // the customer stays with the courier, and is told so
		h.is(taras, "free")
		h.stands(id, taras, "without us", func(c phone.CurrentCall) bool { return c.Agent == 0 && c.State == phone.CallTalking })
		courier.Ends(care.CauseHangup)
		h.stands(id, taras, "over", func(c phone.CurrentCall) bool { return c.State == phone.CallEnded && c.Disposition == phone.PassedOn })
		if !l.Over() {
			t.Error("the customer is left alone on the line")
		}
	})
}

// A customer goes to an outside number; when that isn't reached he comes back.
func TestHandingOverToANumber(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena := h.agent("Olena", true)
		id, l := h.talking(olena, "+380671112233")
		for _, number := range []string{"+882161234567", "+4915112345678", "+380900123456"} {
			_, err := h.phone.Transfer(ctx, olena, id, phone.Target{Number: number})
			refused(t, err, "phone.number_denied")
		}
		h.done(h.phone.Transfer(ctx, olena, id, phone.Target{Number: "+380501112233"}))
		h.is(olena, "free")
		h.line(1).Ends(care.CauseBusy)
		h.stands(id, olena, "back", func(c phone.CurrentCall) bool { return c.State == phone.CallOffered && c.Agent == olena.Agent })
		h.done(h.phone.Answer(ctx, olena, id))
		h.done(h.phone.Transfer(ctx, olena, id, phone.Target{Number: "+380501112233"}))
		h.line(2).Answers()
		h.stands(id, olena, "passed on", func(c phone.CurrentCall) bool {
			return c.State == phone.CallTalking && c.Agent == 0 && len(c.Parties) == 2
		})
		h.clock.Move(time.Minute)
		l.Ends(care.CauseHangup)
		c := h.stands(id, olena, "over", func(c phone.CurrentCall) bool { return c.State == phone.CallEnded })
		if c.Result != phone.ResultAnswered || c.Disposition != phone.PassedOn {
			t.Errorf("%+v", c.Call)
		}
		for end := time.Now().Add(2 * time.Minute); !h.line(2).Over(); pause(ctx) {
			if time.Now().After(end) {
				t.Fatal("the other's line is left")
			}
		}
	})
}

// Numbers that cost the shop, wishes, and how often.
func TestWhatMayBeDialled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena := h.agent("Olena", true)
		dial := func(number string) error {
			_, err := h.phone.Dial(ctx, olena, phone.NewCall{Store: h.store, Number: number})
			return err
		}
		refused(t, dial("+882161234567"), "phone.number_denied")
		refused(t, dial("+4915112345678"), "phone.number_denied")
		_, err := h.phone.Ask(ctx, olena, phone.Asked{Store: h.store, Trigger: phone.TriggerAsked, Number: "+882161234567"}) // by whomever: a form is open to all
		refused(t, err, "phone.not_owed")
		_, err = h.phone.SaveQueue(ctx, olena, phone.Queue{Store: h.store, Name: "Costly", Overflow: phone.OverflowNumber, OverflowNo: "+380900123456"})
		refused(t, err, "phone.number_denied")
		h.done(h.phone.SaveQueue(ctx, olena, phone.Queue{Store: h.store, Name: "Sales"}))
		l := h.rings("+882161234567", olena) // forged, to be rung back
		l.Ends(care.CauseHangup)
		h.calls(olena, "over", func(c phone.Call) bool { return c.State == phone.CallEnded })
		if owed, err := h.phone.Board(ctx, olena, phone.BoardFilter{Store: h.store, Limit: 10}); err != nil || len(owed) != 0 {
			t.Errorf("%+v %v", owed, err)
		}
		h.is(olena, "free")
		set, err := h.phone.Settings(ctx, olena, h.store)
		if err != nil {
			t.Fatal(err)
		}
		set.Policy.Dialling = phone.Dialling{Allowed: []string{"+380", "+49"}, Denied: []string{"+380444"}, PerMinute: 2}
		h.done(h.phone.SetSettings(ctx, account.By{Scope: olena}, h.store, set))
		refused(t, dial("+380444123456"), "phone.number_denied")
		for n := range 2 {
			if err := dial("+4915112345678"); err != nil {
				t.Fatal(err)
			}
			h.line(n).Ends(care.CauseBusy)
			h.is(olena, "free")
		}
		refused(t, dial("+4915112345678"), "phone.too_many_calls")
		h.clock.Move(2 * time.Minute)
		c := h.ask(olena, "+380671112233")
		h.line(2).Ends(care.CauseBusy)
		h.is(olena, "free")
		h.exec(`INSERT INTO consents (id, store_id, customer_id, subject, given, source, actor_kind, actor_id, created_at) VALUES ($1, $2, $3, 'do_not_call', TRUE, 'customer', 'agent', 0, 1)`, h.db.ID(), h.store, c.Customer)
		refused(t, dial("067 111 22 33"), "phone.do_not_call")
		h.done(h.phone.Dial(ctx, olena, phone.NewCall{Store: h.store, Customer: c.Customer, Despite: true}))
		if l := h.line(3); l.Dialing.To != "+380671112233" {
			t.Errorf("rang %s", l.Dialing.To)
		}
	})
}

// A program that dies leaves nobody in a call: not the agents, not those who were asked in.
func TestADeadProgramLeavesNobodyInACall(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras, iryna := h.agent("Olena", true), h.agent("Taras", true), h.agent("Iryna", true)
		one, _ := h.talking(olena, "+380671112233")
		h.done(h.phone.Consult(ctx, olena, one, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.Answer(ctx, taras, one))
		h.exec(`UPDATE calls SET life_id = 5`) // the rows stay as they are; the life that held them is found dead
		h.exec(`INSERT INTO phone_lives (id, node_id, lease_until_at) VALUES (5, 1, 1)`)
		h.clock.Move(11 * time.Second)
		h.is(taras, "free")
		h.is(olena, "wrapup")
		c := h.stands(one, olena, "over", func(c phone.CurrentCall) bool { return c.State == phone.CallWrapUp })
		if c.Result != phone.ResultDropped || len(c.Parties) != 0 {
			t.Errorf("%+v", c)
		}
		h.is(iryna, "reserved") // the customer is rung again: his call broke off
	})
}

// Two agents want the same colleague in the same moment: one gets him, the other is told so, and both customers have somebody.
func TestTwoWantTheSameColleague(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, iryna, taras := h.agent("Olena", true), h.agent("Iryna", true), h.agent("Taras", true)
		one, _ := h.talking(olena, "+380671112233")
		two, _ := h.talking(iryna, "+380671112244")
		errs := make(chan error, 2)
		go func() { _, err := h.phone.Consult(ctx, olena, one, phone.Target{Agent: taras.Agent}); errs <- err }()
		go func() { _, err := h.phone.Transfer(ctx, iryna, two, phone.Target{Agent: taras.Agent}); errs <- err }()
		first, second := <-errs, <-errs
		if (first == nil) == (second == nil) {
			t.Fatalf("%v, %v", first, second)
		}
		if first == nil {
			first = second
		}
		refused(t, first, "phone.agent_not_free")
		list, err := h.phone.CurrentCalls(ctx, taras)
		if err != nil || len(list) != 1 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// Who acts on a call that another has meanwhile, or that is over, is told that it has moved on.
func TestActingOnACallThatMovedOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		id, l := h.talking(olena, "+380671112233")
		h.done(h.phone.Consult(ctx, olena, id, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.Answer(ctx, taras, id))
		h.done(h.phone.CompleteConsult(ctx, olena, id))
		for name, act := range map[string]func() error{
			"complete": func() error { _, err := h.phone.CompleteConsult(ctx, olena, id); return err },
			"swap":     func() error { _, err := h.phone.Swap(ctx, olena, id); return err },
			"mute":     func() error { _, err := h.phone.Mute(ctx, olena, id, true); return err },
			"hang up":  func() error { _, err := h.phone.Hangup(ctx, olena, id); return err },
			"keys":     func() error { _, err := h.phone.Keys(ctx, olena, id, 0, "1"); return err },
			"decline":  func() error { _, err := h.phone.DeclineCall(ctx, olena, id); return err },
		} {
			t.Log(name)
			refused(t, act(), "phone.call_moved_on")
		}
		l.Ends(care.CauseHangup)
		h.is(taras, "wrapup")
		_, err := h.phone.Transfer(ctx, taras, id, phone.Target{Agent: olena.Agent})
		refused(t, err, "phone.call_moved_on")
	})
}

// Who hands a call over, or only took part in one, has the time that the store gives him for his own notes; he may end it, and nothing else can be said by him.
func TestAfterCallWorkOfThoseWhoTookPart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena, taras, marta := h.agent("Olena", true), h.agent("Taras", true), h.agent("Marta", true)
		set, err := h.phone.Settings(t.Context(), olena, h.store)
		if err != nil {
			t.Fatal(err)
		}
		set.Policy.WrapUpOthers = 90
		h.done(h.phone.SetSettings(t.Context(), account.By{Scope: olena}, h.store, set))
		id, l := h.talking(olena, "+380671112233")
		h.done(h.phone.Consult(t.Context(), olena, id, phone.Target{Agent: taras.Agent}))
		h.done(h.phone.Answer(t.Context(), taras, id))
		h.done(h.phone.CompleteConsult(t.Context(), olena, id))
		if h.state(olena) != "wrapup" || h.state(taras) != "talking" {
			t.Fatalf("%s, %s", h.state(olena), h.state(taras))
		}
		h.done(h.phone.Invite(t.Context(), taras, id, phone.Target{Agent: marta.Agent}))
		h.done(h.phone.Answer(t.Context(), marta, id))
		h.clock.Move(80 * time.Second)
		if h.state(olena) != "wrapup" {
			t.Errorf("before her time is over she is %s", h.state(olena))
		}
		h.clock.Move(20 * time.Second)
		h.is(olena, "free")
		l.Ends(care.CauseHangup)
		h.is(taras, "wrapup")
		h.is(marta, "wrapup")
		_, err = h.phone.Rested(t.Context(), taras)
		refused(t, err, "phone.outcome_first")
		if a, err := h.phone.Rested(t.Context(), marta); err != nil || a.State != "free" {
			t.Errorf("%+v %v", a, err)
		}
		h.done(h.phone.WrapUp(t.Context(), taras, id, phone.Settled, ""))
		h.is(taras, "free")
		if a, err := h.phone.Rested(t.Context(), taras); err != nil || a.State != "free" {
			t.Errorf("%+v %v", a, err)
		}
	})
}
