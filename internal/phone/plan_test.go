package phone

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"opeka/internal/cal"
)

var kyiv = zone("Europe/Kyiv")

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, kyiv)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// fresh is a callback of a Monday noon that nothing stands against.
func fresh() Situation {
	noon := at("2026-03-02 12:00")
	return Situation{State: Waiting, Triggers: []Trigger{TriggerAsked}, Asked: noon, Earliest: noon, Late: noon.Add(10 * time.Minute), Expires: noon.Add(24 * time.Hour), MaxAttempts: 3, Zone: kyiv}
}

func TestPlan(t *testing.T) {
	noon := at("2026-03-02 12:00")
	for _, c := range []struct {
		name   string
		change func(s *Situation, p *Policy)
		now    time.Time
		state  State
		why    string
		at     time.Time
	}{
		{"nothing in the way", func(*Situation, *Policy) {}, noon, Due, "for_agent", time.Time{}},
		{"the rule's delay", func(s *Situation, _ *Policy) { s.Earliest = noon.Add(time.Minute) }, noon, Waiting, "delay", noon.Add(time.Minute)},
		{"at 18:30, he said", func(s *Situation, _ *Policy) { s.Promised = at("2026-03-02 18:30"); s.Late = s.Promised.Add(time.Hour) }, noon, Waiting, "promised_time", at("2026-03-02 18:30")},
		{"his own time goes before our hours", func(s *Situation, _ *Policy) { s.Promised = at("2026-03-02 22:00"); s.Late = s.Promised.Add(time.Hour) }, at("2026-03-02 22:01"), Due, "for_agent", time.Time{}},
		{"late in the evening", func(s *Situation, _ *Policy) { s.LateNoted = true }, at("2026-03-02 21:00"), Waiting, "hours", at("2026-03-03 08:00")},
		{"early by his clock, not by ours", func(s *Situation, _ *Policy) { s.Zone = zone("America/New_York"); s.LateNoted = true }, noon, Waiting, "hours", at("2026-03-02 15:00")},
		{"his rest at noon", func(s *Situation, _ *Policy) { s.QuietFrom, s.QuietTo = "11:30", "13:00"; s.LateNoted = true }, noon, Waiting, "quiet_hours", at("2026-03-02 13:00")},
		{"quiet over midnight", func(s *Situation, _ *Policy) { s.QuietFrom, s.QuietTo = "20:00", "10:00"; s.LateNoted = true }, at("2026-03-02 20:30"), Waiting, "quiet_hours", at("2026-03-03 10:00")},
		{"a Sunday without calls", func(_ *Situation, p *Policy) { p.Days = []string{"mon", "tue", "wed", "thu", "fri", "sat"} }, noon, Due, "for_agent", time.Time{}},
		{"does not want to be called", func(s *Situation, _ *Policy) { s.DoNotCall, s.DoNotCallAt = true, noon.Add(time.Hour) }, noon.Add(2 * time.Hour), Declined, "do_not_call", time.Time{}},
		{"asked for it after he had said no", func(s *Situation, _ *Policy) { s.DoNotCall, s.DoNotCallAt = true, noon.Add(-time.Hour) }, noon, Due, "for_agent", time.Time{}},
		{"prefers letters, and we want something of him", func(s *Situation, _ *Policy) { s.Asked, s.PrefersWriting = time.Time{}, true }, noon, Written, "prefers_writing", time.Time{}},
		{"prefers letters, but asked to be rung", func(s *Situation, _ *Policy) { s.PrefersWriting = true }, noon, Due, "for_agent", time.Time{}},
		{"busy a minute ago", func(s *Situation, _ *Policy) {
			s.Attempts, s.LastResult, s.Retry = 1, ResultBusy, noon.Add(9*time.Minute)
		}, noon, Waiting, "after_busy", noon.Add(9 * time.Minute)},
		{"three times is enough", func(s *Situation, _ *Policy) { s.Attempts = 3 }, noon, Expired, "attempts_used", time.Time{}},
		{"rung three times today for other things", func(s *Situation, _ *Policy) {
			s.Calls = []time.Time{noon.Add(-20 * time.Hour), noon.Add(-3 * time.Hour), noon.Add(-2 * time.Hour)}
			s.LateNoted = true
		}, noon, Waiting, "day_cap", noon.Add(4*time.Hour + time.Second)},
		{"wrong number", func(s *Situation, _ *Policy) { s.Attempts, s.LastResult = 1, ResultWrongNumber }, noon, Declined, "wrong_number", time.Time{}},
		{"the window is over", func(*Situation, *Policy) {}, noon.Add(24 * time.Hour), Expired, "window_over", time.Time{}},
		{"nobody was there to try it in its window", func(s *Situation, _ *Policy) { s.Expires = noon.Add(4 * time.Hour) }, noon.Add(5 * time.Hour), Due, "for_agent", time.Time{}},
		{"tried once, its window is over", func(s *Situation, _ *Policy) {
			s.Expires, s.Attempts, s.LastResult = noon.Add(4*time.Hour), 1, ResultBusy
		}, noon.Add(5 * time.Hour), Expired, "window_over", time.Time{}},
		{"no time left for another attempt", func(s *Situation, _ *Policy) {
			s.Attempts, s.LastResult, s.Retry, s.Expires = 1, ResultNoAnswer, noon.Add(time.Hour), noon.Add(30*time.Minute)
		}, noon, Expired, "no_time_left", time.Time{}},
		{"the night doesn't take the call from him", func(s *Situation, _ *Policy) {
			s.Earliest, s.Expires, s.LateNoted = at("2026-03-02 20:00"), at("2026-03-03 02:00"), true
		}, at("2026-03-02 21:30"), Waiting, "hours", at("2026-03-03 08:00")},
		{"talks with us already", func(s *Situation, _ *Policy) { s.InCall = true }, noon, Waiting, "being_called", noon.Add(2 * time.Minute)},
		{"an agent has it", func(s *Situation, _ *Policy) { s.State = Talking }, noon, Talking, "in_hand", time.Time{}},
		{"it is over", func(s *Situation, _ *Policy) { s.State = Done }, noon, Done, "closed", time.Time{}},
		{"the goods went to others", func(s *Situation, _ *Policy) {
			s.Triggers, s.Wants = []Trigger{TriggerStock}, []Want{{Variant: 1, Quantity: 2, Ahead: 4, Available: 5}}
		}, noon, Waiting, "stock_promised", time.Time{}},
		{"the goods are gone", func(s *Situation, _ *Policy) {
			s.Triggers, s.Wants = []Trigger{TriggerStock}, []Want{{Variant: 1, Quantity: 1}}
		}, noon, Waiting, "stock_gone", time.Time{}},
		{"the goods are gone, but there is another reason", func(s *Situation, _ *Policy) {
			s.Triggers, s.Wants = []Trigger{TriggerStock, TriggerMissed}, []Want{{Variant: 1, Quantity: 1}}
		}, noon, Due, "for_agent", time.Time{}},
	} {
		s, p := fresh(), DefaultPolicy
		c.change(&s, &p)
		got := MakePlan(s, p, c.now)
		if got.State != c.state || got.Why[0].Code != c.why {
			t.Errorf("%s: %s because of %v, want %s because of %s", c.name, got.State, got.Why, c.state, c.why)
		}
		if !c.at.IsZero() && !got.Due.Equal(c.at) {
			t.Errorf("%s: due at %s, want %s", c.name, got.Due, c.at)
		}
	}
}

// any is a situation that nobody thought of.
func anySituation(r *rand.Rand, now time.Time) (Situation, Policy) {
	ago := func(max time.Duration) time.Time { return now.Add(-time.Duration(r.Int64N(int64(max)))) }
	ahead := func(max time.Duration) time.Time { return now.Add(time.Duration(r.Int64N(int64(max)))) }
	zones := []string{"Europe/Kyiv", "Europe/Warsaw", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"}
	hhmm := func() string {
		return []string{"", "00:00", "06:30", "09:00", "13:15", "20:00", "22:00", "23:59"}[r.IntN(8)]
	}
	s := Situation{State: []State{Waiting, Waiting, Due, Due, Talking, Done}[r.IntN(6)], Triggers: []Trigger{Triggers[r.IntN(len(Triggers))]}, Zone: zone(zones[r.IntN(len(zones))]),
		Attempts: r.Int64N(4), MaxAttempts: 1 + r.Int64N(4), QuietFrom: hhmm(), QuietTo: hhmm(), DoNotCall: r.IntN(5) == 0, DoNotCallAt: ago(48 * time.Hour), PrefersWriting: r.IntN(4) == 0,
		InCall: r.IntN(8) == 0, LateNoted: r.IntN(2) == 0}
	s.Earliest = ago(72 * time.Hour)
	if r.IntN(3) == 0 {
		s.Earliest = ahead(48 * time.Hour)
	}
	if r.IntN(2) == 0 {
		s.Asked = ago(72 * time.Hour)
	}
	if r.IntN(4) == 0 {
		s.Promised = ahead(72 * time.Hour)
	}
	if s.Attempts > 0 {
		s.LastResult, s.Retry = []Result{ResultBusy, ResultNoAnswer, ResultRejected, ResultWrongNumber, ResultNetwork, ResultUnknown}[r.IntN(6)], ahead(6*time.Hour)
	}
	s.Expires, s.Late = s.Earliest.Add(time.Duration(r.Int64N(int64(72*time.Hour)))), s.Earliest.Add(10*time.Minute)
	for range r.IntN(5) {
		s.Calls = append(s.Calls, ago(30*time.Hour))
	}
	if s.Triggers[0] == TriggerStock {
		s.Wants = []Want{{1, 1 + r.Int64N(3), r.Int64N(6), r.Int64N(6)}}
	}
	if r.IntN(3) == 0 {
		s.Opening, _ = cal.New(cal.Settings{Zone: "Europe/Kyiv", Week: map[string][]cal.Span{"mon": {{From: "09:00", To: "18:00"}}, "thu": {{From: "10:00", To: "16:00"}}}})
	}
	p := DefaultPolicy
	p.OpeningHours, p.PerDay = r.IntN(2) == 0, 1+r.Int64N(4)
	if r.IntN(3) == 0 {
		p.Days = []string{"mon", "wed", "sun"}
	}
	return s, p
}

// What holds of every plan, whatever the situation.
func TestPlanKeepsItsPromises(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 60_000 {
		now := at("2026-03-01 00:00").Add(time.Duration(r.Int64N(int64(60 * 24 * time.Hour)))) // with the change of clocks in it
		s, p := anySituation(r, now)
		got := MakePlan(s, p, now)
		fail := func(what string) {
			t.Helper()
			t.Fatalf("case %d: %s\n%+v\n%+v\nat %s\n%+v", n, what, s, p, now, got)
		}
		if len(got.Why) == 0 || got.Why[0].Code == "" {
			fail("no reason")
		}
		open := !s.State.Closed() && !s.State.inHand()
		if !open && got.State != s.State {
			fail("it wasn't for planning to change")
		}
		if open && !got.State.Closed() && (got.State != Waiting && got.State != Due || !got.At.After(now) || got.At.After(got.Expires)) {
			fail("nobody looks at it again in time")
		}
		if got.State != Due || !open {
			continue
		}
		if s.DoNotCall && !s.Asked.After(s.DoNotCallAt) {
			fail("rings somebody who forbade it")
		}
		if s.PrefersWriting && s.Asked.IsZero() {
			fail("rings somebody who prefers letters")
		}
		if s.Attempts >= s.MaxAttempts || s.InCall || now.Before(s.Earliest) || now.Before(s.Promised) || s.LastResult != "" && now.Before(s.Retry) || !now.Before(s.Expires) && (s.Attempts > 0 || !now.Before(later(s.Earliest, s.Promised).Add(24*time.Hour))) {
			fail("too early, too late, or too often")
		}
		within := 0
		for _, c := range s.Calls {
			if c.After(now.Add(-24 * time.Hour)) {
				within++
			}
		}
		if int64(within) >= p.PerDay {
			fail("too often in a day")
		}
		own := !s.Promised.IsZero() && now.Before(s.Promised.Add(ownTime))
		local := now.In(s.Zone)
		if h := local.Format("15:04"); !own && (h < p.From || h >= p.To) {
			fail("outside of hours")
		}
		if len(p.Days) > 0 && !own && !slices.Contains(p.Days, days[(int(local.Weekday())+6)%7]) {
			fail("on a day without calls")
		}
		if h := local.Format("15:04"); !own && s.QuietFrom != "" && s.QuietTo != "" {
			if s.QuietFrom < s.QuietTo && h >= s.QuietFrom && h < s.QuietTo || s.QuietFrom > s.QuietTo && (h >= s.QuietFrom || h < s.QuietTo) {
				fail("in quiet hours")
			}
		}
		if p.OpeningHours && s.Opening != nil && !s.Opening.Open(now) {
			fail("while the store is closed")
		}
		if s.Triggers[0] == TriggerStock && s.Wants[0].Ahead+s.Wants[0].Quantity > s.Wants[0].Available {
			fail("promises what isn't there")
		}
	}
}

// A callback that is left alone, and looked at whenever its plan says, ends: nothing waits for ever.
func TestEveryPlanEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		now := at("2026-03-20 00:00").Add(time.Duration(r.Int64N(int64(20 * 24 * time.Hour))))
		s, p := anySituation(r, now)
		s.State, s.InCall = Waiting, false
		looks := 0
		for ; !s.State.Closed(); looks++ {
			if looks > 5000 {
				t.Fatalf("it never ends: %+v %+v", s, p)
			}
			got := MakePlan(s, p, now)
			s.State, s.Expires, s.LateNoted = got.State, got.Expires, s.LateNoted || got.Late
			if got.State == Waiting || got.State == Due {
				now = got.At
			}
		}
	}
}

func TestAllotting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	now := at("2026-03-02 12:00")
	for range 20_000 {
		have := r.Int64N(12)
		var claims []claim
		for i := range r.IntN(12) {
			c := claim{ID: int64(i + 1), Quantity: 1 + r.Int64N(4), State: []string{SubWaiting, SubWaiting, SubAllotted, SubTold}[r.IntN(4)]}
			if c.State == SubTold {
				c.Held = now.Add(time.Duration(r.IntN(3)-1) * time.Hour)
			}
			claims = append(claims, c)
		}
		chosen, short := allot(have, claims, now)
		promised, firstPassed := int64(0), int64(0)
		for _, c := range claims {
			switch {
			case slices.Contains(chosen, c.ID):
				if c.State != SubWaiting {
					t.Fatal("chosen twice")
				}
				promised += c.Quantity
				if firstPassed != 0 && c.Quantity >= firstPassed {
					t.Fatalf("%d of %v before one who asked earlier for no more", c.ID, claims)
				}
			case c.State == SubWaiting:
				if firstPassed == 0 || c.Quantity < firstPassed {
					firstPassed = c.Quantity
				}
			case c.State == SubAllotted && !slices.Contains(short, c.ID), c.State == SubTold && now.Before(c.Held):
				promised += c.Quantity
			}
		}
		held := int64(0)
		for _, c := range claims {
			if c.State == SubTold && now.Before(c.Held) {
				held += c.Quantity
			}
		}
		if promised > max(have, held) {
			t.Fatalf("%d promised of %d: %v", promised, have, claims)
		}
		if len(chosen) > 0 && len(short) > 0 && promised > have {
			t.Fatalf("somebody new before those who were told: %v", claims)
		}
	}
	if chosen, _ := allot(5, []claim{{ID: 1, Quantity: 2, State: SubWaiting}, {ID: 2, Quantity: 4, State: SubWaiting}, {ID: 3, Quantity: 2, State: SubWaiting}, {ID: 4, Quantity: 2, State: SubWaiting}}, now); !slices.Equal(chosen, []int64{1, 3}) {
		t.Errorf("of five pieces: %v", chosen)
	}
}

func TestMatching(t *testing.T) {
	now := at("2026-03-02 12:00")
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	agents := []idle{
		{Agent: 1, Stores: []int64{7}, Since: ago(time.Minute)},
		{Agent: 2, Stores: []int64{7}, Since: ago(time.Hour), Skills: []skill{{"language", "pl"}}},
		{Agent: 3, Stores: []int64{8}, Since: ago(2 * time.Hour)},
	}
	due := []ready{
		{ID: 10, Store: 7, Language: "uk", Priority: 50, Asked: ago(time.Minute), Due: now},
		{ID: 11, Store: 7, Language: "pl", Priority: 50, Asked: ago(2 * time.Minute), Due: now},
		{ID: 12, Store: 7, Language: "uk", Priority: 50, Asked: ago(3 * time.Minute), Due: now, Passed: []pass{{1, now.Add(time.Minute)}}},
		{ID: 13, Store: 8, Language: "uk", Owner: 9, Due: now},
	}
	pairs, left := match(due, agents, 15*time.Minute, now)
	if !slices.Equal(pairs, []pair{{11, 2}, {10, 1}}) {
		t.Errorf("pairs: %v", pairs)
	}
	if left[12] != "no_agent" && left[12] != "passed" && left[12] != "no_skill" || left[13] != "for_owner" {
		t.Errorf("left: %v", left)
	}
	if pairs, _ := match(due[3:], agents, 15*time.Minute, now.Add(16*time.Minute)); !slices.Equal(pairs, []pair{{13, 3}}) {
		t.Errorf("after the owner's time: %v", pairs)
	}
	// A caller on the line comes before any callback, a promise whose time has come before a higher priority, and waiting makes up for a low one.
	order := []ready{{ID: 1, Store: 7, Priority: 90, Due: now}, {ID: 2, Store: 7, Priority: 10, Promised: ago(time.Minute), Due: ago(time.Minute)}, {ID: 3, Store: 7, Caller: true, Due: now}, {ID: 4, Store: 7, Priority: 20, Due: ago(8 * time.Hour)}}
	var ids []int64
	for range 4 {
		pairs, _ := match(order, agents[:1], 0, now)
		ids = append(ids, pairs[0].ID)
		order = slices.DeleteFunc(order, func(r ready) bool { return r.ID == pairs[0].ID })
	}
	if !slices.Equal(ids, []int64{3, 2, 4, 1}) {
		t.Errorf("order: %v", ids)
	}
}
