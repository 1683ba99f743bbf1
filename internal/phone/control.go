package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Call is a call as lists and the call's screen show it.
type Call struct {
	ID           int64       `json:"id"`
	Store        int64       `json:"store_id"`
	Direction    string      `json:"direction" enum:"in,out"`
	State        CallState   `json:"state" enum:"written,dialing,ringing,announcing,waiting,offered,talking,held,wrapup,ended"`
	Result       Result      `json:"result" doc:"phone.result.<result> of the catalogue"`
	Number       string      `json:"number"`
	OwnNumber    string      `json:"own_number"`
	Customer     int64       `json:"customer_id"`
	CustomerName string      `json:"customer_name"`
	OpenOrder    int64       `json:"open_order_id" doc:"The customer's latest that isn't over"`
	Conversation int64       `json:"conversation_id"`
	Callback     int64       `json:"callback_id"`
	Queue        int64       `json:"queue_id"`
	Agent        int64       `json:"agent_id"`
	AgentName    string      `json:"agent_name"`
	Language     string      `json:"language"`
	Disposition  Disposition `json:"disposition"`
	Note         string      `json:"note"`
	StartedAt    db.Time     `json:"started_at"`
	QueuedAt     db.Time     `json:"queued_at"`
	AnsweredAt   db.Time     `json:"answered_at"`
	EndedAt      db.Time     `json:"ended_at"`
	HoldMS       int64       `json:"hold_ms"`
	WrapMS       int64       `json:"wrap_ms"`
	Priority     int64       `json:"priority" doc:"Higher is taken earlier; ten are worth an hour of waiting"`
	PriorityWhy  []Why       `json:"priority_why" doc:"phone.why.<code> of the catalogue"`
	Recording    string      `json:"recording" enum:",recording,paused,ended,stored,deleted,lost" doc:"How its latest recording stands; empty: there is none"`
}

const callView = `SELECT c.id, c.store_id, c.direction, c.state, c.result, c.number, c.own_number, c.customer_id, coalesce(k.name, ''),
coalesce((SELECT o.id FROM orders o WHERE o.customer_id = c.customer_id AND c.customer_id <> 0 AND o.open ORDER BY o.placed_at DESC LIMIT 1), 0),
c.conversation_id, c.callback_id, c.queue_id, c.agent_id, coalesce(g.name, ''), c.language, c.disposition, c.note, c.created_at, c.queued_at, c.answered_at, c.ended_at, c.hold_ms, c.wrap_ms,
coalesce((SELECT CASE WHEN r.paused THEN 'paused' ELSE r.state END FROM recordings r WHERE r.call_id = c.id ORDER BY r.id DESC LIMIT 1), ''), c.priority, c.priority_why
FROM calls c LEFT JOIN customers k ON k.id = c.customer_id AND c.customer_id <> 0 LEFT JOIN agents g ON g.id = c.agent_id AND c.agent_id <> 0`

func (c *Call) scan(row interface{ Scan(...any) error }) error {
	var reasons []byte
	err := row.Scan(&c.ID, &c.Store, &c.Direction, &c.State, &c.Result, &c.Number, &c.OwnNumber, &c.Customer, &c.CustomerName, &c.OpenOrder,
		&c.Conversation, &c.Callback, &c.Queue, &c.Agent, &c.AgentName, &c.Language, &c.Disposition, &c.Note, &c.StartedAt, &c.QueuedAt, &c.AnsweredAt, &c.EndedAt, &c.HoldMS, &c.WrapMS, &c.Recording, &c.Priority, &reasons)
	if err != nil {
		return err
	}
	return json.Unmarshal(reasons, &c.PriorityWhy)
}

// Call returns one.
func (p *Phone) Call(ctx context.Context, s care.Scope, id int64) (c Call, err error) {
	if err := c.scan(p.db.Read().QueryRow(ctx, callView+` WHERE c.id = $1`, id)); err != nil {
		return c, missing(err, "call")
	}
	return c, allow(s, c.Store, care.PermPhone, "call")
}

// CallFilter says which calls are listed. Zero values don't narrow.
type CallFilter struct {
	Store, Customer, Agent, Queue int64
	Direction                     string
	Result                        Result
	Live                          bool  // only those that go on
	Before                        int64 // the id after which the page begins
	Limit                         int64
}

// Calls lists them, the latest first; of an agent also those into which he was asked.
func (p *Phone) Calls(ctx context.Context, s care.Scope, f CallFilter) (out []Call, err error) {
	stores := s.StoresWith(care.PermPhone, f.Store)
	if len(stores) == 0 {
		return nil, nil
	}
	if f.Before == 0 {
		f.Before = 1 << 62
	}
	rows, err := p.db.Read().Query(ctx, callView+` WHERE c.store_id = ANY($1::bigint[]) AND c.id < $2 AND (CAST($3 AS BIGINT) = 0 OR c.customer_id = $3)
AND (NOT CAST($4 AS BOOLEAN) OR c.state NOT IN ('ended', 'wrapup')) AND (CAST($5 AS BIGINT) = 0 OR c.agent_id = $5 OR EXISTS (SELECT 1 FROM call_parties t WHERE t.call_id = c.id AND t.agent_id = $5))
AND (CAST($6 AS BIGINT) = 0 OR c.queue_id = $6) AND (CAST($7 AS TEXT) = '' OR c.direction = $7) AND (CAST($8 AS TEXT) = '' OR c.result = $8) ORDER BY c.id DESC LIMIT $9`,
		stores, f.Before, f.Customer, f.Live, f.Agent, f.Queue, f.Direction, f.Result, f.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Call
		if err := c.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

var errCallMoved = care.Conflict("phone.call_moved_on")

// on changes a call that is the caller's own, or that he may supervise.
func (p *Phone) on(ctx context.Context, s care.Scope, id int64, fn func(tx *db.Tx, c *call) error) (Call, error) {
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		c, err := loadCall(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := allow(s, c.Store, care.PermPhone, "call"); err != nil {
			return err
		}
		if c.Agent != s.Agent && !s.May(c.Store, care.PermSupervise) {
			return errCallMoved
		}
		return fn(tx, &c)
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

// lead changes a call that stands and is the caller's own: of two who act at once the second finds it as the first has left it.
func (p *Phone) lead(ctx context.Context, s care.Scope, id int64, fn func(tx *db.Tx, c *call, all []party) error) (CurrentCall, error) {
	_, err := p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		if c.Agent != s.Agent || !c.stands() {
			return errCallMoved
		}
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		return fn(tx, c, all)
	})
	if err != nil {
		return CurrentCall{}, err
	}
	return p.CurrentCall(ctx, s, id)
}

// in changes a call in which the caller is: as the agent whose it is, or as one of its parties (mine).
func (p *Phone) in(ctx context.Context, s care.Scope, id int64, fn func(tx *db.Tx, c *call, mine *party) error) (Call, error) {
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		c, err := loadCall(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := allow(s, c.Store, care.PermPhone, "call"); err != nil {
			return err
		}
		if c.Agent == s.Agent {
			return fn(tx, &c, nil)
		}
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].Agent == s.Agent {
				return fn(tx, &c, &all[i])
			}
		}
		return errCallMoved
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

// lookAt has a call's line brought in order with what this transaction writes.
func (p *Phone) lookAt(tx *db.Tx, id int64) { tx.AfterCommit(func() { p.ask(id, "look") }) }

// nowTalks notes that an agent is on a call.
func (p *Phone) nowTalks(ctx context.Context, tx *db.Tx, agent, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'talking', since_at = $1, until_at = 0 WHERE agent_id = $2 AND call_id = $3`, db.At(tx.Now), agent, id)
	p.agentChanged(ctx, tx, agent, "talking")
	return err
}

// Hangup ends a call: for everybody, when it is the caller's own; a colleague who was asked in leaves it, and nothing else.
func (p *Phone) Hangup(ctx context.Context, s care.Scope, id int64) (Call, error) {
	out, err := p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		if mine != nil {
			return p.goes(ctx, tx, c, mine, "left")
		}
		return p.hangsUp(tx, c)
	})
	if errors.Is(err, errCallMoved) { // a supervisor ends the call of somebody else
		return p.on(ctx, s, id, func(tx *db.Tx, c *call) error { return p.hangsUp(tx, c) })
	}
	return out, err
}

func (p *Phone) hangsUp(tx *db.Tx, c *call) error {
	if c.State == CallEnded || c.State == CallWrapUp {
		return errCallMoved
	}
	p.keep(tx, c, "hung_up", nil, c.Agent)
	tx.AfterCommit(func() { p.hangUp(c.ID) })
	return nil
}

// Hold lets the customer hear music, or brings him back.
func (p *Phone) Hold(ctx context.Context, s care.Scope, id int64, on bool) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		all, err := partiesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if consulted(all) != nil { // then it is swapped, joined or cancelled
			return errConsulting
		}
		step := "held"
		switch {
		case on && c.State == CallTalking:
			c.State = CallHeld
			c.hold(tx.Now)
		case !on && c.State == CallHeld && c.Agent != 0:
			c.State, step = CallTalking, "resumed"
			c.unhold(tx.Now)
		default:
			return errCallMoved
		}
		if err := p.changedCall(ctx, tx, c, step, nil); err != nil {
			return err
		}
		return p.callEvent(tx, care.EventCallHeld, c)
	})
}

// changedCall saves a call whose parties or states have changed, keeps the step, and has its line brought in order.
func (p *Phone) changedCall(ctx context.Context, tx *db.Tx, c *call, step string, params map[string]any) error {
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	p.callChanged(tx, c)
	p.lookAt(tx, c.ID)
	return p.step(ctx, tx, c, step, params)
}

// Mute keeps the others in a call from hearing the caller, who goes on hearing them.
func (p *Phone) Mute(ctx context.Context, s care.Scope, id int64, on bool) (Call, error) {
	return p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		if !c.stands() {
			return errCallMoved
		}
		step := "unmuted"
		if on {
			step = "muted"
		}
		if mine != nil {
			mine.Muted = on
			if err := mine.save(ctx, tx); err != nil {
				return err
			}
		} else {
			c.Muted = on
		}
		return p.changedCall(ctx, tx, c, step, nil)
	})
}

// Keys sends keys to the customer, or to an outside number in the call: whoever asks is asked by a machine now and then.
func (p *Phone) Keys(ctx context.Context, s care.Scope, id, to int64, keys string) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		if keys == "" || len(keys) > 32 || strings.Trim(keys, "0123456789*#ABCD") != "" {
			return care.Invalid("keys", "value_invalid")
		}
		if to == 0 && c.State != CallTalking || !c.stands() {
			return errCallMoved
		}
		if to != 0 {
			all, err := partiesOf(ctx, tx, id)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(all, func(t party) bool { return t.ID == to && t.Agent == 0 && t.State == partyTalking }) {
				return care.NotFound("party")
			}
		}
		tx.AfterCommit(func() { p.ask(id, fmt.Sprintf("dtmf %d %s", to, keys)) })
		return nil
	})
}

// DeclineCall is an agent's no to a caller whom he is offered, or to a colleague who asks him in: the caller goes to somebody else at once.
func (p *Phone) DeclineCall(ctx context.Context, s care.Scope, id int64) (Call, error) {
	return p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		switch {
		case mine != nil && mine.State != partyTalking:
			return p.goes(ctx, tx, c, mine, "declined")
		case mine != nil || c.State != CallOffered:
			return errCallMoved
		}
		// Not to be asked for the same caller again at once: another call may be his next.
		if err := p.unreachable(ctx, tx, s.Agent, "declined"); err != nil {
			return err
		}
		return p.passOn(ctx, tx, c, "declined")
	})
}

// WrapUp is what an agent says came of a call that no callback was owed for.
func (p *Phone) WrapUp(ctx context.Context, s care.Scope, id int64, d Disposition, note string) (Call, error) {
	if !slices.Contains(Dispositions, d) || d == Later {
		return Call{}, care.Invalid("disposition", "value_invalid")
	}
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		if c.State != CallWrapUp || c.Callback != 0 {
			return errCallMoved
		}
		c.Disposition, c.Note = d, clip(text.MaskCards(note), 4000)
		return p.wrapped(ctx, tx, c)
	})
}

// NewCall is a call that an agent begins.
type NewCall struct {
	Store    int64
	Number   string // as people write it; empty: the customer's own
	Country  string // ISO 3166, by which a national number is read; empty: the store's
	Customer int64
	Despite  bool // he is rung although he doesn't want to be
}

// Dial rings a number on behalf of the caller, who is on the line from the beginning. Numbers that the store's rules of dialling don't allow aren't rung; who doesn't
// want to be rung isn't either, unless the caller says that he knows.
func (p *Phone) Dial(ctx context.Context, s care.Scope, in NewCall) (Call, error) {
	return p.dialWith(ctx, s, in, nil)
}

// dialWith is Dial by an agent who is on his own telephone's line already, if that isn't nil.
func (p *Phone) dialWith(ctx context.Context, s care.Scope, in NewCall, own care.Line) (Call, error) {
	if err := s.Check(in.Store, care.PermPhone); err != nil {
		return Call{}, err
	}
	var id int64
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		number, err := p.toDial(ctx, tx, s, &in)
		if err != nil {
			return err
		}
		set, err := settings(ctx, tx, in.Store)
		if err != nil {
			return err
		}
		c := call{ID: tx.ID(), Store: in.Store, Direction: "out", State: CallWritten, Number: number, Own: set.Policy.CallerID, Customer: in.Customer, Agent: s.Agent, Made: db.At(tx.Now)}
		id = c.ID
		tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'reserved', call_id = $1, since_at = $2 WHERE agent_id = $3 AND state = 'free' AND reachable`, id, db.At(tx.Now), s.Agent)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("phone.not_ready")
		}
		_, err = tx.Exec(ctx, `INSERT INTO calls (id, store_id, direction, state, number, own_number, customer_id, agent_id, created_at) VALUES ($1, $2, 'out', 'written', $3, $4, $5, $6, $7)`,
			id, in.Store, number, set.Policy.CallerID, in.Customer, s.Agent, db.At(tx.Now))
		p.keep(tx, &c, "dialled", map[string]any{"number": number, "despite": in.Despite}, s.Agent)
		tx.Enqueue(db.Job{Store: in.Store, Kind: JobDial, Payload: callPayload{id}, MaxAttempts: 5})
		if own != nil {
			p.parked.put(id, own) // before anybody can come for it
		}
		return err
	})
	if err != nil {
		_ = p.parked.take(id)
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}

// toDial is the number that may be rung, or why none may.
func (p *Phone) toDial(ctx context.Context, tx *db.Tx, s care.Scope, in *NewCall) (string, error) {
	d, err := p.dialling(ctx, tx, in.Store)
	if err != nil {
		return "", err
	}
	if in.Customer != 0 {
		var found int64
		if err := tx.QueryRow(ctx, `SELECT id FROM customers WHERE id = $1 AND store_id = $2`, in.Customer, in.Store).Scan(&found); err != nil {
			return "", missing(err, "customer")
		}
		if in.Number == "" {
			if in.Number, err = numberOf(ctx, tx, in.Customer); err != nil {
				return "", err
			}
		}
	}
	country := in.Country
	if country == "" {
		country = d.country
	}
	n := text.ParsePhone(in.Number, country)
	if !n.Resolved() {
		return "", care.Invalid("number", "phone_invalid")
	}
	if err := d.allows(n.E164); err != nil {
		return "", err
	}
	if err := d.mayBegin(ctx, tx, in.Store, s.Agent, tx.Now); err != nil {
		return "", err
	}
	if in.Customer == 0 { // whose number it is, if it is anybody's
		err := tx.QueryRow(ctx, `SELECT customer_id FROM identities WHERE store_id = $1 AND kind = 'phone' AND value = $2 ORDER BY trust DESC, id LIMIT 1`, in.Store, n.E164).Scan(&in.Customer)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return "", err
		}
	}
	var wish Situation
	if err := wish.person(ctx, tx, &callback{Store: in.Store, Customer: in.Customer, Number: n.E164}); err != nil {
		return "", err
	}
	if wish.DoNotCall && !in.Despite {
		return "", care.Conflict("phone.do_not_call")
	}
	return n.E164, nil
}
