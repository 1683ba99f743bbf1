package phone

import (
	"context"
	"encoding/json"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Step is one thing that happened in a call.
type Step struct {
	ID     int64          `json:"id"`
	Code   string         `json:"code" doc:"phone.step.<code> of the catalogue"`
	Actor  int64          `json:"agent_id" doc:"Who did it; 0: nobody of the shop"`
	Name   string         `json:"agent_name"`
	Params map[string]any `json:"params"`
	At     db.Time        `json:"at"`
}

// courseMost bounds what is shown of a call: no conversation between people comes near it.
const courseMost = 1000

// Course is what happened in a call, from its beginning.
func (p *Phone) Course(ctx context.Context, s care.Scope, id int64) (out []Step, err error) {
	if _, err := p.Call(ctx, s, id); err != nil {
		return nil, err
	}
	rows, err := p.db.Read().Query(ctx, `SELECT s.id, s.code, s.actor_id, coalesce(g.name, ''), s.params, s.created_at FROM call_steps s LEFT JOIN agents g ON g.id = s.actor_id AND s.actor_id <> 0
WHERE s.call_id = $1 ORDER BY s.id LIMIT $2`, id, courseMost)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Step
		var raw []byte
		if err := rows.Scan(&x.ID, &x.Code, &x.Actor, &x.Name, &raw, &x.At); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &x.Params); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// stepsOf are the steps that events of calls are, where they are steps for people.
var stepsOf = map[string]string{
	care.EventCallStarted: "started", care.EventCallQueued: "queued", care.EventCallOffered: "offered", care.EventCallAnswered: "answered", care.EventCallWrapped: "wrapped",
	care.EventCallEnded: "ended", care.EventCallAbandoned: "ended", care.EventCallMissed: "ended", care.EventCallDropped: "ended", care.EventCallVoicemail: "ended",
}

// eventStep keeps the step that an event is.
func (p *Phone) eventStep(tx *db.Tx, event string, c *call) {
	code := stepsOf[event]
	params := map[string]any{}
	switch code {
	case "":
		return
	case "queued":
		params["queue_id"] = c.Queue
	case "offered", "answered":
		params["agent_id"] = c.Agent
	case "ended":
		params["result"] = c.Result
	case "wrapped":
		params["disposition"] = c.Disposition
	}
	p.keep(tx, c, code, params, c.Agent)
}

// step keeps what happened in a call, and tells those who are in it: their screens ask for the call anew.
func (p *Phone) step(ctx context.Context, tx *db.Tx, c *call, code string, params map[string]any) error {
	all, err := partiesOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	to := []int64{c.Agent}
	for _, t := range all {
		to = append(to, t.Agent)
	}
	p.keep(tx, c, code, params, to...)
	return nil
}

const insertStep = `INSERT INTO call_steps (id, store_id, call_id, code, actor_id, params, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`

func (p *Phone) keep(tx *db.Tx, c *call, code string, params map[string]any, to ...int64) {
	if params == nil {
		params = map[string]any{}
	}
	actor := int64(0)
	if tx.Actor.Kind == care.ActorAgent {
		actor = tx.Actor.ID
	}
	tx.Defer(insertStep, tx.ID(), c.Store, c.ID, code, actor, asJSON(params), db.At(tx.Now))
	told := map[int64]bool{0: true}
	for _, agent := range append(to, actor) {
		if !told[agent] {
			told[agent] = true
			p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": "call", "call_id": c.ID, "state": c.State, "step": code, "params": params})
		}
	}
}
