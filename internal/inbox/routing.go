package inbox

import (
	"cmp"
	"slices"
	"time"

	"opeka/internal/db"
)

// Skill is something that an agent can or a queue wants: a channel, a language, a topic.
type Skill struct {
	Kind  string `json:"kind" enum:"channel,language,topic,store"`
	Value string `json:"value" maxLength:"100"`
}

// need is what a conversation asks of the agent who takes it.
type need struct {
	Channel  string
	Language string  // empty: not known yet, anybody may find out
	Topic    string  // empty: none
	Skills   []Skill // that the queue requires
	Team     int64   // only its members, when not 0
	Previous int64   // who served the customer in this thread before
	Declined int64   // who gave the conversation back
}

// candidate is an agent of the store as routing sees him.
type candidate struct {
	Agent    int64
	Name     string
	State    string // of presence
	Since    db.Time
	Skills   []Skill
	Teams    []int64
	Open     int64 // conversations of the channel that he has
	Capacity int64 // how many he takes
}

// refusal tells why an agent doesn't get the conversation.
type refusal struct {
	Agent  int64
	Reason string // not_ready, full, channel, language, topic, skill, team, declined
}

// decision is whom to offer a conversation to, best first, and why not to the others.
type decision struct {
	Offer   []candidate
	Refused []refusal
}

// decide picks who may take a conversation. It only knows what it is given: whether the first one really gets it is the claim's matter.
// Best is who served the customer before, then who has the largest share of his capacity free, then who has been ready longest.
func decide(n need, candidates []candidate) decision {
	var d decision
	for _, c := range candidates {
		if why := c.refuses(n); why != "" {
			d.Refused = append(d.Refused, refusal{c.Agent, why})
			continue
		}
		d.Offer = append(d.Offer, c)
	}
	slices.SortStableFunc(d.Offer, func(a, b candidate) int {
		if (a.Agent == n.Previous) != (b.Agent == n.Previous) {
			if a.Agent == n.Previous {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.Open*b.Capacity, b.Open*a.Capacity),
			cmp.Compare(a.Open, b.Open),
			cmp.Compare(a.Since, b.Since),
			cmp.Compare(a.Agent, b.Agent))
	})
	return d
}

func (c *candidate) refuses(n need) string {
	switch {
	case c.State != "ready":
		return "not_ready"
	case c.Agent == n.Declined:
		return "declined"
	case n.Team != 0 && !slices.Contains(c.Teams, n.Team):
		return "team"
	case !c.takes("channel", n.Channel):
		return "channel"
	case !c.takes("language", n.Language):
		return "language"
	case !c.takes("topic", n.Topic):
		return "topic"
	case slices.ContainsFunc(n.Skills, func(s Skill) bool { return !slices.Contains(c.Skills, s) }):
		return "skill"
	case c.Open >= c.Capacity:
		return "full"
	}
	return ""
}

// takes tells whether an agent serves a value: one without any skill of the kind serves them all.
func (c *candidate) takes(kind, value string) bool {
	restricted := false
	for _, s := range c.Skills {
		if s.Kind == kind {
			if s.Value == value {
				return true
			}
			restricted = true
		}
	}
	return !restricted || value == ""
}

// gone tells whether an agent has been away from his place so long that customers shouldn't wait for him.
func gone(state string, since, now db.Time) bool {
	return state == "offline" && now >= since.Add(returnAfter)
}

// returnAfter is how long an agent may be offline before his unanswered conversations go back.
const returnAfter = 5 * time.Minute
