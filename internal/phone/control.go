package phone

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
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
	Recording    string      `json:"recording" enum:",recording,paused,ended,stored,deleted,lost" doc:"How its latest recording stands; empty: there is none"`
}

const callView = `SELECT c.id, c.store_id, c.direction, c.state, c.result, c.number, c.own_number, c.customer_id, coalesce(k.name, ''),
coalesce((SELECT o.id FROM orders o WHERE o.customer_id = c.customer_id AND c.customer_id <> 0 AND o.open ORDER BY o.placed_at DESC LIMIT 1), 0),
c.conversation_id, c.callback_id, c.queue_id, c.agent_id, coalesce(g.name, ''), c.language, c.disposition, c.note, c.created_at, c.queued_at, c.answered_at, c.ended_at, c.hold_ms, c.wrap_ms,
coalesce((SELECT CASE WHEN r.paused THEN 'paused' ELSE r.state END FROM recordings r WHERE r.call_id = c.id ORDER BY r.id DESC LIMIT 1), '')
FROM calls c LEFT JOIN customers k ON k.id = c.customer_id AND c.customer_id <> 0 LEFT JOIN agents g ON g.id = c.agent_id AND c.agent_id <> 0`

func (c *Call) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&c.ID, &c.Store, &c.Direction, &c.State, &c.Result, &c.Number, &c.OwnNumber, &c.Customer, &c.CustomerName, &c.OpenOrder,
		&c.Conversation, &c.Callback, &c.Queue, &c.Agent, &c.AgentName, &c.Language, &c.Disposition, &c.Note, &c.StartedAt, &c.QueuedAt, &c.AnsweredAt, &c.EndedAt, &c.HoldMS, &c.WrapMS, &c.Recording)
}

// Call returns one.
func (p *Phone) Call(ctx context.Context, s care.Scope, id int64) (c Call, err error) {
	if err := c.scan(p.db.Read().QueryRow(ctx, callView+` WHERE c.id = $1`, id)); err != nil {
		return c, missing(err, "call")
	}
	return c, allow(s, c.Store, care.PermPhone, "call")
}

// Calls lists them, the latest first; live ones only if asked.
func (p *Phone) Calls(ctx context.Context, s care.Scope, store, customer int64, live bool, before, limit int64) (out []Call, err error) {
	stores := s.StoresWith(care.PermPhone, store)
	if len(stores) == 0 {
		return nil, nil
	}
	if before == 0 {
		before = 1 << 62
	}
	rows, err := p.db.Read().Query(ctx, callView+` WHERE c.store_id = ANY($1::bigint[]) AND c.id < $2 AND (CAST($3 AS BIGINT) = 0 OR c.customer_id = $3)
AND (NOT CAST($4 AS BOOLEAN) OR c.state NOT IN ('ended', 'wrapup')) ORDER BY c.id DESC LIMIT $5`, stores, before, customer, live, limit)
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

// on changes a call that the caller is in.
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

// Hangup ends a call.
func (p *Phone) Hangup(ctx context.Context, s care.Scope, id int64) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		if c.State == CallEnded || c.State == CallWrapUp {
			return errCallMoved
		}
		tx.AfterCommit(func() { p.hangUp(id) })
		return nil
	})
}

// Hold lets the customer hear music, or brings him back.
func (p *Phone) Hold(ctx context.Context, s care.Scope, id int64, on bool) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		verb := "hold"
		switch {
		case on && c.State == CallTalking:
			c.State, c.Held = CallHeld, db.At(tx.Now)
		case !on && c.State == CallHeld:
			c.State = CallTalking
			c.HoldMS += tx.Now.Sub(c.Held.Time()).Milliseconds()
			verb = "resume"
		default:
			return errCallMoved
		}
		if err := c.save(ctx, tx); err != nil {
			return err
		}
		p.callChanged(tx, c)
		tx.AfterCommit(func() { p.ask(id, verb) })
		return p.callEvent(tx, care.EventCallHeld, c)
	})
}

// Keys sends keys to the other side.
func (p *Phone) Keys(ctx context.Context, s care.Scope, id int64, keys string) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		if keys == "" || len(keys) > 32 || strings.Trim(keys, "0123456789*#ABCD") != "" {
			return care.Invalid("keys", "value_invalid")
		}
		if c.State != CallTalking {
			return errCallMoved
		}
		tx.AfterCommit(func() { p.ask(id, "dtmf "+keys) })
		return nil
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

// modes of supervision.
var modes = map[string]sound.Role{"listen": sound.Listen, "whisper": sound.Whisper, "barge": sound.Barge}

// Supervise lets the caller listen to a call, whisper to its agent or join it; "off" ends it. It is audited by the caller of this verb.
func (p *Phone) Supervise(ctx context.Context, s care.Scope, id int64, mode string) (Call, error) {
	c, err := p.Call(ctx, s, id)
	if err != nil {
		return c, err
	}
	if err := s.Check(c.Store, care.PermSupervise); err != nil {
		return c, err
	}
	if _, ok := modes[mode]; !ok && mode != "off" {
		return c, care.Invalid("mode", "value_invalid")
	}
	if c.State != CallTalking && c.State != CallHeld {
		return c, errCallMoved
	}
	p.ask(id, fmt.Sprintf("watch %d %s", s.Agent, mode))
	return c, nil
}

func (p *Phone) watchOn(h *held, arg string) {
	who, mode, _ := strings.Cut(arg, " ")
	agent, err := strconv.ParseInt(who, 10, 64)
	if err != nil {
		return
	}
	role, on := modes[mode]
	h.stage.watch(agent, p.booth.leg(agent), role, on)
}

// Dial rings a number on behalf of the caller, who is on the line from the beginning.
func (p *Phone) Dial(ctx context.Context, s care.Scope, store int64, number, country string, customer int64) (Call, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return Call{}, err
	}
	n := text.ParsePhone(number, country)
	if !n.Resolved() {
		return Call{}, care.Invalid("number", "phone_invalid")
	}
	var id int64
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		set, err := settings(ctx, tx, store)
		if err != nil {
			return err
		}
		if customer != 0 {
			var found int64
			if err := tx.QueryRow(ctx, `SELECT id FROM customers WHERE id = $1 AND store_id = $2`, customer, store).Scan(&found); err != nil {
				return missing(err, "customer")
			}
		}
		id = tx.ID()
		tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'reserved', call_id = $1, since_at = $2 WHERE agent_id = $3 AND state = 'free' AND reachable`, id, db.At(tx.Now), s.Agent)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("phone.not_ready")
		}
		_, err = tx.Exec(ctx, `INSERT INTO calls (id, store_id, direction, state, number, own_number, customer_id, agent_id, created_at) VALUES ($1, $2, 'out', 'written', $3, $4, $5, $6, $7)`,
			id, store, n.E164, set.Policy.CallerID, customer, s.Agent, db.At(tx.Now))
		tx.Enqueue(db.Job{Store: store, Kind: JobDial, Payload: callPayload{id}, MaxAttempts: 5})
		return err
	})
	if err != nil {
		return Call{}, err
	}
	return p.Call(ctx, s, id)
}
