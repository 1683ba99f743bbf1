package inbox

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// admission is what a new conversation meets: its queue, its target, and who could take it.
type admission struct {
	queue    Queue
	calendar *cal.Calendar // nil: around the clock
	language string        // of the customer: told, read off his words, or else the store's
	decision decision
	behind   bool // others wait in the queue already, so it joins them
}

// sureOfLanguage is how sure the detection must be for the conversation to go to agents of that language.
const sureOfLanguage = 0.8

// admit finds the queue of a new conversation and the agents who may take it; also is what the caller wants to know with it.
func (i *Inbox) admit(ctx context.Context, q db.Querier, in care.Inbound, before conversation, also ...db.Ask) (admission, error) {
	var a admission
	var store storeFacts
	var candidates []candidate
	if err := db.Answer(ctx, q, append(also, i.askStore(&store, in.Store), askReady(&candidates, in.Store, in.Channel))...); err != nil {
		return a, err
	}
	if !store.found {
		return a, care.NotFound("store")
	}
	a.calendar, a.language = store.calendar, in.Language
	if a.language == "" {
		a.language = store.language
		if detected, sure := text.Detect(in.Body); sure >= sureOfLanguage {
			a.language = detected
		}
	}
	a.queue = admitting(store.queues, in.Channel)
	if len(candidates) == 0 {
		return a, nil
	}
	err := abilities(ctx, q, candidates)
	if err != nil {
		return a, err
	}
	n := need{Channel: in.Channel, Language: a.language, Skills: a.queue.Skills, Team: a.queue.Team, Previous: before.Assignee}
	a.decision = decide(n, candidates)
	if len(a.decision.Offer) > 0 {
		a.behind, err = waits(ctx, q, in.Store, a.queue.ID)
	}
	return a, err
}

// deadline is by when the first response to a message of now is due. A calendar that never opens sets none.
func (a *admission) deadline(now db.Time) db.Time {
	target := time.Duration(a.queue.FirstResponse) * time.Second
	if a.calendar == nil {
		return now.Add(target)
	}
	at, err := a.calendar.Add(now.Time(), target)
	if err != nil {
		return 0
	}
	return db.At(at)
}

// route gives a new conversation to the first agent whose place is still free.
func (e *edit) route(a admission) error {
	if a.behind { // the oldest first
		e.drain()
		return nil
	}
	for _, c := range a.decision.Offer {
		got, err := e.claim(c)
		if err != nil {
			return err
		}
		if got {
			return nil
		}
	}
	if len(a.decision.Offer) > 0 { // somebody was free a moment ago
		e.drain()
	}
	return nil
}

// claim takes a place of an agent: he must be ready, and his load below his capacity, at the moment
// of the commit. Both rows stay locked until then, so neither he nor another node can change that in between.
func (e *edit) claim(c candidate) (bool, error) {
	var state string
	err := e.QueryRow(e.ctx, `SELECT state FROM presences WHERE agent_id = $1 FOR UPDATE`, c.Agent).Scan(&state)
	if errors.Is(err, db.ErrNoRows) || (err == nil && state != "ready") {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	tag, err := e.Exec(e.ctx, `INSERT INTO agent_loads (agent_id, channel, n) VALUES ($1, $2, 1)
ON CONFLICT (agent_id, channel) DO UPDATE SET n = agent_loads.n + 1 WHERE agent_loads.n < $3`, c.Agent, e.now.Channel, c.Capacity)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	e.claimed = true
	e.assign(c.Agent, c.Name)
	return true, nil
}

// waits tells whether a conversation waits for an agent in the queue.
func waits(ctx context.Context, q db.Querier, store, queue int64) (bool, error) {
	var found bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM conversations WHERE store_id = $1 AND queue_id = $2 AND assignee_id = 0 AND status = 'open' AND waiting_since_at > 0)`,
		store, queue).Scan(&found)
	return found, err
}

// defaultCapacity is how many open conversations of a channel an agent takes unless told otherwise.
func defaultCapacity(channel string) int64 {
	if channel == care.ChannelChat {
		return 4
	}
	return 20
}

// candidatesIn returns the ready agents of a store with their skills, teams and loads.
func candidatesIn(ctx context.Context, q db.Querier, store int64, channel string) (out []candidate, err error) {
	if err := db.Answer(ctx, q, askReady(&out, store, channel)); err != nil {
		return nil, err
	}
	return out, abilities(ctx, q, out)
}

// askReady is the question for the ready agents with their loads.
func askReady(out *[]candidate, store int64, channel string) db.Ask {
	return db.Ask{SQL: `SELECT p.agent_id, a.name, p.state, p.since_at, coalesce(l.n, 0), coalesce(x.max_open, $3)
FROM presences p CROSS JOIN memberships m JOIN agents a ON a.id = m.agent_id
LEFT JOIN agent_loads l ON l.agent_id = m.agent_id AND l.channel = $2 LEFT JOIN capacities x ON x.agent_id = m.agent_id AND x.channel = $2
WHERE m.store_id = $1 AND m.agent_id = p.agent_id AND m.role IN ('administrator', 'supervisor', 'agent') AND p.state = 'ready' AND a.active`,
		Args: []any{store, channel, defaultCapacity(channel)}, Read: func(rows pgx.Rows) error {
			*out = nil
			for rows.Next() {
				var c candidate
				if err := rows.Scan(&c.Agent, &c.Name, &c.State, &c.Since, &c.Open, &c.Capacity); err != nil {
					return err
				}
				*out = append(*out, c)
			}
			return nil
		}}
}

// abilities reads the skills and teams of agents.
func abilities(ctx context.Context, q db.Querier, agents []candidate) error {
	if len(agents) == 0 {
		return nil
	}
	ids := make([]int64, len(agents))
	at := make(map[int64]int, len(agents))
	for n, c := range agents {
		ids[n], at[c.Agent] = c.Agent, n
	}
	rows, err := q.Query(ctx, `SELECT agent_id, kind, value, 0 FROM skills WHERE agent_id = ANY($1::bigint[])
UNION ALL SELECT agent_id, '', '', team_id FROM team_members WHERE agent_id = ANY($1::bigint[])`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var agent, team int64
		var s Skill
		if err := rows.Scan(&agent, &s.Kind, &s.Value, &team); err != nil {
			return err
		}
		c := &agents[at[agent]]
		if team != 0 {
			c.Teams = append(c.Teams, team)
		} else {
			c.Skills = append(c.Skills, s)
		}
	}
	return rows.Err()
}
