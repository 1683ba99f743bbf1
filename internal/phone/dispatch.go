package phone

import (
	"context"
	"slices"
	"time"

	"opeka/internal/db"
)

// rounds bounds how often a dispatch begins anew because what seemed due wasn't any more: at noon the rest of many may begin.
const rounds = 40

// dispatch gives what is due in the stores to agents who are free, in this transaction. An agent is reserved by compare-and-set before
// anything else happens: nobody is rung without somebody to talk to.
func (p *Phone) dispatch(ctx context.Context, tx *db.Tx, stores []int64) error {
	// One after the other: of two that run at once, one with a new call and one with a new agent, neither would see what the other brings.
	if _, err := tx.Exec(ctx, `SELECT id FROM stores WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE`, stores); err != nil {
		return err
	}
	if err := p.offerCallers(ctx, tx, stores); err != nil {
		return err
	}
	for range rounds {
		agents, err := freeAgents(ctx, tx, stores)
		if err != nil {
			return err
		}
		due, err := callbacksBy(ctx, tx, `c.store_id = ANY($1::bigint[]) AND c.state = 'due' ORDER BY c.due_at, c.id LIMIT 500 FOR UPDATE`, stores)
		if err != nil || len(due) == 0 {
			return err
		}
		byID := make(map[int64]*callback, len(due))
		list := make([]ready, len(due))
		for i := range due {
			c := &due[i]
			byID[c.ID] = c
			list[i] = ready{ID: c.ID, Store: c.Store, Language: c.Language, Owner: c.Owner, Promised: c.Promised.Time(), Priority: c.Priority, Asked: c.Asked.Time(), Due: c.Due.Time(), Passed: c.Passed}
			if c.Attempts == 0 {
				list[i].Until = c.LateAt.Time()
			}
		}
		policies := map[int64]Policy{}
		for _, s := range stores {
			set, err := settings(ctx, tx, s)
			if err != nil {
				return err
			}
			policies[s] = set.Policy
		}
		pairs, left := match(list, agents, policies[due[0].Store].ownerFirst(), tx.Now)
		for _, r := range list {
			reason, ok := left[r.ID]
			if c := byID[r.ID]; ok && c.Reason != reason {
				c.Reason = reason
				if err := c.save(ctx, tx); err != nil {
					return err
				}
				if reason == "for_owner" || reason == "passed" { // it frees by itself
					tx.Enqueue(db.Job{Store: c.Store, Kind: JobPlan, Key: itoa(c.ID), Move: true, RunAt: nextChance(c, policies[c.Store], tx.Now), Payload: callbackPayload{c.ID}})
				}
				p.changed(tx, c)
			}
		}
		stale := false
		for _, x := range pairs {
			c := byID[x.ID]
			// What was true when it became due may have changed: consent, hours, goods.
			plan, err := p.decide(ctx, tx, c)
			if err != nil {
				return err
			}
			if plan.State != Due {
				stale = true
				continue
			}
			got, err := p.reserve(ctx, tx, c, x.Agent, policies[c.Store])
			if err != nil {
				return err
			}
			stale = stale || !got
		}
		if !stale {
			return nil
		}
	}
	return nil
}

// nextChance is when an agent who passed, or another than the owner, may get it.
func nextChance(c *callback, pol Policy, now time.Time) time.Time {
	at := now.Add(lookAgain)
	if t := c.Due.Time().Add(pol.ownerFirst()); c.Owner != 0 && t.After(now) && t.Before(at) {
		at = t
	}
	for _, x := range c.Passed {
		if x.Until.After(now) && x.Until.Before(at) {
			at = x.Until
		}
	}
	if at.After(c.Expires.Time()) {
		at = c.Expires.Time()
	}
	return at
}

// reserve keeps an agent free for a callback: he sees the case, and the customer is rung at once or when he accepts.
func (p *Phone) reserve(ctx context.Context, tx *db.Tx, c *callback, agent int64, pol Policy) (bool, error) {
	state, until := "reserved", db.Time(0)
	if c.Mode == AgentFirst {
		state, until = "offered", db.At(tx.Now.Add(seconds(pol.Offer)))
	}
	tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = $1, callback_id = $2, call_id = 0, since_at = $3, until_at = $4
WHERE agent_id = $5 AND state = 'free' AND reachable AND EXISTS (SELECT 1 FROM presences p WHERE p.agent_id = $5 AND p.state = 'ready')`, state, c.ID, db.At(tx.Now), until, agent)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	c.Agent = agent
	if c.Mode == AgentFirst {
		c.State, c.Reason = Offered, "offered"
		tx.Enqueue(db.Job{Store: c.Store, Kind: JobOffer, Key: itoa(c.ID), Move: true, RunAt: until.Time(), Payload: offerPayload{c.ID, agent}})
		if err := c.save(ctx, tx); err != nil {
			return false, err
		}
	} else if err := p.attempt(ctx, tx, c, pol); err != nil {
		return false, err
	}
	tx.CancelJob(JobPlan, itoa(c.ID))
	decided(tx, c, why(c.Reason, "agent", agent), 0)
	p.changed(tx, c)
	p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": state, "callback_id": c.ID, "call_id": c.Call, "store_id": c.Store, "customer_id": c.Customer, "number": c.Number, "until_at": until})
	p.agentChanged(ctx, tx, agent, state)
	return true, nil
}

// freeAgents are those in the stores who could take a call now.
func freeAgents(ctx context.Context, q db.Querier, stores []int64) ([]idle, error) {
	rows, err := q.Query(ctx, `SELECT a.agent_id, a.since_at, p.since_at FROM phone_agents a JOIN presences p ON p.agent_id = a.agent_id JOIN agents g ON g.id = a.agent_id
WHERE a.state = 'free' AND a.reachable AND p.state = 'ready' AND g.active
AND EXISTS (SELECT 1 FROM memberships m WHERE m.agent_id = a.agent_id AND m.store_id = ANY($1::bigint[]) AND m.role IN ('administrator', 'supervisor', 'agent'))`, stores)
	if err != nil {
		return nil, err
	}
	var out []idle
	var ids []int64
	for rows.Next() {
		var a idle
		var free, here db.Time
		if err := rows.Scan(&a.Agent, &free, &here); err != nil {
			rows.Close()
			return nil, err
		}
		a.Since = max(free, here).Time()
		out, ids = append(out, a), append(ids, a.Agent)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	rows, err = q.Query(ctx, `SELECT agent_id, kind, value, 0 FROM skills WHERE agent_id = ANY($1::bigint[])
UNION ALL SELECT agent_id, '', '', team_id FROM team_members WHERE agent_id = ANY($1::bigint[])
UNION ALL SELECT agent_id, 'member', '', store_id FROM memberships WHERE agent_id = ANY($1::bigint[]) AND role IN ('administrator', 'supervisor', 'agent')`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var agent, n int64
		var s skill
		if err := rows.Scan(&agent, &s.Kind, &s.Value, &n); err != nil {
			return nil, err
		}
		a := &out[slices.Index(ids, agent)]
		switch s.Kind {
		case "":
			a.Teams = append(a.Teams, n)
		case "member":
			a.Stores = append(a.Stores, n)
		default:
			a.Skills = append(a.Skills, s)
		}
	}
	return out, rows.Err()
}
