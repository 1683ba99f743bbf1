package notify

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"opeka/internal/care"
)

// Script is a course of events to play a policy against.
type Script struct {
	State State // before anything happens
	Steps []ScriptStep
	// Until is how long timers go on after the last step.
	Until time.Duration
	// Lost are the channels on which nothing arrives; Fails those that refuse at once.
	Lost, Fails []string
}

// ScriptStep is something that happens to the order.
type ScriptStep struct {
	At     time.Time
	Events []Trigger
	Change func(s *State)
}

// Entry is a line of what a policy makes of a course of events.
type Entry struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind" enum:"event,sent,withheld,exception,closed,work"`
	Event  string    `json:"event,omitempty" doc:"What happened: care's name of the event"`
	Part   string    `json:"part,omitempty"`
	Stage  string    `json:"stage,omitempty" doc:"How the order stood"`
	Notice string    `json:"notice,omitempty" doc:"Key of the policy's notice"`
	Moment string    `json:"moment,omitempty"`
	// Reason is notice.reason.<code>; Passed are the channels that weren't taken.
	Reason   Reason    `json:"reason,omitempty"`
	Passed   []Passed  `json:"passed,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	Decided  time.Time `json:"decided_at,omitzero" doc:"When it was decided, if it waited since"`
	Words    *Rendered `json:"words,omitempty"`
	Problem  string    `json:"problem,omitempty" doc:"exception.<kind>"`
	Work     string    `json:"work,omitempty" enum:"task,callback,none"`
	Deadline time.Time `json:"deadline_at,omitzero"`
	// Arrived tells whether a sent message came through.
	Arrived bool `json:"arrived,omitempty"`
	once    string
}

// Words gives the template of a moment in a language.
type Words func(moment, lang string) Template

// maxTimers bounds a play, whatever a policy says.
const maxTimers = 2000

// Simulate plays a course of events against a policy, with the very functions that the living system decides with. It returns what the
// customer would get and when, what was withheld and why, and what work it would make.
func Simulate(sc Script, p *Compiled, words Words) []Entry {
	r := &play{script: sc, p: p, words: words, open: map[string]Exception{}}
	r.s = sc.State
	r.s.Told, r.s.Recent = maps.Clone(sc.State.Told), maps.Clone(sc.State.Recent)
	if r.s.Told == nil {
		r.s.Told = map[string]Told{}
	}
	if r.s.Recent == nil {
		r.s.Recent = map[string][]time.Time{}
	}
	steps := slices.Clone(sc.Steps)
	slices.SortStableFunc(steps, func(a, b ScriptStep) int { return a.At.Compare(b.At) })
	for _, step := range steps {
		r.timersUntil(step.At)
		r.now = step.At
		if step.Change != nil {
			step.Change(&r.s)
		}
		for _, t := range step.Events {
			r.note(Entry{Kind: "event", Event: t.Event, Part: t.Part, Stage: r.s.Order.Stage})
		}
		for _, t := range step.Events {
			r.decide(t)
		}
		r.watch()
	}
	r.timersUntil(r.now.Add(sc.Until))
	slices.SortStableFunc(r.entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	return r.entries
}

type play struct {
	script  Script
	p       *Compiled
	words   Words
	s       State
	now     time.Time
	entries []Entry
	timers  []timer
	run     int
	open    map[string]Exception
	watchAt time.Time
}

type timer struct {
	at time.Time
	do func()
}

func (r *play) note(e Entry) {
	e.At = r.now
	r.entries = append(r.entries, e)
}

func (r *play) at(t time.Time, do func()) { r.timers = append(r.timers, timer{t, do}) }

func (r *play) timersUntil(end time.Time) {
	for r.run < maxTimers {
		next, which := r.watchAt, -1
		for i, t := range r.timers {
			if next.IsZero() || t.at.Before(next) {
				next, which = t.at, i
			}
		}
		if next.IsZero() || next.After(end) {
			return
		}
		r.run++
		if next.After(r.now) {
			r.now = next
		}
		if which < 0 {
			r.watch()
			continue
		}
		do := r.timers[which].do
		r.timers = slices.Delete(r.timers, which, which+1)
		do()
	}
}

func (r *play) decide(t Trigger) {
	r.s.Trigger = t
	plan := Decide(&r.s, r.p, r.now)
	for _, f := range plan.Refusals {
		if f.Silent {
			continue
		}
		if !f.Again.IsZero() {
			r.at(f.Again, func() { r.decide(t) })
		}
		r.refused(f, time.Time{})
	}
	for _, send := range plan.Sends {
		r.s.Told[send.Once] = Told{Moment: send.Moment, Part: send.Part, Channel: send.Channel, At: r.now}
		decided := r.now
		if send.At.After(r.now) {
			r.at(send.At, func() { r.due(send, decided) })
		} else {
			r.due(send, decided)
		}
	}
}

// refused notes why something isn't sent, once for each reason.
func (r *play) refused(f Refusal, decided time.Time) {
	for _, e := range r.entries {
		if e.Kind == "withheld" && e.once == f.Once && e.Notice == f.Notice.Key && e.Reason == f.Reason {
			return
		}
	}
	r.note(Entry{Kind: "withheld", Notice: f.Notice.Key, Moment: f.Moment, Part: f.Part, Reason: f.Reason, Passed: f.Passed, Decided: decided, once: f.Once})
}

func (r *play) due(planned Send, decided time.Time) {
	send, refusal := Due(&r.s, r.p, planned, r.now)
	if refusal != nil {
		if planned.Reason != ReasonFallback { // what one channel has said already isn't taken back
			delete(r.s.Told, planned.Once)
		}
		r.refused(*refusal, decided)
		return
	}
	if send.At.After(r.now) {
		r.at(send.At, func() { r.due(*send, decided) })
		return
	}
	if t, ok := r.s.Told[planned.Once]; ok {
		t.Channel = send.Channel
		r.s.Told[planned.Once] = t
	}
	r.s.Recent[send.Channel] = append(slices.Clone(r.s.Recent[send.Channel]), r.now)
	e := Entry{Kind: "sent", Notice: send.Notice.Key, Moment: send.Moment, Part: send.Part, Channel: send.Channel, Reason: send.Reason, Passed: send.Passed, Stage: r.s.Order.Stage, once: send.Once}
	if decided.Before(r.now) {
		e.Decided = decided
	}
	e.Arrived = !slices.Contains(r.script.Lost, send.Channel) && !slices.Contains(r.script.Fails, send.Channel)
	if r.words != nil {
		lang := languageOf(&r.p.Policy, &r.s)
		m := momentOf(send.Moment)
		words, err := r.words(cmp.Or(send.Notice.Template, send.Moment), lang).Render(send.Channel, lang, Vars{Facts: r.s.Facts.about(m.part, send.Part), Store: r.s.Store})
		if err != nil {
			e.Problem = err.Error()
		}
		e.Words = &words
	}
	r.note(e)
	step := send.Notice.Channels[send.Step]
	next := *send
	next.Step++
	next.Reason = ReasonFallback
	switch {
	case next.Step >= len(send.Notice.Channels):
	case slices.Contains(r.script.Fails, send.Channel):
		next.Passed = append(slices.Clone(send.Passed), Passed{send.Channel, "failed"})
		r.due(next, decided)
	case slices.Contains(r.script.Lost, send.Channel) && send.Reports && step.WaitS > 0:
		next.Passed = append(slices.Clone(send.Passed), Passed{send.Channel, "not_delivered"})
		r.at(r.now.Add(time.Duration(step.WaitS)*time.Second), func() { r.due(next, decided) })
	}
}

// watch looks for exceptions: raises those that have come due, closes those whose cause is gone.
func (r *play) watch() {
	found, next := Detect(&r.s, r.p.policy(), r.now)
	r.watchAt = next
	still := map[string]bool{}
	for _, e := range found {
		key := string(e.Kind) + "/" + e.Part
		still[key] = true
		if _, open := r.open[key]; open || !e.Open {
			continue
		}
		r.open[key] = e
		r.note(Entry{Kind: "exception", Problem: exceptionEvent(e.Kind), Part: e.Part, Stage: r.s.Order.Stage})
		r.decide(Trigger{Event: exceptionEvent(e.Kind), Part: e.Part})
		work, why := callOf(e.Detector, &r.s)
		if work != care.WorkNone {
			r.note(Entry{Kind: "work", Problem: exceptionEvent(e.Kind), Part: e.Part, Work: work, Reason: why, Deadline: e.Detector.deadline(r.now)})
		}
	}
	for key, e := range r.open {
		if !still[key] {
			delete(r.open, key)
			r.note(Entry{Kind: "closed", Problem: exceptionEvent(e.Kind), Part: e.Part, Stage: r.s.Order.Stage})
		}
	}
}

func (c *Compiled) policy() *Policy { return &c.Policy }

// deadline is by when the work of an exception is to be done.
func (d Detector) deadline(now time.Time) time.Time {
	if d.DeadlineS == 0 {
		return now.Add(day * time.Second)
	}
	return now.Add(time.Duration(d.DeadlineS) * time.Second)
}
