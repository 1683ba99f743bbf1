package phone

import (
	"cmp"
	"slices"
	"time"
)

// ready is a due callback, or a caller who waits, as distribution sees him.
type ready struct {
	ID       int64
	Store    int64
	Language string
	Skills   []skill
	Team     int64
	Owner    int64 // the agent who promised, or to whom it belongs
	Promised time.Time
	Priority int64
	Asked    time.Time // the place in the queue
	Due      time.Time
	Until    time.Time // in time so long; zero: it was tried already, or nobody said
	Passed   []pass
	Caller   bool // is on the line now
}

// skill is as account keeps it.
type skill struct{ Kind, Value string }

// pass is an agent's "not me", for a while.
type pass struct {
	Agent int64     `json:"agent_id"`
	Until time.Time `json:"until_at"`
}

// idle is an agent who could take a call.
type idle struct {
	Agent  int64
	Stores []int64
	Skills []skill
	Teams  []int64
	Since  time.Time // idle since
}

// pair is a call and who takes it.
type pair struct {
	ID    int64
	Agent int64
}

// closing is how long before the end of its time a callback comes before all others that have more time, or are late already: the most are in time then.
const closing = 6 * time.Minute

func (r ready) closes(now time.Time) bool {
	return !r.Until.IsZero() && !now.After(r.Until) && now.Add(closing).After(r.Until)
}

// urgency orders what is due: callers on the line first; then those whose time is almost over, the earliest first; a promise whose time has come before the
// rest; then priority, which grows with the wait (ten an hour) so that nobody starves; then the place in the queue.
func urgency(r ready, now time.Time) int64 {
	u := r.Priority
	if waited := now.Sub(r.Due); waited > 0 {
		u += int64(waited / (6 * time.Minute))
	}
	if !r.Promised.IsZero() && !now.Before(r.Promised) {
		u += 100
	}
	if r.closes(now) {
		u += 500 - int64(r.Until.Sub(now)/time.Second)
	}
	if r.Caller {
		u += 2000
	}
	return u
}

// match gives what is due to agents, the most urgent first, each to the one who has been idle longest of those who can take it.
// left says of the rest why nobody took it.
func match(due []ready, agents []idle, ownerFirst time.Duration, now time.Time) (pairs []pair, left map[int64]string) {
	due = slices.Clone(due)
	slices.SortStableFunc(due, func(a, b ready) int {
		return cmp.Or(cmp.Compare(urgency(b, now), urgency(a, now)), a.Asked.Compare(b.Asked), cmp.Compare(a.ID, b.ID))
	})
	free := slices.Clone(agents)
	slices.SortStableFunc(free, func(a, b idle) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Agent, b.Agent)) })
	left = map[int64]string{}
	for _, r := range due {
		best, reason := -1, "no_agent"
		for i, a := range free {
			switch why := refuses(a, r, ownerFirst, now); {
			case why == "":
				if best < 0 || a.Agent == r.Owner {
					best = i
				}
			case best < 0:
				reason = why
			}
		}
		if best < 0 {
			left[r.ID] = reason
			continue
		}
		pairs = append(pairs, pair{r.ID, free[best].Agent})
		free = slices.Delete(free, best, best+1)
	}
	return pairs, left
}

// refuses tells why an agent doesn't take it; empty: he does.
func refuses(a idle, r ready, ownerFirst time.Duration, now time.Time) string {
	switch {
	case !slices.Contains(a.Stores, r.Store):
		return "no_agent"
	case r.Owner != 0 && a.Agent != r.Owner && now.Before(r.Due.Add(ownerFirst)):
		return "for_owner"
	case slices.ContainsFunc(r.Passed, func(p pass) bool { return p.Agent == a.Agent && now.Before(p.Until) }):
		return "passed"
	case r.Team != 0 && !slices.Contains(a.Teams, r.Team):
		return "no_skill"
	case !a.takes("channel", "phone"), !a.takes("language", r.Language):
		return "no_skill"
	case slices.ContainsFunc(r.Skills, func(s skill) bool { return !slices.Contains(a.Skills, s) }):
		return "no_skill"
	}
	return ""
}

// takes tells whether an agent serves a value: one without any skill of the kind serves them all.
func (a idle) takes(kind, value string) bool {
	restricted := false
	for _, s := range a.Skills {
		if s.Kind == kind {
			if s.Value == value {
				return true
			}
			restricted = true
		}
	}
	return !restricted || value == ""
}
