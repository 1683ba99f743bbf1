package phone

import (
	"context"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Target is whom a call is handed over to, or who is asked in: one of the three.
type Target struct {
	Agent  int64  `json:"agent_id,omitempty" minimum:"0" doc:"A colleague who is at the telephone and free"`
	Queue  int64  `json:"queue_id,omitempty" minimum:"0"`
	Number string `json:"number,omitempty" maxLength:"80" doc:"An outside number that the store's rules of dialling allow"`
}

func (t Target) check() error {
	n := 0
	for _, given := range []bool{t.Agent != 0, t.Queue != 0, t.Number != ""} {
		if given {
			n++
		}
	}
	if n != 1 {
		return care.Invalid("target", "phone.one_target")
	}
	return nil
}

// Errors of what is done to a call.
var (
	errNotFree    = care.Conflict("phone.agent_not_free")
	errConsulting = care.Conflict("phone.consult_open")
	errNoConsult  = care.Conflict("phone.no_consult")
	errConference = care.Conflict("phone.in_conference")
	errLastAgent  = care.Conflict("phone.last_agent")
	errFull       = care.Conflict("phone.call_full")
	errNobody     = care.Conflict("phone.queue_empty")
)

// maxParties bounds who may be in a call beside its customer and its agent.
const maxParties = 8

// consulted is who is asked aside.
func consulted(all []party) *party {
	for i := range all {
		if all[i].Role == roleConsult {
			return &all[i]
		}
	}
	return nil
}

// company tells whether others than supervisors are in the call, or are being asked in.
func company(all []party) bool {
	for _, t := range all {
		if !t.supervises() {
			return true
		}
	}
	return false
}

// seize keeps a colleague free for a call, by compare-and-set: of two who want him one gets him.
func (p *Phone) seize(ctx context.Context, tx *db.Tx, c *call, agent int64, until time.Time) error {
	tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'offered', call_id = $1, callback_id = 0, since_at = $2, until_at = $3 WHERE agent_id = $4 AND state = 'free' AND reachable
AND EXISTS (SELECT 1 FROM presences p WHERE p.agent_id = $4 AND p.state <> 'offline')
AND EXISTS (SELECT 1 FROM memberships m WHERE m.agent_id = $4 AND m.store_id = $5 AND m.role IN ('administrator', 'supervisor', 'agent'))`, c.ID, db.At(tx.Now), db.At(until), agent, c.Store)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return errNotFree
	}
	p.agentChanged(ctx, tx, agent, "offered")
	return nil
}

// ring tells a colleague's screens that he is asked.
func (p *Phone) ring(tx *db.Tx, c *call, agent, from int64, role string, until time.Time) {
	p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": "ring", "call_id": c.ID, "store_id": c.Store, "customer_id": c.Customer, "number": c.Number, "queue_id": c.Queue,
		"role": role, "from_agent_id": from, "until_at": db.At(until)})
}

// someoneOf finds a free agent who serves a queue.
func (p *Phone) someoneOf(ctx context.Context, tx *db.Tx, c *call, queue, not int64) (int64, error) {
	q, err := p.queueOf(ctx, tx, c.Store, queue)
	if err != nil {
		return 0, err
	}
	agents, err := freeAgents(ctx, tx, []int64{c.Store})
	if err != nil {
		return 0, err
	}
	r := ready{ID: c.ID, Store: c.Store, Language: c.Language, Team: q.Team, Caller: true, Passed: []pass{{not, tx.Now.Add(time.Hour)}}}
	for _, s := range q.Skills {
		r.Skills = append(r.Skills, skill{s.Kind, s.Value})
	}
	pairs, _ := match([]ready{r}, agents, 0, tx.Now)
	if len(pairs) == 0 {
		return 0, errNobody
	}
	return pairs[0].Agent, nil
}

func (p *Phone) queueOf(ctx context.Context, q db.Querier, store, id int64) (Queue, error) {
	all, err := queuesOf(ctx, q, []int64{store})
	if err != nil {
		return Queue{}, err
	}
	for _, x := range all {
		if x.ID == id {
			return x, nil
		}
	}
	return Queue{}, care.NotFound("queue")
}

// outside reads a number that is to be rung for a call of the store, and asks the store's rules of dialling.
func (p *Phone) outside(ctx context.Context, q db.Querier, store int64, number string) (string, error) {
	d, err := p.dialling(ctx, q, store)
	if err != nil {
		return "", err
	}
	n := text.ParsePhone(number, d.country)
	if !n.Resolved() {
		return "", care.Invalid("number", "phone_invalid")
	}
	return n.E164, d.allows(n.E164)
}

// asks brings somebody into a call: he is rung, and comes in when he answers.
func (p *Phone) asks(ctx context.Context, tx *db.Tx, c *call, all []party, role string, to Target) (*party, error) {
	if err := to.check(); err != nil {
		return nil, err
	}
	if len(all) >= maxParties {
		return nil, errFull
	}
	set, err := settings(ctx, tx, c.Store)
	if err != nil {
		return nil, err
	}
	t := party{Store: c.Store, Call: c.ID, Role: role, State: partyRinging, Agent: to.Agent, AskedBy: c.Agent}
	until := tx.Now.Add(seconds(set.Policy.Offer))
	if to.Queue != 0 {
		if t.Agent, err = p.someoneOf(ctx, tx, c, to.Queue, c.Agent); err != nil {
			return nil, err
		}
	}
	if to.Number != "" {
		if t.Number, err = p.outside(ctx, tx, c.Store, to.Number); err != nil {
			return nil, err
		}
		if t.Role == roleAgent {
			t.Role = roleGuest
		}
		t.State = partyWritten
		until = tx.Now.Add(seconds(set.Policy.Ring) + ringMargin)
	} else if err := p.seize(ctx, tx, c, t.Agent, until); err != nil {
		return nil, err
	}
	if err := t.insert(ctx, tx); err != nil {
		return nil, err
	}
	tx.Enqueue(db.Job{Store: c.Store, Kind: JobInvited, Key: itoa(t.ID), Move: true, RunAt: until, Payload: invitedPayload{c.ID, t.ID}})
	if t.Agent != 0 {
		p.ring(tx, c, t.Agent, t.AskedBy, t.Role, until)
		return &t, p.ringsAt(ctx, tx, c, t.Agent)
	}
	return &t, nil
}

// ringMargin is how long after the ringing time of an outside number its network must have said what came of it.
const ringMargin = 15 * time.Second

type invitedPayload struct {
	Call  int64 `json:"call_id"`
	Party int64 `json:"party_id"`
}

// uninvited ends an invitation that nobody answered.
func (p *Phone) uninvited(ctx context.Context, tx *db.Tx, in invitedPayload) error {
	c, err := loadCall(ctx, tx, in.Call, true)
	if err != nil {
		return err
	}
	t, err := partyIn(ctx, tx, in.Call, in.Party)
	if err != nil || t == nil || t.State == partyTalking {
		return err
	}
	if t.Agent != 0 {
		if err := p.unreachable(ctx, tx, t.Agent, "no_reply"); err != nil {
			return err
		}
	}
	return p.goes(ctx, tx, &c, t, string(ResultNoAnswer))
}

// partyIn is somebody in a call; nil when he has left it.
func partyIn(ctx context.Context, q db.Querier, call, id int64) (*party, error) {
	all, err := partiesOf(ctx, q, call)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, nil
}

// comesIn is somebody's answer: he hears, and is heard, from now on.
func (p *Phone) comesIn(ctx context.Context, tx *db.Tx, c *call, t *party) error {
	if t.State != partyWritten && t.State != partyRinging || !c.stands() {
		return errCallMoved
	}
	t.State, t.Joined = partyTalking, db.At(tx.Now)
	tx.CancelJob(JobInvited, itoa(t.ID))
	if err := t.save(ctx, tx); err != nil {
		return err
	}
	if t.Agent != 0 {
		if err := p.nowTalks(ctx, tx, t.Agent, c.ID); err != nil {
			return err
		}
	}
	if c.Agent == 0 { // a customer who was handed over to this number, and heard music until now
		p.passedOn(tx, c)
	}
	return p.changedCall(ctx, tx, c, "joined", map[string]any{"party_id": t.ID, "agent_id": t.Agent, "number": t.Number, "role": t.Role})
}

// passedOn is a customer who talks with an outside number from now on, and with no agent: of such a call nobody will be asked what came of it.
func (p *Phone) passedOn(tx *db.Tx, c *call) {
	c.unhold(tx.Now)
	c.State, c.Disposition, c.PassedBy = CallTalking, PassedOn, 0
}

// goes is somebody's leaving of a call, or his refusal to come in; the call goes on without him as far as there is anybody to talk to.
func (p *Phone) goes(ctx context.Context, tx *db.Tx, c *call, t *party, result string) error {
	was := t.State
	if err := p.leave(ctx, tx, t, result); err != nil {
		return err
	}
	p.hintAgent(tx, t.Agent, map[string]any{"t": "phone", "event": "call", "call_id": c.ID, "step": "left"})
	params := map[string]any{"party_id": t.ID, "agent_id": t.Agent, "number": t.Number, "role": t.Role, "result": result}
	if err := p.changedCall(ctx, tx, c, "left", params); err != nil || c.Agent != 0 || !c.stands() || t.supervises() {
		return err
	}
	all, err := partiesOf(ctx, tx, c.ID)
	switch {
	case err != nil || company(all):
		return err
	case was == partyTalking: // the last one with whom the customer talked
		tx.AfterCommit(func() { p.hangUp(c.ID) })
		return nil
	}
	return p.comesBack(ctx, tx, c, result)
}
