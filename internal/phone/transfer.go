package phone

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Transfer hands the caller's customer over without a word to the one who gets him. The customer hears music until somebody takes him: when nobody does he
// comes back to the caller, if he is free, and else waits for whoever is. Nobody is left alone on a line.
func (p *Phone) Transfer(ctx context.Context, s care.Scope, id int64, to Target) (Call, error) {
	_, err := p.in(ctx, s, id, func(tx *db.Tx, c *call, _ *party) error {
		if err := to.check(); err != nil {
			return err
		}
		if c.Agent != s.Agent || !c.stands() {
			return errCallMoved
		}
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if consulted(all) != nil {
			return errConsulting
		}
		if company(all) {
			return errConference
		}
		return p.transfer(ctx, tx, c, to)
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

func (p *Phone) transfer(ctx context.Context, tx *db.Tx, c *call, to Target) error {
	from := c.Agent
	if to.Agent == from {
		return errNotFree
	}
	switch {
	case to.Agent != 0:
		if err := p.offerTo(ctx, tx, c, to.Agent, from); err != nil {
			return err
		}
	case to.Queue != 0:
		q, err := p.queueOf(ctx, tx, c.Store, to.Queue)
		if err != nil {
			return err
		}
		c.PassedBy = 0 // the queue's limits and overflow are its own
		c.queue(q.ID, tx.Now)
	default:
		t, err := p.asks(ctx, tx, c, nil, roleGuest, to)
		if err != nil {
			return err
		}
		to.Number = t.Number
		c.State, c.Agent, c.PassedBy = CallHeld, 0, from
		c.hold(tx.Now)
	}
	return p.handOver(ctx, tx, c, from, "transferred", map[string]any{"agent_id": to.Agent, "queue_id": to.Queue, "number": to.Number})
}

// offerTo asks a colleague to take a customer who hears music meanwhile.
func (p *Phone) offerTo(ctx context.Context, tx *db.Tx, c *call, agent, from int64) error {
	set, err := settings(ctx, tx, c.Store)
	if err != nil {
		return err
	}
	until := tx.Now.Add(seconds(set.Policy.Offer))
	if err := p.seize(ctx, tx, c, agent, until); err != nil {
		return err
	}
	c.hold(tx.Now)
	c.State, c.Agent, c.PassedBy, c.Muted = CallOffered, agent, from, false
	tx.Enqueue(db.Job{Store: c.Store, Kind: JobRing, Key: itoa(c.ID), Move: true, RunAt: until, Payload: ringPayload{c.ID, agent}})
	p.ring(tx, c, agent, from, "transfer", until)
	return p.ringsAt(ctx, tx, c, agent)
}

// queue puts a customer who was talked with where callers wait; he keeps the place that his coming gave him.
func (c *call) queue(queue int64, now time.Time) {
	c.hold(now)
	c.State, c.Agent, c.Queue, c.Muted = CallWaiting, 0, queue, false
	if c.Queued == 0 {
		c.Queued = c.Made
	}
}

// handOver writes a call down that another has now, and lets the agent go who had it.
func (p *Phone) handOver(ctx context.Context, tx *db.Tx, c *call, from int64, step string, params map[string]any) error {
	params["from_agent_id"] = from
	if err := p.changedCall(ctx, tx, c, step, params); err != nil {
		return err
	}
	if err := p.callEvent(tx, care.EventCallMoved, c); err != nil {
		return err
	}
	if from != 0 && from != c.Agent {
		if err := p.rest(ctx, tx, c.Store, from, c.ID); err != nil {
			return err
		}
		p.hintAgent(tx, from, map[string]any{"t": "phone", "event": "call", "call_id": c.ID, "step": step})
	}
	if c.State == CallWaiting {
		return p.dispatch(ctx, tx, []int64{c.Store})
	}
	return p.carry(ctx, tx, c, func(cb *callback) error {
		if c.Agent == 0 || c.State == CallOffered {
			return nil
		}
		cb.Agent = c.Agent
		p.changed(tx, cb)
		return cb.save(ctx, tx)
	})
}

// taken is a customer who was handed over and has somebody again.
func (p *Phone) taken(ctx context.Context, tx *db.Tx, c *call) error {
	if err := p.handOver(ctx, tx, c, c.Agent, "taken", map[string]any{"agent_id": c.Agent}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE phone_agents SET callback_id = $1 WHERE agent_id = $2 AND call_id = $3`, c.Callback, c.Agent, c.ID)
	return err
}

// comesBack is a customer whom nobody took: he goes back to the agent who handed him over, if that one is free, else he waits for whoever is.
func (p *Phone) comesBack(ctx context.Context, tx *db.Tx, c *call, why string) error {
	back, from := c.PassedBy, c.Agent
	if back != 0 && back != from {
		err := p.offerTo(ctx, tx, c, back, 0)
		if err == nil {
			return p.handOver(ctx, tx, c, from, "came_back", map[string]any{"agent_id": back, "why": why})
		}
		if !errors.Is(err, errNotFree) {
			return err
		}
	}
	c.PassedBy = 0
	c.queue(c.Queue, tx.Now)
	return p.handOver(ctx, tx, c, from, "came_back", map[string]any{"queue_id": c.Queue, "why": why})
}
