package phone

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Columns of the board. Each callback stands in exactly one.
const (
	ColumnDue      = "due"       // now: for an agent, or in an agent's hands
	ColumnToday    = "today"     // later today, by the store's clock
	ColumnWaiting  = "waiting"   // for another day, or for goods
	ColumnNoAnswer = "no_answer" // tried, and to be tried again
	ColumnDone     = "done"      // closed
)

// Columns lists them.
var Columns = []string{ColumnDue, ColumnToday, ColumnWaiting, ColumnNoAnswer, ColumnDone}

// column is where a callback stands on the board; $1 is the end of the store's day.
const column = `CASE WHEN c.closed_at > 0 THEN 'done' WHEN c.state <> 'waiting' THEN 'due' WHEN c.attempts > 0 AND c.last_result <> '' THEN 'no_answer'
WHEN c.reason IN ('stock_gone', 'stock_promised') OR c.due_at >= $1 THEN 'waiting' ELSE 'today' END`

// Callback is a callback as the board and the call's screen show it.
type Callback struct {
	ID           int64            `json:"id"`
	Store        int64            `json:"store_id"`
	Version      int64            `json:"version"`
	Column       string           `json:"column" enum:"due,today,waiting,no_answer,done"`
	State        State            `json:"state" enum:"waiting,due,offered,reserved,dialing,talking,wrapup,done,declined,written,expired,cancelled"`
	Reason       string           `json:"reason" doc:"Why it is in that state: phone.why.<reason> of the catalogue"`
	Customer     int64            `json:"customer_id"`
	CustomerName string           `json:"customer_name"`
	Conversation int64            `json:"conversation_id"`
	Number       string           `json:"number"`
	Language     string           `json:"language"`
	Zone         string           `json:"time_zone" doc:"The customer's"`
	Mode         string           `json:"mode" enum:"customer_first,agent_first"`
	Priority     int64            `json:"priority"`
	Attempts     int64            `json:"attempts"`
	MaxAttempts  int64            `json:"max_attempts"`
	LastResult   Result           `json:"last_result" doc:"Of the last attempt: phone.result.<result>"`
	Disposition  Disposition      `json:"disposition"`
	Note         string           `json:"note"`
	Owner        int64            `json:"owner_id" doc:"The agent who promised it"`
	Agent        int64            `json:"agent_id" doc:"Who has it, or had it last"`
	AgentName    string           `json:"agent_name"`
	Call         int64            `json:"call_id"`
	AskedAt      db.Time          `json:"asked_at" doc:"Its place in the queue"`
	PromisedAt   db.Time          `json:"promised_at"`
	DueAt        db.Time          `json:"due_at"`
	ExpiresAt    db.Time          `json:"expires_at"`
	LateAt       db.Time          `json:"late_at" doc:"Until then the first attempt is in time; 0: it was closed before that was settled"`
	Late         string           `json:"late" doc:"Why it was late; empty: it wasn't"`
	ClosedAt     db.Time          `json:"closed_at"`
	ToldAt       db.Time          `json:"told_at" doc:"When the customer was told in writing"`
	CreatedAt    db.Time          `json:"created_at"`
	Reasons      []CallbackReason `json:"reasons" doc:"What the call is about"`
	Decisions    []Decision       `json:"decisions,omitempty" doc:"What was decided, the latest first; only of one callback"`
	Tries        []Try            `json:"tries,omitempty" doc:"The attempts, the latest first; only of one callback"`
}

// CallbackReason is one reason for which a call is owed.
type CallbackReason struct {
	Trigger     Trigger `json:"trigger" enum:"asked,promise,stock,inquiry,dropped,abandoned,missed,voicemail,payment,confirm,parcel"`
	SubjectKind string  `json:"subject_kind" enum:"order,variant,inquiry,conversation,call," doc:"Empty: none"`
	Subject     int64   `json:"subject_id"`
	Title       string  `json:"title" doc:"The order's number, the product's name"`
	Quantity    int64   `json:"quantity"`
	Note        string  `json:"note"`
	AskedAt     db.Time `json:"asked_at"`
}

// Decision is what was decided about a callback, and why.
type Decision struct {
	At        db.Time         `json:"at"`
	State     string          `json:"state"`
	Trigger   string          `json:"trigger,omitempty"`
	Customer  int64           `json:"customer_id,omitempty"`
	Reasons   json.RawMessage `json:"reasons" doc:"[{code, params}]: phone.why.<code> of the catalogue"`
	NextAt    db.Time         `json:"next_at"`
	ActorKind string          `json:"actor_kind"`
	ActorID   int64           `json:"actor_id"`
}

// Try is an attempt to reach the customer.
type Try struct {
	Call      int64     `json:"call_id"`
	State     CallState `json:"state"`
	Result    Result    `json:"result"`
	Counts    bool      `json:"counts"`
	Agent     int64     `json:"agent_id"`
	StartedAt db.Time   `json:"started_at"`
	PickedAt  db.Time   `json:"picked_at"`
	EndedAt   db.Time   `json:"ended_at"`
}

const boardColumns = column + `, c.id, c.store_id, c.version, c.state, c.reason, c.customer_id, coalesce(nullif(k.name, ''), c.name), c.conversation_id, c.number, c.language, c.zone, c.mode, c.priority,
c.attempts, c.max_attempts, c.last_result, c.disposition, c.note, c.owner_id, c.agent_id, coalesce(g.name, ''), c.call_id, c.asked_at, c.promised_at, c.due_at, c.expires_at, c.late_at, c.late, c.closed_at, c.told_at, c.created_at
FROM callbacks c LEFT JOIN customers k ON k.id = c.customer_id LEFT JOIN agents g ON g.id = c.agent_id AND c.agent_id <> 0`

func (c *Callback) scan(row interface{ Scan(...any) error }) error {
	c.Reasons = []CallbackReason{}
	return row.Scan(&c.Column, &c.ID, &c.Store, &c.Version, &c.State, &c.Reason, &c.Customer, &c.CustomerName, &c.Conversation, &c.Number, &c.Language, &c.Zone, &c.Mode, &c.Priority,
		&c.Attempts, &c.MaxAttempts, &c.LastResult, &c.Disposition, &c.Note, &c.Owner, &c.Agent, &c.AgentName, &c.Call, &c.AskedAt, &c.PromisedAt, &c.DueAt, &c.ExpiresAt, &c.LateAt, &c.Late, &c.ClosedAt, &c.ToldAt, &c.CreatedAt)
}

// dayEnd is the end of the day in a store; over several stores, of the first of them.
func (p *Phone) dayEnd(ctx context.Context, stores []int64) (db.Time, error) {
	f, err := p.store(ctx, p.db.Read(), stores[0])
	if err != nil {
		return 0, err
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		zone = time.UTC
	}
	now := p.db.Now().In(zone)
	return db.At(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, zone)), nil
}

// Callback returns one with its history.
func (p *Phone) Callback(ctx context.Context, s care.Scope, id int64) (out Callback, err error) {
	q := p.db.Read()
	row, err := loadCallback(ctx, q, id, false)
	if err != nil {
		return out, err
	}
	if err := allow(s, row.Store, care.PermPhone, "callback"); err != nil {
		return out, err
	}
	end, err := p.dayEnd(ctx, []int64{row.Store})
	if err != nil {
		return out, err
	}
	if err := out.scan(q.QueryRow(ctx, `SELECT `+boardColumns+` WHERE c.id = $2`, end, id)); err != nil {
		return out, missing(err, "callback")
	}
	list := []Callback{out}
	if err := p.withReasons(ctx, q, list); err != nil {
		return out, err
	}
	out = list[0]
	if out.Decisions, err = decisions(ctx, q, `callback_id = $1 AND callback_id <> 0 ORDER BY id DESC LIMIT 200`, id); err != nil {
		return out, err
	}
	calls, err := callsBy(ctx, q, `c.callback_id = $1 AND c.callback_id <> 0 ORDER BY c.id DESC LIMIT 50`, id)
	out.Tries = []Try{}
	for _, c := range calls {
		out.Tries = append(out.Tries, Try{c.ID, c.State, c.Result, c.Counts, c.Agent, c.Made, c.Picked, c.Ended})
	}
	return out, err
}

func decisions(ctx context.Context, q db.Querier, where string, args ...any) ([]Decision, error) {
	rows, err := q.Query(ctx, `SELECT created_at, state, trigger, customer_id, reasons, next_at, actor_kind, actor_id FROM callback_decisions WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Decision{}
	for rows.Next() {
		var d Decision
		if err := rows.Scan(&d.At, &d.State, &d.Trigger, &d.Customer, &d.Reasons, &d.NextAt, &d.ActorKind, &d.ActorID); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Refusals lists why no call was owed where something asked for one, the latest first.
func (p *Phone) Refusals(ctx context.Context, s care.Scope, store int64, limit int64) ([]Decision, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return nil, err
	}
	return decisions(ctx, p.db.Read(), `store_id = $1 AND callback_id = 0 ORDER BY id DESC LIMIT $2`, store, limit)
}

// withReasons adds what the callbacks are about.
func (p *Phone) withReasons(ctx context.Context, q db.Querier, list []Callback) error {
	at := map[int64]int{}
	ids := make([]int64, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = i, list[i].ID
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := q.Query(ctx, `SELECT r.callback_id, r.trigger, r.subject_kind, r.subject_id, coalesce(o.number, p.name, ''), r.quantity, r.note, r.asked_at FROM callback_reasons r
LEFT JOIN orders o ON r.subject_kind = 'order' AND o.id = r.subject_id LEFT JOIN variants v ON r.subject_kind = 'variant' AND v.id = r.subject_id LEFT JOIN products p ON p.id = v.product_id
WHERE r.callback_id = ANY($1::bigint[]) ORDER BY r.id`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var r CallbackReason
		if err := rows.Scan(&id, &r.Trigger, &r.SubjectKind, &r.Subject, &r.Title, &r.Quantity, &r.Note, &r.AskedAt); err != nil {
			return err
		}
		c := &list[at[id]]
		c.Reasons = append(c.Reasons, r)
	}
	return rows.Err()
}

// BoardFilter narrows the board; zero values don't.
type BoardFilter struct {
	Store, Agent, Customer int64
	Column                 string
	After                  [2]int64 // time and id of the last one of the page before
	Limit                  int64
}

// Board lists callbacks: those that are open by their time, those that are closed with the latest first.
func (p *Phone) Board(ctx context.Context, s care.Scope, f BoardFilter) ([]Callback, error) {
	stores := s.StoresWith(care.PermPhone, f.Store)
	if len(stores) == 0 {
		return nil, nil
	}
	end, err := p.dayEnd(ctx, stores)
	if err != nil {
		return nil, err
	}
	sql := `SELECT ` + boardColumns + ` WHERE c.store_id = ANY($2::bigint[]) AND (CAST($3 AS BIGINT) = 0 OR c.agent_id = $3 OR c.owner_id = $3) AND (CAST($4 AS BIGINT) = 0 OR c.customer_id = $4) `
	if f.Column == ColumnDone {
		if f.After == [2]int64{} {
			f.After = [2]int64{1 << 62, 1 << 62}
		}
		sql += `AND c.closed_at > 0 AND (c.closed_at, c.id) < ($5, $6) ORDER BY c.closed_at DESC, c.id DESC LIMIT $7`
	} else {
		sql += `AND c.closed_at = 0 AND (c.due_at, c.id) > ($5, $6) AND (CAST($7 AS TEXT) = '' OR ` + column + ` = $7) ORDER BY c.due_at, c.id LIMIT $8`
	}
	args := []any{end, stores, f.Agent, f.Customer, f.After[0], f.After[1]}
	if f.Column != ColumnDone {
		args = append(args, f.Column)
	}
	args = append(args, f.Limit)
	q := p.db.Read()
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var out []Callback
	for rows.Next() {
		var c Callback
		if err := c.scan(rows); err != nil {
			rows.Close()
			return nil, err
		}
		out = append(out, c)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, p.withReasons(ctx, q, out)
}

// BoardCounts are how many callbacks stand in each column; closed ones are those of today.
type BoardCounts struct {
	Due      int64 `json:"due"`
	Today    int64 `json:"today"`
	Waiting  int64 `json:"waiting"`
	NoAnswer int64 `json:"no_answer"`
	Done     int64 `json:"done" doc:"Closed today"`
	Late     int64 `json:"late" doc:"Open ones that are late"`
}

// BoardCounts counts the board.
func (p *Phone) BoardCounts(ctx context.Context, s care.Scope, store int64) (n BoardCounts, err error) {
	stores := s.StoresWith(care.PermPhone, store)
	if len(stores) == 0 {
		if store != 0 {
			return n, s.Check(store, care.PermPhone)
		}
		return n, nil
	}
	end, err := p.dayEnd(ctx, stores)
	if err != nil {
		return n, err
	}
	rows, err := p.db.Read().Query(ctx, `SELECT `+column+`, count(*), sum(CASE WHEN c.late <> '' AND c.closed_at = 0 THEN 1 ELSE 0 END) FROM callbacks c
WHERE c.store_id = ANY($2::bigint[]) AND (c.closed_at = 0 OR c.closed_at >= $3) GROUP BY 1`, end, stores, end.Add(-24*time.Hour))
	if err != nil {
		return n, err
	}
	defer rows.Close()
	for rows.Next() {
		var col string
		var count, late int64
		if err := rows.Scan(&col, &count, &late); err != nil {
			return n, err
		}
		n.Late += late
		*map[string]*int64{ColumnDue: &n.Due, ColumnToday: &n.Today, ColumnWaiting: &n.Waiting, ColumnNoAnswer: &n.NoAnswer, ColumnDone: &n.Done}[col] = count
	}
	return n, rows.Err()
}

// Asked is a callback that a person asks for: an agent for his promise, a program for a form, a shopper for himself.
type Asked struct {
	Store        int64
	Trigger      Trigger // asked or promise
	Customer     int64
	From         []care.Identity
	Number       string // as people write it
	Country      string
	Name         string
	Language     string
	Conversation int64
	Order        int64
	Variant      int64
	At           time.Time // zero: as soon as may be
	Note         string
	Key          string // makes it safe to ask again
}

// Ask makes a callback that the caller asks for.
func (p *Phone) Ask(ctx context.Context, s care.Scope, a Asked) (Callback, error) {
	if err := s.Check(a.Store, care.PermPhone); err != nil {
		return Callback{}, err
	}
	owner := int64(0)
	if a.Trigger == TriggerPromise {
		owner = s.Agent
	}
	got, err := p.AskFor(ctx, actorOf(s), a, owner)
	if err != nil {
		return Callback{}, err
	}
	if got.Callback == 0 {
		return Callback{}, care.Conflict("phone.not_owed", "reason", got.Why[0].Code)
	}
	return p.Callback(ctx, s, got.Callback)
}

// AskFor is Ask without a scope: for those who act by themselves.
func (p *Phone) AskFor(ctx context.Context, actor db.Actor, a Asked, owner int64) (got Owed, err error) {
	err = p.db.Write(ctx, actor, func(tx *db.Tx) error {
		got, err = p.askFor(ctx, tx, a, owner)
		return err
	})
	return got, err
}

func (p *Phone) askFor(ctx context.Context, tx *db.Tx, a Asked, owner int64) (got Owed, err error) {
	k := Cause{Store: a.Store, Trigger: a.Trigger, Customer: a.Customer, Name: a.Name, Language: a.Language, Conversation: a.Conversation, Owner: owner, Promised: a.At, Note: a.Note}
	if a.Number != "" {
		n := text.ParsePhone(a.Number, a.Country)
		if !n.Resolved() {
			return got, care.Invalid("number", "phone_invalid")
		}
		k.Number = n.E164
	} else if a.Customer == 0 {
		return got, care.Invalid("number", "required")
	}
	if !a.At.IsZero() && !a.At.After(tx.Now) {
		return got, care.Invalid("at", "time_past")
	} else if a.At.After(tx.Now.Add(maxAhead)) {
		return got, care.Invalid("at", "phone.too_far")
	}
	for what, id := range map[string]int64{"customer": a.Customer, "conversation": a.Conversation, "order": a.Order, "variant": a.Variant} {
		if id == 0 {
			continue
		}
		var found int64
		if err := tx.QueryRow(ctx, `SELECT id FROM `+what+`s WHERE id = $1 AND store_id = $2`, id, a.Store).Scan(&found); err != nil {
			return got, missing(err, what)
		}
	}
	if len(a.From) > 0 {
		ids := append(slices.Clone(a.From), care.Identity{Kind: care.IdentityPhone, Value: k.Number, Display: a.Number})
		if k.Customer, _, err = p.customers.Resolve(ctx, tx, a.Store, ids, customer.Hint{Name: a.Name, Language: a.Language}); err != nil {
			return got, err
		}
	}
	switch {
	case a.Order != 0:
		k.SubjectKind, k.Subject = "order", a.Order
	case a.Variant != 0:
		k.SubjectKind, k.Subject = "variant", a.Variant
	case a.Conversation != 0:
		k.SubjectKind, k.Subject = "conversation", a.Conversation
	}
	k.Source = "ask:" + itoa(tx.ID())
	if a.Key != "" {
		k.Source = "ask:" + clip(a.Key, 100)
	}
	got, err = p.Owe(ctx, tx, k)
	if err == nil && got.Callback == 0 && got.Why[0].Code == "no_number" {
		return got, care.Invalid("number", "required")
	}
	return got, err
}
