package phone

import (
	"context"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// rest gives an agent who took part in a call, and isn't the one who says what came of it, the time that the store allows for his own after-call work.
func (p *Phone) rest(ctx context.Context, tx *db.Tx, store, agent, call int64) error {
	if agent == 0 {
		return nil
	}
	set, err := settings(ctx, tx, store)
	if err != nil {
		return err
	}
	if set.Policy.WrapUpOthers == 0 {
		return p.free(ctx, tx, agent, 0, call)
	}
	until := db.At(tx.Now.Add(seconds(set.Policy.WrapUpOthers)))
	tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'wrapup', callback_id = 0, since_at = $1, until_at = $2 WHERE agent_id = $3 AND call_id = $4 AND state = 'talking'`, db.At(tx.Now), until, agent, call)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return p.free(ctx, tx, agent, 0, call)
	}
	p.agentChanged(ctx, tx, agent, "wrapup")
	tx.Enqueue(db.Job{Store: store, Kind: JobRested, Key: itoa(agent), Move: true, RunAt: until.Time(), Payload: restPayload{agent, call}})
	return nil
}

type restPayload struct {
	Agent int64 `json:"agent_id"`
	Call  int64 `json:"call_id"`
}

// rested ends it, unless the agent has the call again.
func (p *Phone) rested(ctx context.Context, tx *db.Tx, in restPayload) error {
	c, err := loadCall(ctx, tx, in.Call, true)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	if err != nil || c.Agent == in.Agent {
		return err
	}
	var state string
	err = tx.QueryRow(ctx, `SELECT state FROM phone_agents WHERE agent_id = $1 AND call_id = $2`, in.Agent, in.Call).Scan(&state)
	if errors.Is(err, db.ErrNoRows) || err == nil && state != "wrapup" {
		return nil
	}
	if err != nil {
		return err
	}
	return p.free(ctx, tx, in.Agent, 0, in.Call)
}

// Rested ends the caller's own after-call work before its time is over. What he has to say of a call that was his he says with its outcome.
func (p *Phone) Rested(ctx context.Context, s care.Scope) (a AgentState, err error) {
	err = p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		if a, err = agentState(ctx, tx, s.Agent); err != nil {
			return err
		}
		if a.State != "wrapup" {
			return nil
		}
		c, err := loadCall(ctx, tx, a.Call, true)
		if err != nil {
			return err
		}
		if c.Agent == s.Agent {
			return care.Conflict("phone.outcome_first")
		}
		tx.CancelJob(JobRested, itoa(s.Agent))
		if err := p.rested(ctx, tx, restPayload{s.Agent, a.Call}); err != nil {
			return err
		}
		a, err = agentState(ctx, tx, s.Agent)
		return err
	})
	return a, err
}
