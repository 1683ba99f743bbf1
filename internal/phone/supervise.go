package phone

import (
	"context"
	"slices"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
)

// modes of supervision.
var modes = map[string]sound.Role{roleListen: sound.Listen, roleWhisper: sound.Whisper, roleBarge: sound.Barge}

// Supervise lets the caller listen to a call, whisper to its agents or join it, and change between these while it lasts; "off" ends it. It is audited in the
// same transaction: nobody listens in without a trace.
func (p *Phone) Supervise(ctx context.Context, by account.By, id int64, mode string) (Call, error) {
	s := by.Scope
	if _, ok := modes[mode]; !ok && mode != "off" {
		return Call{}, care.Invalid("mode", "value_invalid")
	}
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		c, err := loadCall(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := allow(s, c.Store, care.PermSupervise, "call"); err != nil {
			return err
		}
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(t party) bool { return t.Agent == s.Agent })
		if !c.stands() || c.Agent == s.Agent || i >= 0 && !all[i].supervises() {
			return errCallMoved
		}
		if p.audit != nil {
			p.audit(tx, by, c.Store, "call.supervised", id, c.Number, nil, map[string]string{"mode": mode})
		}
		switch {
		case mode == "off" && i < 0:
			return nil
		case mode == "off":
			return p.goes(ctx, tx, &c, &all[i], "left")
		case i >= 0:
			all[i].Role = mode
			if err := all[i].save(ctx, tx); err != nil {
				return err
			}
		default:
			if len(all) >= maxParties {
				return errFull
			}
			if err := p.occupy(ctx, tx, s.Agent, id); err != nil {
				return err
			}
			t := party{Store: c.Store, Call: id, Role: mode, State: partyTalking, Agent: s.Agent, Joined: db.At(tx.Now)}
			if err := t.insert(ctx, tx); err != nil {
				return err
			}
		}
		return p.changedCall(ctx, tx, &c, "supervised", map[string]any{"agent_id": s.Agent, "mode": mode})
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

// occupy notes that a supervisor is on a call, so that he is given none; one who isn't at the telephone may listen all the same.
func (p *Phone) occupy(ctx context.Context, tx *db.Tx, agent, call int64) error {
	a, err := agentState(ctx, tx, agent)
	if err != nil {
		return err
	}
	if a.State != "free" {
		return care.Conflict("phone.not_free")
	}
	_, err = tx.Exec(ctx, `UPDATE phone_agents SET state = 'talking', call_id = $1, callback_id = 0, since_at = $2, until_at = 0 WHERE agent_id = $3 AND state = 'free'`, call, db.At(tx.Now), agent)
	p.agentChanged(ctx, tx, agent, "talking")
	return err
}
