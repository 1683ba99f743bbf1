package notify

import (
	"context"

	"opeka/internal/care"
)

// Compared is what two policies make of one case.
type Compared struct {
	Case string `json:"case"`
	// Sent and Against are how many messages the customer gets.
	Sent    int  `json:"sent"`
	Against int  `json:"against"`
	Work    int  `json:"work" doc:"How much work it makes"`
	Worked  int  `json:"against_work"`
	Differs bool `json:"differs" doc:"He gets something else, or at another time, or by another channel; or other work is made"`
}

// CompareInput says which two policies to compare: without one it is the policy in force.
type CompareInput struct {
	Language       string  `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Policy         *Policy `json:"policy,omitempty"`
	Version        *int64  `json:"version,omitempty"`
	Against        *Policy `json:"against,omitempty"`
	AgainstVersion *int64  `json:"against_version,omitempty"`
}

// Compare plays every case against two policies: what would change for customers if the one took the place of the other.
func (n *Notify) Compare(ctx context.Context, s care.Scope, store int64, in CompareInput) ([]Compared, error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return nil, err
	}
	facts, err := n.storeFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	one, err := n.chosen(ctx, store, facts.Zone, in.Policy, in.Version)
	if err != nil {
		return nil, err
	}
	other, err := n.chosen(ctx, store, facts.Zone, in.Against, in.AgainstVersion)
	if err != nil {
		return nil, err
	}
	lang, now := facts.Language, n.db.Now()
	if in.Language != "" {
		lang = in.Language
	}
	out := []Compared{}
	for _, key := range Cases() {
		script, _ := caseScript(key, facts, lang, now)
		a, b := Simulate(script, one, nil), Simulate(script, other, nil)
		c := Compared{Case: key}
		mine, its := felt(a, &c.Sent, &c.Work), felt(b, &c.Against, &c.Worked)
		c.Differs = len(mine) != len(its)
		for i := range min(len(mine), len(its)) {
			c.Differs = c.Differs || mine[i] != its[i]
		}
		out = append(out, c)
	}
	return out, nil
}

// feeling is a line of a play that somebody notices.
type feeling struct {
	at                          int64
	kind, moment, part, channel string
	problem, work               string
}

func felt(entries []Entry, sent, work *int) (out []feeling) {
	for _, e := range entries {
		switch e.Kind {
		case "sent":
			*sent++
		case "work":
			*work++
		default:
			continue
		}
		out = append(out, feeling{e.At.Unix(), e.Kind, e.Moment, e.Part, e.Channel, e.Problem, e.Work})
	}
	return out
}
