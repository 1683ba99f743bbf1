package phone

import (
	"context"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// AgentState is an agent at the telephone.
type AgentState struct {
	Agent     int64   `json:"agent_id"`
	Name      string  `json:"name"`
	Reachable bool    `json:"reachable" doc:"His browser or telephone is there"`
	Device    string  `json:"device" doc:"Empty: the browser; else a telephone's name or number"`
	Reason    string  `json:"reason" doc:"Why the system took him off"`
	State     string  `json:"state" enum:"free,offered,reserved,talking,wrapup"`
	Presence  string  `json:"presence" enum:"ready,busy,away,offline"`
	Call      int64   `json:"call_id"`
	Callback  int64   `json:"callback_id"`
	SinceAt   db.Time `json:"since_at"`
	UntilAt   db.Time `json:"until_at" doc:"Of an offer or of the wrap-up"`
}

const agentColumns = `a.agent_id, g.name, a.reachable, a.device, a.reason, a.state, p.state, a.call_id, a.callback_id, a.since_at, a.until_at`

func (a *AgentState) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&a.Agent, &a.Name, &a.Reachable, &a.Device, &a.Reason, &a.State, &a.Presence, &a.Call, &a.Callback, &a.SinceAt, &a.UntilAt)
}

func agentState(ctx context.Context, q db.Querier, agent int64) (a AgentState, err error) {
	err = a.scan(q.QueryRow(ctx, `SELECT `+agentColumns+` FROM phone_agents a JOIN agents g ON g.id = a.agent_id JOIN presences p ON p.agent_id = a.agent_id WHERE a.agent_id = $1`, agent))
	if errors.Is(err, db.ErrNoRows) {
		return AgentState{Agent: agent, State: "free", Presence: "offline"}, nil
	}
	return a, err
}

// Me tells how the caller stands at the telephone.
func (p *Phone) Me(ctx context.Context, s care.Scope) (AgentState, error) {
	return agentState(ctx, p.db.Read(), s.Agent)
}

// Reachable puts the caller at the telephone, or takes him off it. At it, and with his presence on ready, he is given calls.
func (p *Phone) Reachable(ctx context.Context, s care.Scope, on bool, device string) (a AgentState, err error) {
	err = p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		if on {
			if err := p.ownDevice(ctx, tx, s.Agent, device); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO phone_agents (agent_id, reachable, device, since_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (agent_id) DO UPDATE SET reachable = excluded.reachable, device = excluded.device, reason = '', since_at = CASE WHEN phone_agents.state = 'free' THEN excluded.since_at ELSE phone_agents.since_at END`,
			s.Agent, on, clip(device, 100), db.At(tx.Now))
		if err != nil {
			return err
		}
		if err := p.atDesk(ctx, tx, s.Agent); err != nil {
			return err
		}
		p.agentChanged(ctx, tx, s.Agent, "")
		if on {
			if err := p.serve(ctx, tx, s.Agent); err != nil {
				return err
			}
		}
		a, err = agentState(ctx, tx, s.Agent)
		return err
	})
	return a, err
}

// serve looks for something to do for an agent who has become free.
func (p *Phone) serve(ctx context.Context, tx *db.Tx, agent int64) error {
	stores, err := storesOf(ctx, tx, agent)
	if err != nil || len(stores) == 0 {
		return err
	}
	return p.dispatch(ctx, tx, stores)
}

// free lets an agent go who was kept for, or talked on, a callback or call, and looks what is next for him. Wrap-up comes first where it is due.
func (p *Phone) free(ctx context.Context, tx *db.Tx, agent, callback, call int64) error {
	if agent == 0 {
		return nil
	}
	tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'free', callback_id = 0, call_id = 0, since_at = $1, until_at = 0
WHERE agent_id = $2 AND state <> 'free' AND (callback_id = $3 AND $3 <> 0 OR call_id = $4 AND $4 <> 0)`, db.At(tx.Now), agent, callback, call)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	p.agentChanged(ctx, tx, agent, "free")
	tx.Enqueue(db.Job{Kind: JobServe, Key: itoa(agent), Payload: agentPayload{agent}})
	return nil
}

// unreachable takes an agent off the telephone who didn't answer what he was offered: the next customer shouldn't wait for him too.
func (p *Phone) unreachable(ctx context.Context, tx *db.Tx, agent int64, reason string) error {
	if _, err := tx.Exec(ctx, `UPDATE phone_agents SET reachable = FALSE, reason = $1 WHERE agent_id = $2`, reason, agent); err != nil {
		return err
	}
	p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": "off", "reason": reason})
	return p.atDesk(ctx, tx, agent)
}

// agentChanged tells the screens of the agent's stores.
func (p *Phone) agentChanged(ctx context.Context, tx *db.Tx, agent int64, state string) {
	stores, err := storesOf(ctx, tx, agent)
	if err != nil {
		return // only a hint is lost
	}
	for _, s := range stores {
		p.hint(tx, s, map[string]any{"t": "phone.agent", "agent_id": agent, "state": state})
	}
	p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": "state", "state": state})
}

func storesOf(ctx context.Context, q db.Querier, agent int64) (out []int64, err error) {
	rows, err := q.Query(ctx, `SELECT store_id FROM memberships WHERE agent_id = $1 AND role IN ('administrator', 'supervisor', 'agent') ORDER BY store_id`, agent)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// presence follows an agent's coming and going: ready, he is served; gone, what was reserved for him goes to others before the customer hears of it.
func (p *Phone) presence(ctx context.Context, tx *db.Tx, agent int64) error {
	if err := p.atDesk(ctx, tx, agent); err != nil {
		return err
	}
	a, err := agentState(ctx, tx, agent)
	if err != nil || !a.Reachable && a.State == "free" {
		return err
	}
	switch {
	case a.Presence == "ready" && a.State == "free":
		return p.serve(ctx, tx, agent)
	case a.Presence == "offline" && (a.State == "offered" || a.State == "reserved") && a.Callback != 0:
		c, err := loadCallback(ctx, tx, a.Callback, true)
		if err != nil {
			return err
		}
		return p.takeBack(ctx, tx, &c, agent, "agent_gone", false)
	}
	return nil
}

type agentPayload struct {
	Agent int64 `json:"agent_id"`
}
