package phone

import (
	"context"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// CallState is where a call stands.
type CallState string

// The states of a call.
const (
	CallWritten    CallState = "written" // to be dialled
	CallDialing    CallState = "dialing"
	CallRinging    CallState = "ringing"
	CallAnnouncing CallState = "announcing" // hears a greeting, chooses
	CallWaiting    CallState = "waiting"    // in a queue
	CallOffered    CallState = "offered"    // an agent is asked
	CallTalking    CallState = "talking"
	CallHeld       CallState = "held"
	CallWrapUp     CallState = "wrapup" // the line is gone, the agent has still to say what came of it
	CallEnded      CallState = "ended"
)

// call is a row of calls.
type call struct {
	ID, Store                            int64
	Direction                            string
	State                                CallState
	Life                                 int64
	Number, Own, Display                 string
	Connection                           int64
	Line                                 string
	Customer, Conversation               int64
	Callback, Queue, Agent               int64
	Language                             string
	Priority                             int64
	Result                               Result
	Counts                               bool
	Code                                 int64
	Disposition                          Disposition
	Note, Recording                      string
	HoldMS, WrapMS                       int64
	Muted                                bool
	PassedBy                             int64 // the agent who handed it over and gets it back when nobody takes it
	Made, Rang, Picked, Queued, Answered db.Time
	Held, Ended, Wrapped                 db.Time
}

const callColumns = `c.id, c.store_id, c.direction, c.state, c.life_id, c.number, c.own_number, c.display, c.connection_id, c.line, c.customer_id, c.conversation_id,
c.callback_id, c.queue_id, c.agent_id, c.language, c.priority, c.result, c.counts, c.code, c.disposition, c.note, c.recording, c.hold_ms, c.wrap_ms, c.muted, c.passed_by,
c.created_at, c.rang_at, c.picked_at, c.queued_at, c.answered_at, c.held_at, c.ended_at, c.wrapped_at`

func (c *call) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&c.ID, &c.Store, &c.Direction, &c.State, &c.Life, &c.Number, &c.Own, &c.Display, &c.Connection, &c.Line, &c.Customer, &c.Conversation,
		&c.Callback, &c.Queue, &c.Agent, &c.Language, &c.Priority, &c.Result, &c.Counts, &c.Code, &c.Disposition, &c.Note, &c.Recording, &c.HoldMS, &c.WrapMS, &c.Muted, &c.PassedBy,
		&c.Made, &c.Rang, &c.Picked, &c.Queued, &c.Answered, &c.Held, &c.Ended, &c.Wrapped)
}

func loadCall(ctx context.Context, q db.Querier, id int64, lock bool) (c call, err error) {
	sql := `SELECT ` + callColumns + ` FROM calls c WHERE c.id = $1`
	if lock {
		sql += ` FOR UPDATE`
	}
	return c, missing(c.scan(q.QueryRow(ctx, sql, id)), "call")
}

func callsBy(ctx context.Context, q db.Querier, where string, args ...any) ([]call, error) {
	rows, err := q.Query(ctx, `SELECT `+callColumns+` FROM calls c WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []call
	for rows.Next() {
		var c call
		if err := c.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// save writes what may change of a call; it must have been read under its lock in this transaction.
func (c *call) save(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE calls SET state = $2, life_id = $3, connection_id = $4, line = $5, customer_id = $6, conversation_id = $7, queue_id = $8, agent_id = $9, language = $10,
priority = $11, result = $12, counts = $13, code = $14, disposition = $15, note = $16, recording = $17, hold_ms = $18, wrap_ms = $19, rang_at = $20, picked_at = $21, queued_at = $22,
answered_at = $23, held_at = $24, ended_at = $25, wrapped_at = $26, muted = $27, passed_by = $28 WHERE id = $1`,
		c.ID, c.State, c.Life, c.Connection, c.Line, c.Customer, c.Conversation, c.Queue, c.Agent, c.Language,
		c.Priority, c.Result, c.Counts, c.Code, c.Disposition, c.Note, c.Recording, c.HoldMS, c.WrapMS, c.Rang, c.Picked, c.Queued,
		c.Answered, c.Held, c.Ended, c.Wrapped, c.Muted, c.PassedBy)
	return err
}

// hold begins the time in which the customer hears music, unless it has begun.
func (c *call) hold(now time.Time) {
	if c.Held == 0 {
		c.Held = db.At(now)
	}
}

// unhold ends it.
func (c *call) unhold(now time.Time) {
	if c.Held != 0 {
		c.HoldMS += now.Sub(c.Held.Time()).Milliseconds()
		c.Held = 0
	}
}

// stands tells whether an agent, or somebody he called in, and the customer are connected.
func (c *call) stands() bool { return c.State == CallTalking || c.State == CallHeld }

// handed tells whether the customer was talked with and waits for somebody else now.
func (c *call) handed() bool {
	return c.Answered != 0 && (c.State == CallWaiting || c.State == CallOffered || c.State == CallAnnouncing)
}

// callEvent tells what happened to a call.
func (p *Phone) callEvent(tx *db.Tx, event string, c *call) error {
	e := care.CallEvent{Call: c.ID, Direction: c.Direction, Number: c.Number, Customer: c.Customer, Conversation: c.Conversation, Queue: c.Queue, Agent: c.Agent, Callback: c.Callback,
		State: string(c.State), Result: string(c.Result), HoldMS: c.HoldMS, WrapMS: c.WrapMS}
	if c.Queued != 0 {
		until := c.Answered
		if until == 0 {
			until = db.At(tx.Now)
		}
		e.WaitMS = until.Time().Sub(c.Queued.Time()).Milliseconds()
	}
	if c.Answered != 0 && c.Ended != 0 {
		e.TalkMS = c.Ended.Time().Sub(c.Answered.Time()).Milliseconds() - c.HoldMS
	}
	tx.Emit(db.Event{Store: c.Store, Type: event, Subject: c.ID, Payload: e})
	p.eventStep(tx, event, c)
	return nil
}

// callChanged tells the screens.
func (p *Phone) callChanged(tx *db.Tx, c *call) {
	p.hint(tx, c.Store, map[string]any{"t": "call", "call_id": c.ID, "state": c.State, "agent_id": c.Agent, "queue_id": c.Queue, "callback_id": c.Callback})
}
