package phone_test

import (
	"context"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/phone"
)

// agentFirst lets agents look before the customer is rung, until a time of his day.
func (h *house) agentFirst(s care.Scope, to string) {
	h.t.Helper()
	set, err := h.phone.Settings(h.t.Context(), s, h.store)
	if err != nil {
		h.t.Fatal(err)
	}
	set.Policy.To, set.Policy.Offer = to, 300
	for i := range set.Rules {
		set.Rules[i].Active, set.Rules[i].Mode = true, phone.AgentFirst
	}
	if _, err := h.phone.SetSettings(h.t.Context(), account.By{Scope: s}, h.store, set); err != nil {
		h.t.Fatal(err)
	}
}

// The hours end while the agent looks at the case.
func TestAcceptedTooLate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		h.agentFirst(olena, "12:03")
		c := h.ask(olena, "+380671112233")
		if c.State != phone.Offered {
			t.Fatalf("%+v", c)
		}
		h.clock.Move(4 * time.Minute)
		c, err := h.phone.Accept(t.Context(), olena, c.ID)
		if err != nil || c.State != phone.Waiting || c.Reason != "hours" || c.Attempts != 0 {
			t.Errorf("%+v %v", c, err)
		}
		if me, err := h.phone.Me(t.Context(), olena); err != nil || me.State != "free" {
			t.Errorf("%+v %v", me, err)
		}
		if n := len(h.world.Dialed()); n != 0 {
			t.Errorf("%d were rung after hours", n)
		}
	})
}

// Two agents look at two callbacks of one customer: one of them rings him.
func TestTwoAgentsOneCustomer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena, taras := h.agent("Olena", true), h.agent("Taras", true)
		h.agentFirst(olena, "21:00")
		first, second := h.ask(olena, "+380671112233"), h.ask(olena, "+380671112233")
		if first.ID == second.ID || second.State != phone.Offered {
			t.Fatalf("%+v", second)
		}
		scopes := map[int64]care.Scope{olena.Agent: olena, taras.Agent: taras}
		if _, err := h.phone.Accept(t.Context(), scopes[first.Agent], first.ID); err != nil {
			t.Fatal(err)
		}
		got, err := h.phone.Accept(t.Context(), scopes[second.Agent], second.ID)
		if err != nil || got.State != phone.Waiting || got.Reason != "being_called" {
			t.Errorf("%+v %v", got, err)
		}
		h.line(0)
		if n := len(h.world.Dialed()); n != 1 {
			t.Errorf("rung %d times at once", n)
		}
	})
}

// The program is down between the writing of a call and the ringing, and comes up at night.
func TestNobodyIsRungAtNightAfterADowntime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		h.jobs.Stop(context.Background())
		c := h.ask(olena, "+380671112233")
		if c.State != phone.Reserved {
			t.Fatalf("%+v", c)
		}
		h.phone.Crash()
		h.stop()
		h.clock.Move(12 * time.Hour)
		h.open()
		got := h.until(olena, c.ID, "put off", in(phone.Waiting))
		if got.Reason != "hours" || got.Attempts != 0 || len(h.world.Dialed()) != 0 {
			t.Errorf("%+v, %d rung", got, len(h.world.Dialed()))
		}
	})
}

// A customer whom the shop knows by a number that he only named isn't the one who proved it, but it is the same telephone.
func TestDoNotCallHoldsForTheNumber(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		h.agentFirst(olena, "21:00")
		customers := customer.New(h.db, bus.NewLocal(), nil)
		var named int64
		err := h.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			proven, _, err := customers.Resolve(t.Context(), tx, h.store, []care.Identity{{Kind: care.IdentityPhone, Value: "+380671112233", Verified: true}}, customer.Hint{})
			if err != nil {
				return err
			}
			if named, _, err = customers.Resolve(t.Context(), tx, h.store, []care.Identity{{Kind: care.IdentityPhone, Value: "+380671112233"}}, customer.Hint{}); err != nil {
				return err
			}
			if proven == named {
				t.Error("a number that was only named found who proved it")
			}
			return customers.Consent(t.Context(), tx, proven, customer.SubjectDoNotCall, true, "customer")
		})
		if err != nil {
			t.Fatal(err)
		}
		err = h.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			got, err := h.phone.Owe(t.Context(), tx, phone.Cause{Store: h.store, Trigger: phone.TriggerPayment, Source: "x", Customer: named})
			if err == nil && (len(got.Why) == 0 || got.Why[0].Code != "do_not_call") {
				t.Errorf("%+v", got)
			}
			return err
		})
		if err != nil || len(h.world.Dialed()) != 0 {
			t.Errorf("%v, %d rung", err, len(h.world.Dialed()))
		}
	})
}

// It becomes late while an agent looks at it: that too is on record, with the reason.
func TestLateInAnAgentsHands(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", false)
		h.agentFirst(olena, "21:00")
		c := h.ask(olena, "+380671112233")
		h.clock.Move(9 * time.Minute)
		if _, err := h.phone.Reachable(t.Context(), olena, true, ""); err != nil {
			t.Fatal(err)
		}
		h.until(olena, c.ID, "offered", in(phone.Offered))
		h.clock.Move(2 * time.Minute)
		got, err := h.phone.Accept(t.Context(), olena, c.ID)
		if err != nil || got.Late != "offered" {
			t.Errorf("late: %q, %v", got.Late, err)
		}
	})
}

// Who forbade calls after he asked for goods doesn't keep them from those behind him.
func TestGoodsOfWhoMayNotBeRung(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		away := h.agent("Olena", false)
		v := h.variant("Coat")
		var subs []phone.Subscription
		for _, number := range []string{"+380671112233", "+380671112244"} {
			s, err := h.phone.Subscribe(t.Context(), away, phone.Wish{Store: h.store, Variant: v, Number: number, How: "call", Quantity: 1})
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, s)
		}
		h.clock.Move(time.Minute)
		err := h.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			return customer.New(h.db, bus.NewLocal(), nil).Consent(t.Context(), tx, subs[0].Customer, customer.SubjectDoNotCall, true, "customer")
		})
		if err != nil {
			t.Fatal(err)
		}
		h.pieces(v, 1)
		for end := time.Now().Add(2 * time.Minute); ; pause(t.Context()) {
			first, err := h.phone.Subscription(t.Context(), away, subs[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			second, err := h.phone.Subscription(t.Context(), away, subs[1].ID)
			if err != nil {
				t.Fatal(err)
			}
			if first.State == phone.SubClosed && second.State == phone.SubAllotted {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%+v, %+v", first, second)
			}
		}
	})
}
