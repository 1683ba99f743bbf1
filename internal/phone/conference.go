package phone

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Invite asks a colleague or an outside number into the conversation, which goes on meanwhile.
func (p *Phone) Invite(ctx context.Context, s care.Scope, id int64, to Target) (CurrentCall, error) {
	return p.lead(ctx, s, id, func(tx *db.Tx, c *call, all []party) error {
		if consulted(all) != nil {
			return errConsulting
		}
		if to.Agent == s.Agent {
			return errNotFree
		}
		t, err := p.asks(ctx, tx, c, all, roleAgent, to)
		if err != nil {
			return err
		}
		return p.changedCall(ctx, tx, c, "invited", map[string]any{"party_id": t.ID, "agent_id": t.Agent, "number": t.Number})
	})
}

// Remove takes somebody out of the conversation, or takes an invitation back. The agent whose call it is may do so, and supervisors.
func (p *Phone) Remove(ctx context.Context, s care.Scope, id, who int64) (CurrentCall, error) {
	_, err := p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		t, err := partyIn(ctx, tx, id, who)
		if err != nil {
			return err
		}
		if t == nil {
			return care.NotFound("party")
		}
		if t.supervises() && c.Agent == s.Agent { // a supervisor isn't sent away by the one he supervises
			return care.Forbidden(care.PermSupervise)
		}
		if t.Role == roleConsult && c.Agent != 0 {
			c.unhold(tx.Now)
			c.State = CallTalking
		}
		return p.goes(ctx, tx, c, t, "removed")
	})
	if err != nil {
		return CurrentCall{}, err
	}
	return p.CurrentCall(ctx, s, id)
}

// Leave lets the caller go out of a conversation that goes on: a colleague in it becomes the agent whose call it is; without one, the customer stays with the outside
// number. The last with whom the customer could talk can't leave him: he hangs up, or hands him over.
func (p *Phone) Leave(ctx context.Context, s care.Scope, id int64) (Call, error) {
	return p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		if mine != nil {
			return p.goes(ctx, tx, c, mine, "left")
		}
		if !c.stands() {
			return errCallMoved
		}
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if consulted(all) != nil {
			return errConsulting
		}
		heir := heirOf(all)
		if heir == nil {
			return errLastAgent
		}
		c.unhold(tx.Now)
		c.State = CallTalking
		if heir.Agent != 0 {
			err = p.leads(ctx, tx, c, heir)
		} else {
			p.passedOn(tx, c)
			c.Agent, c.Muted = 0, false
		}
		if err != nil {
			return err
		}
		return p.handOver(ctx, tx, c, s.Agent, "transferred", map[string]any{"agent_id": heir.Agent, "number": heir.Number})
	})
}

// heirOf is who talks with the customer when the agent whose call it is has gone: the colleague who has been there longest, else an outside number.
func heirOf(all []party) (heir *party) {
	for i := range all {
		t := &all[i]
		if t.State != partyTalking || t.Role != roleAgent && t.Role != roleGuest {
			continue
		}
		if heir == nil || heir.Agent == 0 && t.Agent != 0 {
			heir = t
		}
	}
	return heir
}
