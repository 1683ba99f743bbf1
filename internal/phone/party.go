package phone

import (
	"context"

	"opeka/internal/db"
)

// What somebody is in a call beside its customer and its agent.
const (
	roleAgent   = "agent"   // a colleague in the conversation
	roleGuest   = "guest"   // an outside number in it
	roleConsult = "consult" // asked aside: the customer hears music meanwhile
	roleListen  = "listen"  // supervisors
	roleWhisper = "whisper"
	roleBarge   = "barge"
)

// Where he stands.
const (
	partyWritten = "written" // to be rung
	partyRinging = "ringing"
	partyTalking = "talking"
	partyLeft    = "left"
)

// party is a row of call_parties.
type party struct {
	ID, Store, Call   int64
	Role, State       string
	Agent             int64
	Number            string
	AskedBy           int64
	Held, Muted       bool
	Result, Line      string
	Made, Joined, End db.Time
}

const partyColumns = `t.id, t.store_id, t.call_id, t.role, t.state, t.agent_id, t.number, t.asked_by, t.held, t.muted, t.result, t.line, t.created_at, t.joined_at, t.left_at`

func (t *party) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&t.ID, &t.Store, &t.Call, &t.Role, &t.State, &t.Agent, &t.Number, &t.AskedBy, &t.Held, &t.Muted, &t.Result, &t.Line, &t.Made, &t.Joined, &t.End)
}

// supervises tells whether he is there without being asked.
func (t *party) supervises() bool {
	return t.Role == roleListen || t.Role == roleWhisper || t.Role == roleBarge
}

// partiesOf are those in a call who haven't left, in the order in which they came; a call that is locked keeps them as they are.
func partiesOf(ctx context.Context, q db.Querier, call int64) (out []party, err error) {
	rows, err := q.Query(ctx, `SELECT `+partyColumns+` FROM call_parties t WHERE t.call_id = $1 AND t.left_at = 0 ORDER BY t.id`, call)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t party
		if err := t.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func (t *party) insert(ctx context.Context, tx *db.Tx) error {
	t.ID, t.Made = tx.ID(), db.At(tx.Now)
	_, err := tx.Exec(ctx, `INSERT INTO call_parties (id, store_id, call_id, role, state, agent_id, number, asked_by, held, muted, created_at, joined_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID, t.Store, t.Call, t.Role, t.State, t.Agent, t.Number, t.AskedBy, t.Held, t.Muted, t.Made, t.Joined)
	return err
}

func (t *party) save(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE call_parties SET role = $2, state = $3, held = $4, muted = $5, result = $6, line = $7, joined_at = $8, left_at = $9 WHERE id = $1`,
		t.ID, t.Role, t.State, t.Held, t.Muted, t.Result, t.Line, t.Joined, t.End)
	return err
}

// leave ends somebody's part in a call and lets a colleague go to other work.
func (p *Phone) leave(ctx context.Context, tx *db.Tx, t *party, result string) error {
	t.State, t.Result, t.End = partyLeft, result, db.At(tx.Now)
	tx.CancelJob(JobInvited, itoa(t.ID))
	if err := t.save(ctx, tx); err != nil {
		return err
	}
	if t.Joined == 0 || t.supervises() || result == "leads" {
		return p.free(ctx, tx, t.Agent, 0, t.Call)
	}
	return p.rest(ctx, tx, t.Store, t.Agent, t.Call)
}

// leaveAll ends everybody's part in a call that is over.
func (p *Phone) leaveAll(ctx context.Context, tx *db.Tx, call int64) error {
	all, err := partiesOf(ctx, tx, call)
	if err != nil {
		return err
	}
	for i := range all {
		if err := p.leave(ctx, tx, &all[i], "over"); err != nil {
			return err
		}
		p.hintAgent(tx, all[i].Agent, map[string]any{"t": "phone", "event": "call", "call_id": call, "step": "ended"})
	}
	return nil
}
