package work

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// States of an inquiry.
const (
	Open      = "open"
	Answered  = "answered"
	Cancelled = "cancelled"
)

// Verdicts: what an answer comes to.
const (
	Yes   = "yes"   // it is there
	No    = "no"    // it isn't, and won't be
	Later = "later" // it will be, on a day
	Other = "other" // see the text
)

// Inquiry is a question to a department.
type Inquiry struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id"`
	Department   int64   `json:"department_id"`
	Departments  string  `json:"department"`
	Question     string  `json:"question"`
	Variant      int64   `json:"variant_id"`
	Product      string  `json:"product" doc:"The product's name, and the variant's"`
	SKU          string  `json:"sku"`
	Location     int64   `json:"location_id"`
	Place        string  `json:"place" doc:"The location's name"`
	Order        int64   `json:"order_id"`
	OrderNumber  string  `json:"order_number"`
	Conversation int64   `json:"conversation_id"`
	Customer     int64   `json:"customer_id"`
	CustomerName string  `json:"customer_name"`
	Asker        int64   `json:"asker_id"`
	AskerName    string  `json:"asker_name"`
	WantsCall    bool    `json:"wants_call" doc:"The customer is rung with the answer; otherwise he is written to"`
	State        string  `json:"state" enum:"open,answered,cancelled"`
	Verdict      string  `json:"verdict" enum:",yes,no,later,other"`
	Answer       string  `json:"answer"`
	Quantity     int64   `json:"quantity"`
	ExpectedOn   string  `json:"expected_on" doc:"YYYY-MM-DD"`
	Answerer     string  `json:"answerer" doc:"Who answered"`
	Level        int64   `json:"level" doc:"How often its lateness was told: once at the deadline, again after half as long"`
	Version      int64   `json:"version"`
	AskedAt      db.Time `json:"asked_at"`
	DeadlineAt   db.Time `json:"deadline_at"`
	AnsweredAt   db.Time `json:"answered_at"`
	Link         string  `json:"link,omitempty" doc:"Where the department can answer without an account"`
}

// Question is what an agent asks.
type Question struct {
	Store        int64     `json:"store_id" minimum:"1"`
	Department   int64     `json:"department_id" minimum:"1"`
	Text         string    `json:"question" minLength:"1" maxLength:"4000"`
	Variant      int64     `json:"variant_id,omitempty" minimum:"0"`
	Location     int64     `json:"location_id,omitempty" minimum:"0"`
	Order        int64     `json:"order_id,omitempty" minimum:"0"`
	Conversation int64     `json:"conversation_id,omitempty" minimum:"0"`
	Customer     int64     `json:"customer_id,omitempty" minimum:"0"`
	WantsCall    bool      `json:"wants_call,omitempty" doc:"Ring the customer with the answer"`
	Deadline     time.Time `json:"deadline_at,omitempty" doc:"None: as the department's settings say"`
}

// Reply is what a department answers.
type Reply struct {
	Verdict    string `json:"verdict" enum:"yes,no,later,other"`
	Text       string `json:"answer,omitempty" maxLength:"4000"`
	Quantity   int64  `json:"quantity,omitempty" minimum:"0" maximum:"1000000"`
	ExpectedOn string `json:"expected_on,omitempty" maxLength:"10" doc:"YYYY-MM-DD; needed for later"`
}

const maxOpen = 500 // of a store: more are a programming error of whoever asks

const inquiryColumns = `i.id, i.store_id, i.department_id, coalesce(d.name, ''), i.question, i.variant_id, coalesce(p.name, ''), coalesce(v.name, ''), coalesce(v.sku, ''), i.location_id, coalesce(l.name, ''),
i.order_id, coalesce(o.number, ''), i.conversation_id, i.customer_id, coalesce(c.name, ''), i.asker_id, coalesce(a.name, ''), i.wants_call, i.state, i.verdict, i.answer, i.quantity, i.expected_on,
coalesce(b.name, i.answerer_name), i.level, i.version, i.asked_at, i.deadline_at, i.answered_at
FROM inquiries i LEFT JOIN departments d ON d.id = i.department_id LEFT JOIN variants v ON v.id = i.variant_id LEFT JOIN products p ON p.id = v.product_id LEFT JOIN locations l ON l.id = i.location_id
LEFT JOIN orders o ON o.id = i.order_id LEFT JOIN customers c ON c.id = i.customer_id LEFT JOIN agents a ON a.id = i.asker_id LEFT JOIN agents b ON b.id = i.answerer_id`

func scanInquiry(row interface{ Scan(...any) error }) (i Inquiry, err error) {
	var variant string
	err = row.Scan(&i.ID, &i.Store, &i.Department, &i.Departments, &i.Question, &i.Variant, &i.Product, &variant, &i.SKU, &i.Location, &i.Place,
		&i.Order, &i.OrderNumber, &i.Conversation, &i.Customer, &i.CustomerName, &i.Asker, &i.AskerName, &i.WantsCall, &i.State, &i.Verdict, &i.Answer, &i.Quantity, &i.ExpectedOn,
		&i.Answerer, &i.Level, &i.Version, &i.AskedAt, &i.DeadlineAt, &i.AnsweredAt)
	if variant != "" && variant != i.Product {
		i.Product = strings.TrimSpace(i.Product + " " + variant)
	}
	return i, err
}

// Ask puts a question to a department. The deadline is the department's, in opening hours of the store, unless the agent sets one.
func (w *Work) Ask(ctx context.Context, by account.By, in Question) (Inquiry, error) {
	if err := by.Check(in.Store, care.PermInboxWrite); err != nil {
		return Inquiry{}, err
	}
	in.Text = text.MaskCards(strings.TrimSpace(in.Text))
	if in.Text == "" {
		return Inquiry{}, care.Invalid("question", "required")
	}
	if err := text.ValidText(in.Text, 4000); err != nil {
		return Inquiry{}, care.Invalid("question", "text_invalid")
	}
	if err := w.within(ctx, in); err != nil {
		return Inquiry{}, err
	}
	s, err := w.settings(ctx, in.Store, in.Department)
	if err != nil {
		return Inquiry{}, err
	}
	now := w.db.Now()
	if in.Deadline.IsZero() {
		if in.Deadline, err = w.deadline(ctx, in.Store, now, s.Minutes); err != nil {
			return Inquiry{}, err
		}
	}
	if !in.Deadline.After(now) {
		return Inquiry{}, care.Invalid("deadline_at", "time_past")
	}
	var id int64
	err = w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var n int64
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM inquiries WHERE store_id = $1 AND state = 'open'`, in.Store).Scan(&n); err != nil {
			return err
		}
		if n >= maxOpen {
			return care.Conflict("inquiry.too_many", "max", maxOpen)
		}
		id = tx.ID()
		_, err := tx.Exec(ctx, `INSERT INTO inquiries (id, store_id, department_id, question, variant_id, location_id, order_id, conversation_id, customer_id, asker_id, wants_call, state, verdict, answer, quantity, expected_on,
answerer_id, answerer_name, level, version, asked_at, deadline_at, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', '', '', 0, '', 0, '', 0, 1, $12, $13, 0)`,
			id, in.Store, in.Department, in.Text, in.Variant, in.Location, in.Order, in.Conversation, in.Customer, by.Agent, in.WantsCall, db.At(tx.Now), db.At(in.Deadline))
		if err != nil {
			return err
		}
		i, err := scanInquiry(tx.QueryRow(ctx, `SELECT `+inquiryColumns+` WHERE i.id = $1`, id))
		if err != nil {
			return err
		}
		w.tell(tx, i, care.EventInquiryAsked)
		w.watch(tx, i, in.Deadline)
		return w.write(ctx, tx, i, s)
	})
	if err != nil {
		return Inquiry{}, err
	}
	return w.Inquiry(ctx, by.Scope, id)
}

// within refuses subjects of other stores.
func (w *Work) within(ctx context.Context, in Question) error {
	for _, s := range []struct {
		id          int64
		table, what string
	}{{in.Department, "departments", "department"}, {in.Variant, "variants", "variant"}, {in.Location, "locations", "location"}, {in.Order, "orders", "order"},
		{in.Conversation, "conversations", "conversation"}, {in.Customer, "customers", "customer"}} {
		if s.id == 0 {
			continue
		}
		var store int64
		if err := w.db.Read().QueryRow(ctx, `SELECT store_id FROM `+s.table+` WHERE id = $1`, s.id).Scan(&store); err != nil {
			return missing(err, s.what)
		}
		if store != in.Store {
			return care.NotFound(s.what)
		}
	}
	return nil
}

// Answer takes a department's answer. The first one counts; who comes later is told.
func (w *Work) Answer(ctx context.Context, by account.By, id int64, r Reply) (Inquiry, error) {
	i, err := w.visible(ctx, by.Scope, id, care.PermWork)
	if err != nil {
		return i, err
	}
	if err := w.answer(ctx, by.Actor(), i, r, by.Agent, ""); err != nil {
		return i, err
	}
	return w.Inquiry(ctx, by.Scope, id)
}

func (r *Reply) check() error {
	r.Text = text.MaskCards(strings.TrimSpace(r.Text))
	if err := text.ValidText(r.Text, 4000); err != nil {
		return care.Invalid("answer", "text_invalid")
	}
	switch r.Verdict {
	case Yes, No:
		r.ExpectedOn = ""
	case Later:
		if r.ExpectedOn == "" {
			return care.Invalid("expected_on", "required")
		}
	case Other:
		if r.Text == "" {
			return care.Invalid("answer", "required")
		}
	default:
		return care.Invalid("verdict", "value_invalid")
	}
	if r.ExpectedOn != "" {
		if _, err := time.Parse(time.DateOnly, r.ExpectedOn); err != nil {
			return care.Invalid("expected_on", "value_invalid")
		}
	}
	if r.Verdict != Yes {
		r.Quantity = 0
	}
	return nil
}

func (w *Work) answer(ctx context.Context, actor db.Actor, i Inquiry, r Reply, agent int64, name string) error {
	if err := r.check(); err != nil {
		return err
	}
	return w.db.Write(ctx, actor, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE inquiries SET state = 'answered', verdict = $1, answer = $2, quantity = $3, expected_on = $4, answerer_id = $5, answerer_name = $6, answered_at = $7, version = version + 1
WHERE id = $8 AND state = 'open'`, r.Verdict, r.Text, r.Quantity, r.ExpectedOn, agent, name, db.At(tx.Now), i.ID)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("inquiry.closed")
		}
		tx.CancelJob(jobLate, strconv.FormatInt(i.ID, 10))
		i.State, i.Verdict, i.Answer, i.Quantity, i.ExpectedOn = Answered, r.Verdict, r.Text, r.Quantity, r.ExpectedOn
		w.tell(tx, i, care.EventInquiryAnswered)
		return nil
	})
}

// Cancel takes a question back.
func (w *Work) Cancel(ctx context.Context, by account.By, id int64) (Inquiry, error) {
	i, err := w.visible(ctx, by.Scope, id, care.PermInboxWrite)
	if err != nil {
		return i, err
	}
	err = w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE inquiries SET state = 'cancelled', answered_at = $1, version = version + 1 WHERE id = $2 AND state = 'open'`, db.At(tx.Now), id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("inquiry.closed")
		}
		tx.CancelJob(jobLate, strconv.FormatInt(id, 10))
		i.State = Cancelled
		w.tell(tx, i, care.EventInquiryCancelled)
		return nil
	})
	if err != nil {
		return i, err
	}
	return w.Inquiry(ctx, by.Scope, id)
}

// tell emits the event and hints open screens.
func (w *Work) tell(tx *db.Tx, i Inquiry, event string) {
	tx.Emit(db.Event{Store: i.Store, Type: event, Subject: i.ID, Payload: care.InquiryEvent{Inquiry: i.ID, Conversation: i.Conversation, Customer: i.Customer, Order: i.Order, Variant: i.Variant,
		Agent: i.Asker, Department: i.Departments, Question: i.Question, Verdict: i.Verdict, Answer: i.Answer, Quantity: i.Quantity, ExpectedOn: i.ExpectedOn, Level: i.Level, Call: i.WantsCall}})
	if w.o.Bus != nil {
		hint, _ := json.Marshal(map[string]any{"t": "inquiry", "inquiry_id": i.ID, "conversation_id": i.Conversation})
		tx.AfterCommit(func() { w.o.Bus.Publish("live.agents."+strconv.FormatInt(i.Store, 10), hint) })
	}
}

// Inquiry returns one inquiry.
func (w *Work) Inquiry(ctx context.Context, scope care.Scope, id int64) (Inquiry, error) {
	i, err := w.visible(ctx, scope, id, care.PermWork)
	if err == nil && i.State == Open {
		i.Link = w.link(i.ID)
	}
	return i, err
}

func (w *Work) visible(ctx context.Context, scope care.Scope, id int64, p care.Permission) (Inquiry, error) {
	i, err := scanInquiry(w.db.Read().QueryRow(ctx, `SELECT `+inquiryColumns+` WHERE i.id = $1`, id))
	if err != nil {
		return i, missing(err, "inquiry")
	}
	if !scope.In(i.Store) {
		return Inquiry{}, care.NotFound("inquiry")
	}
	return i, scope.Check(i.Store, p)
}

// Search says which inquiries to list: the open ones by deadline, or those that are over, the latest first.
type Search struct {
	Store        int64
	Department   int64
	Conversation int64
	Over         bool
	At, ID       int64 // the place after which the page begins
	Limit        int64
}

// Inquiries lists inquiries.
func (w *Work) Inquiries(ctx context.Context, scope care.Scope, s Search) ([]Inquiry, error) {
	if s.Store != 0 {
		if err := scope.Check(s.Store, care.PermWork); err != nil {
			return nil, err
		}
	}
	where, order := `i.state = 'open' AND (i.deadline_at, i.id) > ($3, $4)`, `i.deadline_at, i.id`
	switch {
	case s.Conversation != 0: // all that was asked about it, in the order of asking
		where, order = `i.conversation_id > 0 AND i.conversation_id = $5 AND $3 >= 0 AND i.id > $4`, `i.id`
	case s.Over:
		where, order = `i.state <> 'open' AND (i.answered_at, i.id) < ($3, $4)`, `i.answered_at DESC, i.id DESC`
		if s.At == 0 {
			s.At = 1 << 62
		}
	}
	args := []any{scope.StoresWith(care.PermWork, s.Store), s.Limit, s.At, s.ID}
	if s.Conversation != 0 {
		args = append(args, s.Conversation)
	} else if s.Department != 0 {
		where += ` AND i.department_id = $5`
		args = append(args, s.Department)
	}
	rows, err := w.db.Read().Query(ctx, `SELECT `+inquiryColumns+` WHERE i.store_id = ANY($1::bigint[]) AND `+where+` ORDER BY `+order+` LIMIT $2`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Inquiry{}
	for rows.Next() {
		i, err := scanInquiry(rows)
		if err != nil {
			return nil, err
		}
		if i.State == Open {
			i.Link = w.link(i.ID)
		}
		out = append(out, i)
	}
	return out, rows.Err()
}
