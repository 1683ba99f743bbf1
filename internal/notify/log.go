package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
)

// Logged is a line of the log of decisions.
type Logged struct {
	ID        int64    `json:"id"`
	Store     int64    `json:"store_id"`
	Order     int64    `json:"order_id"`
	Number    string   `json:"order_number"`
	Customer  int64    `json:"customer_id"`
	Name      string   `json:"customer_name"`
	Event     string   `json:"event" doc:"What brought it"`
	Key       string   `json:"notice"`
	Moment    string   `json:"moment"`
	Part      string   `json:"part"`
	Outcome   string   `json:"outcome" enum:"planned,sent,failed,withheld"`
	Reason    string   `json:"reason" doc:"notice.reason.<code> of the catalogue"`
	Passed    []Passed `json:"passed" doc:"Channels that weren't taken"`
	Channel   string   `json:"channel"`
	Language  string   `json:"language"`
	Policy    int64    `json:"policy_version" doc:"0: the policy that ships"`
	Governs   Notice   `json:"governs" doc:"The policy's values, as they were"`
	DueAt     db.Time  `json:"due_at"`
	SentAt    db.Time  `json:"sent_at"`
	CreatedAt db.Time  `json:"created_at"`
	Sends     []SentBy `json:"sends"`
}

// SentBy is what went out for a notice by one channel.
type SentBy struct {
	Channel string  `json:"channel"`
	Address string  `json:"address"`
	State   string  `json:"state"`
	Code    string  `json:"code" doc:"delivery.<code> of the catalogue"`
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	SentAt  db.Time `json:"sent_at"`
}

// LogFilter narrows the log; zero values don't.
type LogFilter struct {
	Store    int64
	Order    int64
	Customer int64
	Key      string
	Moment   string
	Channel  string
	Outcome  string
	Reason   string
	From, To time.Time // of the decision
}

// Log returns decisions with ids below before (0: from the latest), the latest first.
func (n *Notify) Log(ctx context.Context, s care.Scope, f LogFilter, before, limit int64) ([]Logged, error) {
	if before == 0 {
		before = 1 << 62
	}
	stores := s.StoresWith(care.PermCommerceRead, f.Store)
	q := n.db.Read()
	where, args := `n.store_id = ANY($1::bigint[]) AND n.id < $2`, []any{stores, before}
	add := func(condition string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	if f.Order != 0 {
		add(`n.order_id = $%d`, f.Order)
	}
	if f.Customer != 0 {
		head, err := customer.Head(ctx, q, f.Customer)
		if err != nil {
			return nil, err
		}
		family, err := customer.Family(ctx, q, head)
		if err != nil {
			return nil, err
		}
		add(`n.customer_id = ANY($%d::bigint[])`, family)
	}
	for column, v := range map[string]string{"notice_key": f.Key, "moment": f.Moment, "outcome": f.Outcome, "reason": f.Reason} {
		if v != "" {
			add(`n.`+column+` = $%d`, v)
		}
	}
	if f.Channel != "" { // by which it went out, or would have
		args = append(args, f.Channel)
		where += fmt.Sprintf(" AND (n.channel = $%d OR EXISTS (SELECT 1 FROM notice_sends s WHERE s.notice_id = n.id AND s.channel = $%d))", len(args), len(args))
	}
	if !f.From.IsZero() {
		add(`n.created_at >= $%d`, db.At(f.From))
	}
	if !f.To.IsZero() {
		add(`n.created_at < $%d`, db.At(f.To))
	}
	args = append(args, limit)
	out := []Logged{}
	err := each(ctx, q, `SELECT n.id, n.store_id, n.order_id, coalesce(o.number, ''), n.customer_id, coalesce(c.name, ''), n.event_type, n.notice_key, n.moment, n.part, n.outcome, n.reason, n.passed, n.channel, n.language,
n.policy_version, n.governs, n.due_at, n.sent_at, n.created_at FROM notices n LEFT JOIN orders o ON o.id = n.order_id LEFT JOIN customers c ON c.id = n.customer_id WHERE `+where+fmt.Sprintf(` ORDER BY n.id DESC LIMIT $%d`, len(args)), args, func(rows pgx.Rows) error {
		var l Logged
		var passed, governs json.RawMessage
		if err := rows.Scan(&l.ID, &l.Store, &l.Order, &l.Number, &l.Customer, &l.Name, &l.Event, &l.Key, &l.Moment, &l.Part, &l.Outcome, &l.Reason, &passed, &l.Channel, &l.Language,
			&l.Policy, &governs, &l.DueAt, &l.SentAt, &l.CreatedAt); err != nil {
			return err
		}
		l.Sends = []SentBy{}
		if l.Outcome != Planned {
			l.DueAt = 0
		}
		out = append(out, l)
		last := &out[len(out)-1]
		return errors.Join(json.Unmarshal(passed, &last.Passed), json.Unmarshal(governs, &last.Governs))
	})
	if err != nil || len(out) == 0 {
		return out, err
	}
	ids, at := make([]int64, len(out)), map[int64]*Logged{}
	for i := range out {
		ids[i] = out[i].ID
		at[out[i].ID] = &out[i]
	}
	err = each(ctx, q, `SELECT notice_id, channel, address, state, code, subject, body, sent_at FROM notice_sends WHERE notice_id = ANY($1::bigint[]) ORDER BY notice_id, id`, []any{ids}, func(rows pgx.Rows) error {
		var id int64
		var b SentBy
		err := rows.Scan(&id, &b.Channel, &b.Address, &b.State, &b.Code, &b.Subject, &b.Text, &b.SentAt)
		at[id].Sends = append(at[id].Sends, b)
		return err
	})
	return out, err
}

// Explained is how one notice of the policy stands with an order, and why.
type Explained struct {
	Key     string   `json:"notice"`
	Moment  string   `json:"moment"`
	Part    string   `json:"part"`
	Outcome string   `json:"outcome" enum:"planned,sent,failed,withheld"`
	Reason  string   `json:"reason"`
	Passed  []Passed `json:"passed"`
	At      db.Time  `json:"at" doc:"Of the decision; null when there was none and this is what one would come to now"`
	Channel string   `json:"channel"`
}

// Explain answers why the customer of an order did or didn't get each notice of the policy: by the log where a decision was made, else by
// what a decision would come to now.
func (n *Notify) Explain(ctx context.Context, s care.Scope, order int64) ([]Explained, error) {
	q := n.db.Read()
	var store int64
	err := q.QueryRow(ctx, `SELECT store_id FROM orders WHERE id = $1`, order).Scan(&store)
	if errors.Is(err, db.ErrNoRows) || err == nil && !s.In(store) {
		return nil, care.NotFound("order")
	}
	if err != nil {
		return nil, err
	}
	if err := s.Check(store, care.PermCommerceRead); err != nil {
		return nil, err
	}
	log, err := n.Log(ctx, s, LogFilter{Store: store, Order: order}, 0, 500)
	if err != nil {
		return nil, err
	}
	l, err := n.load(ctx, q, order, n.db.Now())
	if err != nil {
		return nil, err
	}
	p, err := n.policy(ctx, q, store, l.Store.Zone)
	if err != nil {
		return nil, err
	}
	out := []Explained{}
	for i := range p.notices {
		c := &p.notices[i]
		parts := c.moment.parts(&l.State)
		if len(parts) == 0 {
			parts = []string{""}
		}
		for _, part := range parts {
			out = append(out, explain(l, p, c, part, log, n))
		}
	}
	return out, nil
}

func explain(l *loaded, p *Compiled, c *compiledNotice, part string, log []Logged, n *Notify) Explained {
	e := Explained{Key: c.Key, Moment: c.Moment, Part: part, Outcome: Withheld, Passed: []Passed{}}
	var found *Logged
	for i := range log { // the latest first; what was told wins over what was withheld
		if g := &log[i]; g.Key == c.Key && g.Part == part && (found == nil || found.Outcome == Withheld && g.Outcome != Withheld) {
			found = g
		}
	}
	if found != nil {
		e.Outcome, e.Reason, e.Passed, e.At, e.Channel = found.Outcome, found.Reason, found.Passed, found.CreatedAt, found.Channel
		return e
	}
	d := weigh(&l.State, p, c, part, n.db.Now(), false, nil)
	e.Reason = "not_yet"
	if d.refusal != nil {
		e.Reason = string(d.refusal.Reason)
		if d.refusal.Passed != nil {
			e.Passed = d.refusal.Passed
		}
	} else if !c.On {
		e.Reason = string(ReasonOff)
	}
	return e
}

// Found is an exception of an order.
type Found struct {
	ID         int64   `json:"id"`
	Store      int64   `json:"store_id"`
	Order      int64   `json:"order_id"`
	Number     string  `json:"order_number"`
	Customer   int64   `json:"customer_id"`
	Kind       string  `json:"kind"`
	Part       string  `json:"part"`
	Work       string  `json:"work" enum:"task,callback,none"`
	Department int64   `json:"department_id"`
	DueAt      db.Time `json:"due_at"`
	RaisedAt   db.Time `json:"raised_at"`
	ClosedAt   db.Time `json:"closed_at"`
}

// Found lists exceptions with ids below before (0: from the latest), the latest first; of one order if it isn't 0.
func (n *Notify) Found(ctx context.Context, s care.Scope, store, order int64, open bool, before, limit int64) ([]Found, error) {
	if before == 0 {
		before = 1 << 62
	}
	sql, args := `SELECT e.id, e.store_id, e.order_id, coalesce(o.number, ''), e.customer_id, e.kind, e.part, e.work, e.department_id, e.due_at, e.raised_at, e.closed_at
FROM exceptions e LEFT JOIN orders o ON o.id = e.order_id WHERE e.store_id = ANY($1::bigint[]) AND e.id < $2`, []any{s.StoresWith(care.PermCommerceRead, store), before}
	if order != 0 {
		sql, args = sql+` AND e.order_id = $3`, append(args, order)
	}
	if open {
		sql += ` AND e.closed_at = 0`
	}
	args = append(args, limit)
	out := []Found{}
	err := each(ctx, n.db.Read(), sql+fmt.Sprintf(` ORDER BY e.id DESC LIMIT $%d`, len(args)), args, func(rows pgx.Rows) error {
		var f Found
		err := rows.Scan(&f.ID, &f.Store, &f.Order, &f.Number, &f.Customer, &f.Kind, &f.Part, &f.Work, &f.Department, &f.DueAt, &f.RaisedAt, &f.ClosedAt)
		out = append(out, f)
		return err
	})
	return out, err
}
