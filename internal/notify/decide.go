package notify

import (
	"slices"
	"sort"
	"time"

	"opeka/internal/care"
)

// Reason is why a notice is sent or not. It names `notice.reason.<code>` of the catalogue.
type Reason string

const (
	ReasonMoment       Reason = "moment"        // sent: its moment has come
	ReasonFallback     Reason = "fallback"      // sent: the channel before didn't get through
	ReasonBackfill     Reason = "backfill"      // it happened before the shop was connected
	ReasonOld          Reason = "old"           // it happened too long ago
	ReasonOff          Reason = "off"           // the policy has it switched off
	ReasonCondition    Reason = "condition"     // its condition doesn't hold
	ReasonBroken       Reason = "broken"        // its condition can't be worked out
	ReasonOvertaken    Reason = "overtaken"     // it isn't true any more
	ReasonToldFurther  Reason = "told_further"  // the customer knows that the parcel has come further
	ReasonAlready      Reason = "already"       // told before
	ReasonGroup        Reason = "group"         // another notice of its group was sent
	ReasonWithAccepted Reason = "with_accepted" // the letter about the new order says it
	ReasonStockWaiting Reason = "stock_waiting" // the goods aren't put aside yet
	ReasonStockShort   Reason = "stock_short"   // the goods aren't there
	ReasonUnreachable  Reason = "unreachable"   // none of the channels leads to the customer
	ReasonCapped       Reason = "capped"        // he has had enough for the time being
	ReasonQuiet        Reason = "quiet_hours"   // later: his quiet hours
	ReasonDelay        Reason = "delay"         // later: the policy says so
	ReasonNoCall       Reason = "do_not_call"   // he doesn't want to be rung
	ReasonUndelivered  Reason = "undelivered"   // every channel was tried
)

// Plan is what a decision comes to.
type Plan struct {
	Sends    []Send
	Refusals []Refusal
}

// Send is a notice to be sent: at its time it is weighed once more, against how things stand then.
type Send struct {
	Notice  Notice // the policy's values, which go with it
	Moment  string
	Part    string
	Once    string // the once-only key
	Channel string
	Address string
	Thread  string
	Step    int // which of the notice's channels it is
	Reports bool
	At      time.Time
	// Reason is why now, or why later: moment, delay, quiet_hours.
	Reason Reason
	// Passed are the channels before this one and why they weren't taken.
	Passed []Passed
}

// Refusal is a notice that isn't sent, and why not.
type Refusal struct {
	Notice Notice
	Moment string
	Part   string
	Once   string
	Reason Reason
	Passed []Passed
	// Again is when it is worth asking anew; zero: only if something happens.
	Again time.Time
	// Silent ones are no news: the notice was decided before.
	Silent bool
}

// Passed is a channel that wasn't taken.
type Passed struct {
	Channel string `json:"channel"`
	Why     string `json:"why"` // no_address, not_connected, opted_out, suppressed, window_closed, said_there, capped, failed, not_delivered
}

// Decide says what the customer is told now that something has happened, and what he isn't, with the reasons. It is pure: the living
// system, the preview and the tests all ask it.
func Decide(s *State, p *Compiled, now time.Time) (plan Plan) {
	groups := map[string]bool{}
	for _, i := range p.byEvent[s.Trigger.Event] {
		n := &p.notices[i]
		itself, _ := n.moment.broughtBy(s.Trigger.Event)
		for _, part := range n.moment.parts(s) {
			if itself && n.moment.part != "" && s.Trigger.Part != "" && s.Trigger.Part != part {
				continue
			}
			d := weigh(s, p, n, part, now, itself, plan.Sends)
			if d.send != nil && n.Group != "" {
				if groups[n.Group+"/"+part] {
					d.refuse(ReasonGroup)
				}
				groups[n.Group+"/"+part] = true
			}
			switch {
			case d.send != nil:
				plan.Sends = append(plan.Sends, *d.send)
			case d.refusal != nil:
				plan.Refusals = append(plan.Refusals, *d.refusal)
			}
		}
	}
	return plan
}

// Due weighs a planned send at its time: by the policy's values that it was planned with, but by how things stand now. A send whose At
// is after now is to be put off until then.
func Due(s *State, p *Compiled, planned Send, now time.Time) (*Send, *Refusal) {
	m := momentOf(planned.Moment)
	if m == nil {
		return nil, &Refusal{Notice: planned.Notice, Moment: planned.Moment, Part: planned.Part, Once: planned.Once, Reason: ReasonOff}
	}
	when, err := compileCondition(planned.Notice.When)
	n := &compiledNotice{Notice: planned.Notice, moment: m, when: when}
	if err != nil {
		n.when = nil
	}
	d := weighing{s: s, p: p, n: n, part: planned.Part, now: now, from: planned.Step, due: true, passed: planned.Passed}
	d.run(true)
	if d.send != nil {
		d.send.Reason = planned.Reason
		if d.send.At.After(now) && planned.Reason != ReasonFallback {
			d.send.Reason = ReasonQuiet
		}
	}
	return d.send, d.refusal
}

// weighing is one notice about one part being decided.
type weighing struct {
	s       *State
	p       *Compiled
	n       *compiledNotice
	part    string
	now     time.Time
	from    int  // the first channel to consider
	due     bool // planned before: its delay is over, and it is told already in the sense of the plan
	passed  []Passed
	beside  []Send // of the same plan
	send    *Send
	refusal *Refusal
}

func weigh(s *State, p *Compiled, n *compiledNotice, part string, now time.Time, itself bool, beside []Send) *weighing {
	d := &weighing{s: s, p: p, n: n, part: part, now: now, beside: beside}
	d.run(itself)
	return d
}

func (d *weighing) run(itself bool) {
	s, n := d.s, d.n
	if _, told := s.Told[d.once()]; told && !d.due {
		d.refuse(ReasonAlready)
		d.refusal.Silent = true
		return
	}
	if s.Order.Deleted || !n.moment.holds(s, d.part) { // of what the shop has thrown away nothing is said
		if n.moment.awaitsStock && s.Stock.Reservation == ReservationShort && itself {
			d.refuse(ReasonStockShort)
		} else if itself {
			d.refuse(ReasonOvertaken)
		}
		return
	}
	if reason := d.stale(); reason != "" {
		d.refuse(reason)
		return
	}
	if !n.On && !d.due {
		d.refuse(ReasonOff)
		return
	}
	facts := s.Facts.about(n.moment.part, d.part)
	if ok, err := n.when.holds(&facts); err != nil {
		d.refuse(ReasonBroken)
		return
	} else if !ok {
		d.refuse(ReasonCondition)
		return
	}
	if d.furtherTold() {
		d.refuse(ReasonToldFurther)
		return
	}
	if n.moment.key == "payment_received" && !d.due {
		// An order that is paid for at once is told of in one letter.
		if isAccepted(s, "") && s.Payment.MinutesAfterOrder < 1 && !d.toldBefore("accepted", s.Payment.At) {
			d.refuse(ReasonWithAccepted)
			return
		}
	}
	if n.moment.awaitsStock && s.Stock.Reservation == ReservationWaiting {
		d.refuse(ReasonStockWaiting)
		d.refusal.Again = d.now.Add(stockLook)
		return
	}
	d.choose()
}

// stockLook is how often the stock of a new order is looked at while its news waits for it.
const stockLook = 2 * time.Minute

// once is the key under which the notice is told at most once.
func (d *weighing) once() string { return onceKey(d.n.Notice, d.part, d.s) }

func onceKey(n Notice, part string, s *State) string {
	name := n.Key
	if n.Group != "" {
		name = "group." + n.Group
	}
	switch {
	case n.Once == "customer":
		return name + "/customer"
	case n.Once == "order", part == "":
		return name + "/order"
	}
	return name + "/" + part
}

// stale tells why something that is true needn't be told: it is old news.
func (d *weighing) stale() Reason {
	if d.s.Trigger.Backfill && !d.due {
		return ReasonBackfill
	}
	if d.due {
		return ""
	}
	happened := d.n.moment.happened(d.s, d.part)
	if !happened.IsZero() && d.now.Sub(happened) > time.Duration(d.p.MaxAgeS)*time.Second {
		return ReasonOld
	}
	return ""
}

// furtherTold tells whether the customer has heard of the parcel having come further, or of the whole order where its parcels weren't known yet.
func (d *weighing) furtherTold() bool {
	if d.n.moment.rank == 0 {
		return false
	}
	for _, t := range d.s.Told {
		m := momentOf(t.Moment)
		if m == nil || m.rank == 0 {
			continue
		}
		if t.Part == d.part && m.rank > d.n.moment.rank || t.Part == wholeOrder && d.part != wholeOrder && m.rank >= d.n.moment.rank {
			return true
		}
	}
	return false
}

// toldBefore tells whether the customer was told of a moment before a time.
func (d *weighing) toldBefore(moment string, at time.Time) bool {
	for _, t := range d.s.Told {
		if t.Moment == moment && t.At.Before(at) {
			return true
		}
	}
	return false
}

// saidOn tells whether another notice has said the same on the channel: two of one moment never meet there.
func (d *weighing) saidOn(channel string) bool {
	own := d.once()
	for once, t := range d.s.Told {
		if once != own && t.Moment == d.n.Moment && t.Part == d.part && t.Channel == channel {
			return true
		}
	}
	return slices.ContainsFunc(d.beside, func(s Send) bool { return s.Moment == d.n.Moment && s.Part == d.part && s.Channel == channel })
}

// wholeOrder stands for the one parcel of an order whose shop tells no parcels.
const wholeOrder = ""

// choose takes the first channel that leads to the customer, and the time.
func (d *weighing) choose() {
	s, n := d.s, d.n
	steps := d.steps()
	capped, when := false, time.Time{}
	for i := d.from; i < len(steps); i++ {
		step := steps[i]
		r, known := s.Reach[step.Channel]
		switch {
		case !known:
			d.pass(step.Channel, "not_connected")
			continue
		case r.Why != "":
			d.pass(step.Channel, r.Why)
			continue
		case d.saidOn(step.Channel):
			d.pass(step.Channel, "said_there")
			continue
		}
		if free := d.capFree(step.Channel); !free.IsZero() {
			d.pass(step.Channel, "capped")
			if !capped || free.Before(when) {
				capped, when = true, free
			}
			continue
		}
		at, reason := d.now, ReasonMoment
		if n.DelayS > 0 && !d.due {
			at, reason = at.Add(time.Duration(n.DelayS)*time.Second), ReasonDelay
		}
		if later := d.afterQuiet(step.Channel, at); later.After(at) {
			at, reason = later, ReasonQuiet
		}
		own := n.Notice
		own.Channels, own.PreferOwn = steps, false // as they were put in order for this customer
		d.send = &Send{Notice: own, Moment: n.Moment, Part: d.part, Once: d.once(), Channel: step.Channel, Address: r.Address, Thread: r.Thread,
			Step: i, Reports: r.Reports, At: at, Reason: reason, Passed: d.passed}
		return
	}
	if capped {
		d.refuse(ReasonCapped)
		return
	}
	d.refuse(ReasonUnreachable)
}

// steps are the channels in the order for this customer.
func (d *weighing) steps() []Step {
	steps := slices.Clone(d.n.Channels)
	if d.n.PreferOwn && d.s.Preferred != "" {
		sort.SliceStable(steps, func(i, j int) bool { return steps[i].Channel == d.s.Preferred && steps[j].Channel != d.s.Preferred })
	}
	return steps
}

// capFree is zero while the customer may get one more on the channel, else the moment from which he may.
func (d *weighing) capFree(channel string) (free time.Time) {
	for _, k := range d.p.Caps {
		if !slices.Contains(k.Channels, channel) {
			continue
		}
		within := time.Duration(k.WithinS) * time.Second
		var times []time.Time
		for _, c := range k.Channels {
			for _, t := range d.s.Recent[c] {
				if d.now.Sub(t) < within {
					times = append(times, t)
				}
			}
		}
		if len(times) >= k.Max {
			slices.SortFunc(times, time.Time.Compare)
			if at := times[len(times)-k.Max].Add(within); at.After(free) {
				free = at
			}
		}
	}
	return free
}

// afterQuiet is at, or the end of the quiet hours in which it lies: the store's, and the customer's own.
func (d *weighing) afterQuiet(channel string, at time.Time) time.Time {
	if !d.p.rings(channel) {
		return at
	}
	for range 4 {
		before := at
		if d.p.quiet != nil {
			at = d.p.quiet.Ends(at)
		}
		if d.s.Quiet != nil {
			at = d.s.Quiet.Ends(at)
		}
		if at.Equal(before) {
			break
		}
	}
	return at
}

func (d *weighing) pass(channel, why string) {
	d.passed = append(slices.Clone(d.passed), Passed{channel, why})
}

func (d *weighing) refuse(r Reason) {
	d.send = nil
	d.refusal = &Refusal{Notice: d.n.Notice, Moment: d.n.Moment, Part: d.part, Once: d.once(), Reason: r, Passed: d.passed}
}

// languageOf is the language in which the customer is written to.
func languageOf(p *Policy, s *State) string {
	for _, l := range []string{p.Language, s.Customer.Language, s.Store.Language} {
		if slices.Contains(languages, l) {
			return l
		}
	}
	return "en"
}

var languages = []string{"en", "uk", "ru", "pl"}

// mayCall tells whether a callback may be asked for.
func mayCall(s *State) bool { return !s.Customer.DoNotCall && !s.Order.DoNotCall }

// callOf is the work that is made of an exception for this customer: who doesn't want to be rung gets a letter from a person instead.
func callOf(d Detector, s *State) (work string, why Reason) {
	if d.Work == care.WorkCallback && !mayCall(s) {
		return care.WorkTask, ReasonNoCall
	}
	return d.Work, ""
}
