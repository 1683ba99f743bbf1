package phone

import (
	"context"
	"encoding/json"

	"opeka/internal/care"
	"opeka/internal/db"
)

// callback is a row of callbacks.
type callback struct {
	ID, Store, Version          int64
	State                       State
	Reason                      string
	Customer, Conversation      int64
	Number, Name, Language      string
	Zone, Class, Mode           string
	Priority, MaxAttempts       int64
	Owner, Agent, Call          int64
	Attempts                    int64
	LastResult                  Result
	Disposition                 Disposition
	Note                        string
	Passed                      []pass
	Asked, Earliest, Promised   db.Time
	Due, Retry, LateAt          db.Time
	Late                        string
	Expires, Closed, Told, Made db.Time

	vowed db.Time // what was promised before this transaction changed it; the new promise isn't later
}

const callbackColumns = `c.id, c.store_id, c.version, c.state, c.reason, c.customer_id, c.conversation_id, c.number, c.name, c.language, c.zone, c.class, c.mode,
c.priority, c.max_attempts, c.owner_id, c.agent_id, c.call_id, c.attempts, c.last_result, c.disposition, c.note, c.passed, c.asked_at, c.earliest_at, c.promised_at,
c.due_at, c.retry_at, c.late_at, c.late, c.expires_at, c.closed_at, c.told_at, c.created_at`

func (c *callback) scan(row interface{ Scan(...any) error }) error {
	var passed []byte
	err := row.Scan(&c.ID, &c.Store, &c.Version, &c.State, &c.Reason, &c.Customer, &c.Conversation, &c.Number, &c.Name, &c.Language, &c.Zone, &c.Class, &c.Mode,
		&c.Priority, &c.MaxAttempts, &c.Owner, &c.Agent, &c.Call, &c.Attempts, &c.LastResult, &c.Disposition, &c.Note, &passed, &c.Asked, &c.Earliest, &c.Promised,
		&c.Due, &c.Retry, &c.LateAt, &c.Late, &c.Expires, &c.Closed, &c.Told, &c.Made)
	if err != nil {
		return err
	}
	return json.Unmarshal(passed, &c.Passed)
}

func loadCallback(ctx context.Context, q db.Querier, id int64, lock bool) (c callback, err error) {
	sql := `SELECT ` + callbackColumns + ` FROM callbacks c WHERE c.id = $1`
	if lock {
		sql += ` FOR UPDATE`
	}
	return c, missing(c.scan(q.QueryRow(ctx, sql, id)), "callback")
}

func callbacksBy(ctx context.Context, q db.Querier, where string, args ...any) ([]callback, error) {
	rows, err := q.Query(ctx, `SELECT `+callbackColumns+` FROM callbacks c WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []callback
	for rows.Next() {
		var c callback
		if err := c.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func (c *callback) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO callbacks (id, store_id, state, reason, customer_id, conversation_id, number, name, language, zone, class, mode, priority, max_attempts,
owner_id, passed, asked_at, earliest_at, promised_at, due_at, late_at, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '[]', $16, $17, $18, $19, $20, $21, $22)`,
		c.ID, c.Store, c.State, c.Reason, c.Customer, c.Conversation, c.Number, c.Name, c.Language, c.Zone, c.Class, c.Mode, c.Priority, c.MaxAttempts,
		c.Owner, c.Asked, c.Earliest, c.Promised, c.Due, c.LateAt, c.Expires, c.Made)
	return err
}

// save writes the row as it is now; it must have been read under its lock in this transaction.
func (c *callback) save(ctx context.Context, tx *db.Tx) error {
	if c.Passed == nil {
		c.Passed = []pass{}
	}
	c.Version++
	_, err := tx.Exec(ctx, `UPDATE callbacks SET version = $2, state = $3, reason = $4, customer_id = $5, conversation_id = $6, language = $7, class = $8, mode = $9, priority = $10,
max_attempts = $11, owner_id = $12, agent_id = $13, call_id = $14, attempts = $15, last_result = $16, disposition = $17, note = $18, passed = $19, asked_at = $20,
earliest_at = $21, promised_at = $22, due_at = $23, retry_at = $24, late_at = $25, late = $26, expires_at = $27, closed_at = $28, told_at = $29 WHERE id = $1`,
		c.ID, c.Version, c.State, c.Reason, c.Customer, c.Conversation, c.Language, c.Class, c.Mode, c.Priority,
		c.MaxAttempts, c.Owner, c.Agent, c.Call, c.Attempts, c.LastResult, c.Disposition, c.Note, asJSON(c.Passed), c.Asked,
		c.Earliest, c.Promised, c.Due, c.Retry, c.LateAt, c.Late, c.Expires, c.Closed, c.Told)
	return err
}

// decided keeps what was decided about a callback.
func decided(tx *db.Tx, c *callback, reasons []Why, next db.Time) {
	tx.Defer(insertDecision, tx.ID(), c.Store, c.ID, "", c.Customer, c.State, asJSON(reasons), next, tx.Actor.Kind, tx.Actor.ID, db.At(tx.Now))
}

const insertDecision = `INSERT INTO callback_decisions (id, store_id, callback_id, trigger, customer_id, state, reasons, next_at, actor_kind, actor_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// emit tells what became of a callback.
func (p *Phone) emit(ctx context.Context, tx *db.Tx, event string, c *callback) error {
	triggers, err := triggersOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	tx.Emit(db.Event{Store: c.Store, Type: event, Subject: c.ID, Payload: care.CallbackEvent{
		Callback: c.ID, Customer: c.Customer, Conversation: c.Conversation, Number: c.Number, Language: c.Language, Triggers: triggers,
		State: string(c.State), Reason: c.Reason, Result: string(c.LastResult), Attempts: c.Attempts, Agent: c.Agent, Call: c.Call,
	}})
	return nil
}

func triggersOf(ctx context.Context, q db.Querier, id int64) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT trigger FROM callback_reasons WHERE callback_id = $1 ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// changed tells the board.
func (p *Phone) changed(tx *db.Tx, c *callback) {
	p.hint(tx, c.Store, map[string]any{"t": "callback", "callback_id": c.ID, "state": c.State, "reason": c.Reason, "version": c.Version})
}
