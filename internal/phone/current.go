package phone

import (
	"context"
	"errors"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Party is somebody in a call, as a call bar shows him.
type Party struct {
	ID      int64   `json:"id" doc:"0: the customer, or the agent whose call it is; they are no parties to remove"`
	Role    string  `json:"role" enum:"customer,agent,guest,consult,listen,whisper,barge" doc:"guest: an outside number; consult: asked aside, the customer hears music meanwhile"`
	State   string  `json:"state" enum:"ringing,talking,held" doc:"held: hears music"`
	Agent   int64   `json:"agent_id"`
	Name    string  `json:"name"`
	Number  string  `json:"number"`
	Muted   bool    `json:"muted"`
	Mine    bool    `json:"mine" doc:"The one who asks"`
	SinceAt db.Time `json:"since_at"`
}

// CallSubject is what a call is about.
type CallSubject struct {
	Kind string `json:"kind" doc:"order, variant, inquiry, conversation, call; empty: nothing is known"`
	ID   int64  `json:"id"`
}

// CurrentCall is a call that the caller is in, with all that a call bar shows.
type CurrentCall struct {
	Call
	HeldAt  db.Time     `json:"held_at" doc:"Since when the customer hears music; 0: he doesn't"`
	Muted   bool        `json:"muted" doc:"Nobody hears the one who asks"`
	Role    string      `json:"role" enum:"agent,guest,consult,listen,whisper,barge" doc:"Of the one who asks; agent with lead: whose call it is"`
	Lead    bool        `json:"lead" doc:"It is the call of the one who asks"`
	Device  string      `json:"device" doc:"Empty: the browser; else the telephone's name"`
	UntilAt db.Time     `json:"until_at" doc:"Of an offer, an invitation or the wrap-up"`
	Subject CallSubject `json:"subject"`
	Order   int64       `json:"order_id" doc:"What it is about, else the customer's open one; 0: none"`
	Script  int64       `json:"script_run_id" doc:"The walk through a script that is under way; 0: none"`
	Tape    string      `json:"recording" enum:",recording,paused" doc:"Empty: it isn't recorded now"`
	Parties []Party     `json:"parties"`
	Can     []string    `json:"can" doc:"What the one who asks may do now: answer, decline, hangup, hold, resume, mute, unmute, keys, transfer, consult, complete, cancel, swap, join, invite, remove, leave, wrap_up, supervise"`
}

// CurrentCalls are the calls that the caller is in: the one that he is asked to take, talks on, listens to or has still to wrap up. A call that a callback is
// reserved for him counts as soon as it is rung.
func (p *Phone) CurrentCalls(ctx context.Context, s care.Scope) (out []CurrentCall, err error) {
	rows, err := p.db.Read().Query(ctx, `SELECT c.id FROM calls c WHERE c.agent_id = $1 AND c.state <> 'ended' AND c.created_at > $2
UNION SELECT t.call_id FROM call_parties t WHERE t.agent_id = $1 AND t.left_at = 0`, s.Agent, db.At(p.db.Now().AddDate(0, 0, -2)))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return nil, err
		}
		ids = append(ids, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, err := p.CurrentCall(ctx, s, id)
		var refused *care.Error
		if errors.As(err, &refused) { // of a store that he has left
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// CurrentCall is one call as the caller sees it.
func (p *Phone) CurrentCall(ctx context.Context, s care.Scope, id int64) (out CurrentCall, err error) {
	if out.Call, err = p.Call(ctx, s, id); err != nil {
		return out, err
	}
	q := p.db.Read()
	c, err := loadCall(ctx, q, id, false)
	if err != nil {
		return out, err
	}
	all, err := partiesOf(ctx, q, id)
	if err != nil {
		return out, err
	}
	if c.State != CallHeld {
		c.Held = 0
	}
	out.HeldAt = c.Held
	if out.Parties, err = p.parties(ctx, q, &c, all, s.Agent); err != nil {
		return out, err
	}
	for _, t := range all {
		if t.Agent == s.Agent {
			out.Role, out.Muted = t.Role, t.Muted
		}
	}
	if c.Agent == s.Agent {
		out.Role, out.Lead, out.Muted = roleAgent, true, c.Muted
	}
	a, err := agentState(ctx, q, s.Agent)
	if err != nil {
		return out, err
	}
	if a.Call == id {
		out.Device, out.UntilAt = a.Device, a.UntilAt
	}
	if err := p.subject(ctx, q, &c, &out); err != nil {
		return out, err
	}
	out.Can = can(&c, all, s)
	return out, nil
}

// parties are all who are in a call, the customer first.
func (p *Phone) parties(ctx context.Context, q db.Querier, c *call, all []party, me int64) (out []Party, err error) {
	if c.State == CallEnded || c.State == CallWrapUp {
		return []Party{}, nil
	}
	names, err := namesOf(ctx, q, c, all)
	if err != nil {
		return nil, err
	}
	customer := Party{Role: "customer", State: partyTalking, Number: c.Number, Name: c.Display, SinceAt: max(c.Picked, c.Made)}
	switch c.State {
	case CallWritten, CallDialing, CallRinging:
		customer.State = partyRinging
	case CallHeld, CallWaiting, CallOffered:
		customer.State = "held"
	}
	out = append(out, customer)
	if c.Agent != 0 {
		lead := Party{Role: roleAgent, State: partyTalking, Agent: c.Agent, Name: names[c.Agent], Muted: c.Muted, Mine: c.Agent == me, SinceAt: c.Answered}
		if c.State != CallTalking && c.State != CallHeld {
			lead.State, lead.SinceAt = partyRinging, c.Made
		}
		out = append(out, lead)
	}
	for _, t := range all {
		v := Party{ID: t.ID, Role: t.Role, State: t.State, Agent: t.Agent, Name: names[t.Agent], Number: t.Number, Muted: t.Muted, Mine: t.Agent == me && me != 0, SinceAt: max(t.Joined, t.Made)}
		switch {
		case t.State == partyWritten:
			v.State = partyRinging
		case t.State == partyTalking && t.Held:
			v.State = "held"
		}
		out = append(out, v)
	}
	return out, nil
}

func namesOf(ctx context.Context, q db.Querier, c *call, all []party) (map[int64]string, error) {
	ids := []int64{c.Agent}
	for _, t := range all {
		ids = append(ids, t.Agent)
	}
	rows, err := q.Query(ctx, `SELECT id, name FROM agents WHERE id = ANY($1::bigint[])`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]string{}
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		out[id] = name
	}
	return out, rows.Err()
}

// subject is what a call is about: the reason of its callback, else the customer's open order.
func (p *Phone) subject(ctx context.Context, q db.Querier, c *call, out *CurrentCall) error {
	err := q.QueryRow(ctx, `SELECT subject_kind, subject_id FROM callback_reasons WHERE callback_id = $1 AND subject_id <> 0 ORDER BY id LIMIT 1`, c.Callback).Scan(&out.Subject.Kind, &out.Subject.ID)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	if out.Order = out.OpenOrder; out.Subject.Kind == "order" {
		out.Order = out.Subject.ID
	}
	err = q.QueryRow(ctx, `SELECT id FROM script_runs WHERE call_id = $1 AND call_id > 0 AND finished_at = 0 ORDER BY id DESC LIMIT 1`, c.ID).Scan(&out.Script)
	if ignoreNone(err) != nil {
		return err
	}
	err = q.QueryRow(ctx, `SELECT CASE WHEN paused THEN 'paused' ELSE state END FROM recordings WHERE call_id = $1 AND state = 'recording' ORDER BY id DESC LIMIT 1`, c.ID).Scan(&out.Tape)
	return ignoreNone(err)
}
