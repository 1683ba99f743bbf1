package phone

import (
	"context"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Consult asks somebody aside: the customer hears music, the caller and the one who is asked talk. Then he is handed over (Complete), they all talk (Join),
// the caller goes back to his customer (Cancel), or to and fro (Swap).
func (p *Phone) Consult(ctx context.Context, s care.Scope, id int64, to Target) (CurrentCall, error) {
	return p.lead(ctx, s, id, func(tx *db.Tx, c *call, all []party) error {
		if consulted(all) != nil {
			return errConsulting
		}
		if to.Agent == s.Agent {
			return errNotFree
		}
		t, err := p.asks(ctx, tx, c, all, roleConsult, to)
		if err != nil {
			return err
		}
		c.State = CallHeld
		c.hold(tx.Now)
		return p.changedCall(ctx, tx, c, "consulting", map[string]any{"party_id": t.ID, "agent_id": t.Agent, "number": t.Number})
	})
}

// aside changes a call of the caller's in which somebody is asked aside.
func (p *Phone) aside(ctx context.Context, s care.Scope, id int64, fn func(tx *db.Tx, c *call, t *party) error) (CurrentCall, error) {
	return p.lead(ctx, s, id, func(tx *db.Tx, c *call, all []party) error {
		t := consulted(all)
		if t == nil {
			return errNoConsult
		}
		return fn(tx, c, t)
	})
}

// CompleteConsult hands the customer over to the one who was asked. Done while he is still rung it is a transfer without a word: the customer comes back when he isn't taken.
func (p *Phone) CompleteConsult(ctx context.Context, s care.Scope, id int64) (Call, error) {
	_, err := p.aside(ctx, s, id, func(tx *db.Tx, c *call, t *party) error {
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if others(all, t) {
			return errConference
		}
		return p.complete(ctx, tx, c, t)
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

// others tells whether somebody else takes part in the call beside the one who was asked aside: then there is nobody to whom all could be handed over.
func others(all []party, aside *party) bool {
	return slices.ContainsFunc(all, func(t party) bool { return t.ID != aside.ID && !t.supervises() })
}

func (p *Phone) complete(ctx context.Context, tx *db.Tx, c *call, t *party) error {
	from, talks := c.Agent, t.State == partyTalking
	params := map[string]any{"agent_id": t.Agent, "number": t.Number}
	switch {
	case t.Agent == 0 && talks:
		t.Role, t.Held = roleGuest, false
		p.passedOn(tx, c)
		c.Agent, c.Muted = 0, false
		if err := t.save(ctx, tx); err != nil {
			return err
		}
	case t.Agent == 0:
		t.Role = roleGuest
		c.State, c.Agent, c.PassedBy, c.Muted = CallHeld, 0, from, false
		c.hold(tx.Now)
		if err := t.save(ctx, tx); err != nil {
			return err
		}
	case talks:
		c.unhold(tx.Now)
		c.State, c.PassedBy = CallTalking, 0
		if err := p.leads(ctx, tx, c, t); err != nil {
			return err
		}
	default: // he is being rung: from now on for the customer
		if err := p.leave(ctx, tx, t, "leads"); err != nil {
			return err
		}
		if err := p.offerTo(ctx, tx, c, t.Agent, from); err != nil {
			return err
		}
	}
	return p.handOver(ctx, tx, c, from, "transferred", params)
}

// leads makes a colleague in the call the agent whose call it is.
func (p *Phone) leads(ctx context.Context, tx *db.Tx, c *call, t *party) error {
	t.State, t.Result, t.End = partyLeft, "leads", db.At(tx.Now)
	c.Agent, c.Muted = t.Agent, t.Muted
	if _, err := tx.Exec(ctx, `UPDATE phone_agents SET callback_id = $1 WHERE agent_id = $2 AND call_id = $3`, c.Callback, c.Agent, c.ID); err != nil {
		return err
	}
	return t.save(ctx, tx)
}

// CancelConsult lets go of the one who was asked and brings the customer back.
func (p *Phone) CancelConsult(ctx context.Context, s care.Scope, id int64) (CurrentCall, error) {
	return p.aside(ctx, s, id, func(tx *db.Tx, c *call, t *party) error {
		c.unhold(tx.Now)
		c.State = CallTalking
		return p.goes(ctx, tx, c, t, "cancelled")
	})
}

// Swap changes between the customer and the one who was asked: the other hears music.
func (p *Phone) Swap(ctx context.Context, s care.Scope, id int64) (CurrentCall, error) {
	return p.aside(ctx, s, id, func(tx *db.Tx, c *call, t *party) error {
		if t.State != partyTalking {
			return errNoConsult
		}
		if t.Held = c.State == CallHeld; t.Held {
			c.unhold(tx.Now)
			c.State = CallTalking
		} else {
			c.State = CallHeld
			c.hold(tx.Now)
		}
		if err := t.save(ctx, tx); err != nil {
			return err
		}
		return p.changedCall(ctx, tx, c, "swapped", map[string]any{"party_id": t.ID, "customer": c.State == CallTalking})
	})
}

// Join brings customer, caller and the one who was asked into one conversation.
func (p *Phone) Join(ctx context.Context, s care.Scope, id int64) (CurrentCall, error) {
	return p.aside(ctx, s, id, func(tx *db.Tx, c *call, t *party) error {
		if t.State != partyTalking {
			return errNoConsult
		}
		t.Held, t.Role = false, roleAgent
		if t.Agent == 0 {
			t.Role = roleGuest
		}
		if err := t.save(ctx, tx); err != nil {
			return err
		}
		c.unhold(tx.Now)
		c.State = CallTalking
		return p.changedCall(ctx, tx, c, "conference", map[string]any{"party_id": t.ID, "agent_id": t.Agent, "number": t.Number})
	})
}
