package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"opeka/internal/db"
)

// topicViewers tells the other nodes who looks at what; it isn't for live connections.
const topicViewers = "inbox.viewers"

// viewerTime is how long an agent counts as looking at a conversation after he was last seen there.
const viewerTime = 45 * time.Second

// viewers remembers who looks at which conversation. It is a courtesy between colleagues, held in memory and lost with it.
type viewers struct {
	clock db.Clock
	mu    sync.Mutex
	by    map[int64]map[int64]viewer // conversation -> agent
	swept time.Time
}

type viewer struct {
	name string
	seen time.Time
}

type viewerNews struct {
	Conversation int64  `json:"conversation_id"`
	Agent        int64  `json:"agent_id"`
	Name         string `json:"name"`
}

type viewersHint struct {
	T            string  `json:"t"`
	Conversation int64   `json:"conversation_id"`
	Viewers      []Agent `json:"viewers"`
}

func newViewers(c db.Clock) *viewers { return &viewers{clock: c, by: map[int64]map[int64]viewer{}} }

// hear is what another node, or this one, says on topicViewers.
func (v *viewers) hear(_ string, data []byte) {
	var n viewerNews
	if json.Unmarshal(data, &n) == nil && n.Agent != 0 {
		v.add(n)
	}
}

// add tells whether the agent wasn't there before.
func (v *viewers) add(n viewerNews) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock.Now()
	if now.Sub(v.swept) > viewerTime {
		v.sweep(now)
	}
	m := v.by[n.Conversation]
	if m == nil {
		m = map[int64]viewer{}
		v.by[n.Conversation] = m
	}
	before, was := m[n.Agent]
	m[n.Agent] = viewer{n.Name, now}
	return !was || now.Sub(before.seen) > viewerTime
}

func (v *viewers) sweep(now time.Time) {
	v.swept = now
	for id, m := range v.by {
		for agent, w := range m {
			if now.Sub(w.seen) > viewerTime {
				delete(m, agent)
			}
		}
		if len(m) == 0 {
			delete(v.by, id)
		}
	}
}

// of lists who looks at a conversation, without the one who asks.
func (v *viewers) of(id, but int64) []Agent {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := []Agent{}
	for agent, w := range v.by[id] {
		if agent != but && v.clock.Now().Sub(w.seen) <= viewerTime {
			out = append(out, Agent{agent, w.name})
		}
	}
	slices.SortFunc(out, func(a, b Agent) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// look notes that the agent has the conversation before him, and tells his colleagues when he has just come.
func (i *Inbox) look(ctx context.Context, c *conversation, agent int64) {
	n := viewerNews{c.ID, agent, i.agentName(ctx, agent)}
	came := i.viewers.add(n)
	i.publish(topicViewers, n)
	if came {
		i.publish(agentsTopic(c.Store), viewersHint{"viewer", c.ID, i.viewers.of(c.ID, 0)})
	}
}
