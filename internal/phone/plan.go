package phone

import (
	"slices"
	"time"

	"opeka/internal/cal"
)

// State is where a callback stands. It is always in one of them, with a reason.
type State string

// The states. In the last five it is closed.
const (
	Waiting   State = "waiting"  // for its time, its turn, or its goods
	Due       State = "due"      // for an agent
	Offered   State = "offered"  // an agent looks at it
	Reserved  State = "reserved" // an agent is kept free for it
	Dialing   State = "dialing"  // the customer is rung
	Talking   State = "talking"
	WrapUp    State = "wrapup" // the agent says what came of it
	Done      State = "done"
	Declined  State = "declined" // by the customer, or he can't be rung
	Written   State = "written"  // he is told in writing, as he prefers
	Expired   State = "expired"  // its time ran out; he is told in writing
	Cancelled State = "cancelled"
)

// Closed tells whether nothing more will come of it.
func (s State) Closed() bool {
	switch s {
	case Done, Declined, Written, Expired, Cancelled:
		return true
	}
	return false
}

// inHand tells whether an agent has it.
func (s State) inHand() bool {
	switch s {
	case Offered, Reserved, Dialing, Talking, WrapUp:
		return true
	}
	return false
}

// Why is one reason of a decision. Code names phone.why.<code> of the catalogue.
type Why struct {
	Code   string         `json:"code"`
	Params map[string]any `json:"params,omitempty"`
}

// Situation is all that planning looks at.
type Situation struct {
	State       State
	Triggers    []Trigger // those that still stand
	Gone        int       // how many went away by themselves
	Asked       time.Time // the latest that he asked for it himself; zero: he didn't
	Earliest    time.Time
	Promised    time.Time
	Retry       time.Time
	Late        time.Time // until then it is in time; zero: not settled yet
	LateNoted   bool
	Expires     time.Time
	Attempts    int64
	MaxAttempts int64
	LastResult  Result

	Zone           *time.Location // the customer's
	QuietFrom      string         // HH:MM, by his clock
	QuietTo        string
	DoNotCall      bool
	DoNotCallAt    time.Time
	PrefersWriting bool
	Calls          []time.Time // to his number in the last 24 hours, of those that count
	InCall         bool        // he is on the telephone with us
	Wants          []Want      // of the goods that it is about
	Opening        *cal.Calendar
}

// Want is what the customer was to be told is there.
type Want struct {
	Variant   int64
	Quantity  int64
	Ahead     int64 // pieces promised to those who asked before him
	Available int64
}

func (w Want) there() bool { return w.Ahead+w.Quantity <= w.Available }

// Plan is what is to be done with a callback, and why.
type Plan struct {
	State   State
	At      time.Time // when to look again; zero when closed or in somebody's hands
	Due     time.Time // since when it is due, or will be
	Expires time.Time
	Late    bool // to be noted now
	Why     []Why
}

const (
	lookAgain   = 15 * time.Minute // while it is due: hours may end
	beingCalled = 2 * time.Minute
	longest     = 14 * 24 * time.Hour // that hours and caps may keep a call from him: his quiet ones may leave no minute of ours
	ownTime     = time.Hour           // how long after the time that the customer named his hours don't stand against a call
)

// MakePlan decides about a callback: nothing else does. It looks at the situation, the policy and the clock, and gives reasons, also for doing nothing.
func MakePlan(s Situation, p Policy, now time.Time) Plan {
	switch {
	case s.State.Closed():
		return Plan{State: s.State, Expires: s.Expires, Why: why("closed")}
	case s.State.inHand():
		return Plan{State: s.State, Expires: s.Expires, Why: why("in_hand")}
	case s.Gone > 0 && len(s.Triggers) == 0:
		return Plan{State: Cancelled, Expires: s.Expires, Why: why("cause_gone")}
	case s.DoNotCall && !s.Asked.After(s.DoNotCallAt):
		return Plan{State: Declined, Expires: s.Expires, Why: why("do_not_call")}
	case s.LastResult == ResultWrongNumber:
		return Plan{State: Declined, Expires: s.Expires, Why: why("wrong_number")}
	case s.PrefersWriting && s.Asked.IsZero():
		return Plan{State: Written, Expires: s.Expires, Why: why("prefers_writing")}
	case s.Attempts >= s.MaxAttempts:
		return Plan{State: Expired, Expires: s.Expires, Why: why("attempts_used", "attempts", s.Attempts)}
	case !now.Before(s.Expires) && (s.Attempts > 0 || !now.Before(s.untried())):
		return Plan{State: Expired, Expires: s.Expires, Why: why("window_over", "attempts", s.Attempts)}
	}
	if !now.Before(s.Expires) {
		s.Expires = s.untried()
	}
	at, reasons := s.earliest(p, now)
	out := Plan{State: Due, Due: at, Expires: s.Expires, Why: reasons}
	if at.After(now) {
		out.State = Waiting
		if !at.Before(s.Expires) {
			if s.Attempts > 0 {
				return Plan{State: Expired, Expires: s.Expires, Why: append(why("no_time_left", "attempts", s.Attempts), reasons...)}
			}
			if at.After(later(s.Earliest, s.Promised).Add(longest)) {
				return Plan{State: Expired, Expires: s.Expires, Why: append(why("no_allowed_time"), reasons...)}
			}
			// He hasn't been tried once: hours and caps of ours may not take the call from him.
			out.Expires = at.Add(max(time.Hour, s.Expires.Sub(s.Earliest)/2))
			out.Why = append(out.Why, Why{Code: "window_moved"})
		}
		out.At = at
	} else {
		out.At = now.Add(lookAgain)
		out.Why = why("for_agent")
	}
	if blocked := s.goods(); blocked != "" {
		out.State, out.At, out.Why = Waiting, s.Expires, why(blocked)
		out.Expires = s.Expires
	}
	switch {
	case s.LateNoted || s.Late.IsZero():
	case now.After(s.Late):
		out.Late = true
	case s.Late.Before(out.At) && s.Late.After(now):
		out.At = s.Late.Add(time.Microsecond)
	}
	if out.At.After(out.Expires) {
		out.At = out.Expires
	}
	return out
}

// untried is until when a callback lives that nobody has tried: an empty desk of ours may not take the call from him before a day is over.
func (s *Situation) untried() time.Time { return later(s.Earliest, s.Promised).Add(24 * time.Hour) }

// goods tells what stands against promising the goods; empty: nothing. Another reason for the call lets it go ahead all the same.
func (s *Situation) goods() string {
	if len(s.Wants) == 0 || slices.ContainsFunc(s.Triggers, func(t Trigger) bool { return t != TriggerStock }) {
		return ""
	}
	gone := "stock_gone"
	for _, w := range s.Wants {
		if w.there() {
			return ""
		}
		if w.Available > 0 {
			gone = "stock_promised"
		}
	}
	return gone
}

// earliest is the first moment from now on at which he may be rung, with what stands before it.
func (s *Situation) earliest(p Policy, now time.Time) (time.Time, []Why) {
	at, reasons := now, []Why(nil)
	push := func(t time.Time, code string, pairs ...any) bool {
		if !t.After(at) {
			return false
		}
		at = t
		if !slices.ContainsFunc(reasons, func(w Why) bool { return w.Code == code }) {
			reasons = append(reasons, why(code, pairs...)...)
		}
		return true
	}
	push(s.Promised, "promised_time")
	push(s.Earliest, "delay")
	if s.LastResult != "" {
		push(s.Retry, "after_"+string(s.LastResult))
	}
	if s.InCall {
		push(now.Add(beingCalled), "being_called")
	}
	for range 60 { // each may move it into what another forbids
		moved := false
		if t, full := s.dayCap(p, at); full {
			moved = push(t, "day_cap", "calls", len(s.Calls))
		}
		own := !s.Promised.IsZero() && !at.Before(s.Promised) && at.Before(s.Promised.Add(ownTime))
		if !own {
			t, code := s.hours(p, at)
			moved = push(t, code) || moved
		}
		if s.Opening != nil && p.OpeningHours {
			if t, err := s.Opening.NextOpen(at); err == nil {
				moved = push(t, "store_closed") || moved
			}
		}
		if !moved {
			break
		}
	}
	return at, reasons
}

// dayCap tells whether the number was rung so often in the 24 hours before at that it must rest, and until when.
func (s *Situation) dayCap(p Policy, at time.Time) (time.Time, bool) {
	var within []time.Time
	for _, c := range s.Calls {
		if c.After(at.Add(-24*time.Hour)) && !c.After(at) {
			within = append(within, c)
		}
	}
	if int64(len(within)) < p.PerDay {
		return at, false
	}
	slices.SortFunc(within, time.Time.Compare)
	return within[int64(len(within))-p.PerDay].Add(24*time.Hour + time.Second), true
}

// hours returns at, or the next moment that the policy's hours and the customer's quiet ones allow, and which of them moved it.
func (s *Situation) hours(p Policy, at time.Time) (time.Time, string) {
	from, ok1 := clockMinutes(p.From)
	to, ok2 := clockMinutes(p.To)
	if !ok1 || !ok2 || from >= to {
		from, to = 0, 24*60
	}
	local := at.In(s.Zone)
	minute := local.Hour()*60 + local.Minute()
	day := days[(int(local.Weekday())+6)%7]
	switch {
	case len(p.Days) > 0 && !slices.Contains(p.Days, day), minute >= to:
		return onDay(local, 1, from), "hours"
	case minute < from:
		return onDay(local, 0, from), "hours"
	}
	qf, ok1 := clockMinutes(s.QuietFrom)
	qt, ok2 := clockMinutes(s.QuietTo)
	switch {
	case !ok1 || !ok2 || qf == qt:
	case qf < qt && minute >= qf && minute < qt:
		return onDay(local, 0, qt), "quiet_hours"
	case qf > qt && minute >= qf:
		return onDay(local, 1, qt), "quiet_hours"
	case qf > qt && minute < qt:
		return onDay(local, 0, qt), "quiet_hours"
	}
	return at, ""
}

// onDay is a minute of a day by the clock of t's zone; one that a change of clocks leaves out comes as the hour after it.
func onDay(t time.Time, plus, minute int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+plus, 0, minute, 0, 0, t.Location()).UTC()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func why(code string, pairs ...any) []Why {
	w := Why{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if w.Params == nil {
			w.Params = map[string]any{}
		}
		w.Params[pairs[i].(string)] = pairs[i+1]
	}
	return []Why{w}
}
