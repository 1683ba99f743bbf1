package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/know"
	"opeka/internal/phone"
	"opeka/internal/work"
)

// scriptNames are the values that texts of call scripts may ask for.
var scriptNames = []string{"customer.name", "customer.first_name", "order.number", "order.total", "order.stage", "order.items", "store.name", "agent.name", "field.*"}

// scriptFacts reads them.
func (a *App) scriptFacts(ctx context.Context, r know.Run, language string) (map[string]any, error) {
	q := a.DB.Read()
	values := map[string]any{}
	one := func(sql string, id int64, into ...any) error {
		if id == 0 {
			return nil
		}
		err := q.QueryRow(ctx, sql, id).Scan(into...)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	}
	var name, store, agent string
	var number, currency, stage string
	var total, items int64
	if err := errors.Join(
		one(`SELECT name FROM customers WHERE id = $1`, r.Customer, &name),
		one(`SELECT name FROM stores WHERE id = $1`, r.Store, &store),
		one(`SELECT name FROM agents WHERE id = $1`, r.Agent, &agent),
		one(`SELECT number, currency, stage, total, (SELECT coalesce(sum(quantity), 0) FROM order_lines l WHERE l.order_id = o.id) FROM orders o WHERE id = $1`, r.Order, &number, &currency, &stage, &total, &items),
	); err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(name, " ")
	values["customer"] = map[string]any{"name": name, "first_name": first}
	values["store"] = map[string]any{"name": store}
	values["agent"] = map[string]any{"name": agent}
	order := map[string]any{"number": number, "stage": stage, "items": items}
	if r.Order != 0 {
		order["total"] = care.Money{Amount: total, Currency: currency}.Decimal() + " " + currency
	}
	values["order"] = order
	return values, nil
}

// hands carry out what answers in call scripts lead to, each through the room that owns what it changes.
type hands struct{ a *App }

func (h hands) Do(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	switch e.Kind {
	case "customer":
		return h.customer(ctx, by, r, e)
	case "order_note":
		return h.order(ctx, by, r, commerce.ActionRequest{Kind: care.ActionNote, ActionParams: care.ActionParams{Text: e.Text}})
	case "order_status":
		return h.order(ctx, by, r, commerce.ActionRequest{Kind: care.ActionStatus, ActionParams: care.ActionParams{Status: e.Value}})
	case "order_cancel":
		return h.order(ctx, by, r, commerce.ActionRequest{Kind: care.ActionCancel, ActionParams: care.ActionParams{Reason: e.Text}})
	case "callback":
		return h.callback(ctx, by, r, e)
	case "tag":
		return h.tag(ctx, by, r, e)
	case "task":
		return h.task(ctx, by, r, e)
	}
	return care.Invalid("kind", "value_invalid")
}

func (h hands) customer(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	if r.Customer == 0 {
		return care.NotFound("customer")
	}
	ch := customer.Change{Source: "agent"}
	switch e.Field {
	case "note":
		p, err := h.a.Customers.Get(ctx, by.Scope, r.Customer)
		if err != nil {
			return err
		}
		note := strings.TrimSpace(p.Note + "\n" + e.Value) // added, never put in the place of what others wrote
		ch.Note = &note
	case "birthday":
		ch.Birthday = &e.Value
	case "language":
		ch.Language = &e.Value
	case "preferred_channel":
		ch.PreferredChannel = &e.Value
	case "do_not_call":
		ch.Consents = map[string]bool{customer.SubjectDoNotCall: !slices.Contains([]string{"no", "false", "0"}, e.Value)}
	}
	_, err := h.a.Customers.Update(ctx, by.Scope, r.Customer, ch)
	return err
}

func (h hands) order(ctx context.Context, by account.By, r know.Run, what commerce.ActionRequest) error {
	if r.Order == 0 {
		return care.NotFound("order")
	}
	_, err := h.a.Sync.Ask(ctx, by, r.Order, what)
	return err
}

func (h hands) callback(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	at := h.a.DB.Now().Add(time.Duration(max(e.Minutes, 1)) * time.Minute)
	if e.At != "" {
		local, err := time.ParseInLocation("2006-01-02T15:04", e.At, h.a.zoneOf(ctx, r.Store))
		if err != nil {
			return care.Invalid("at", "value_invalid")
		}
		at = local
	}
	got, err := h.a.Phone.AskFor(ctx, by.Actor(), phone.Asked{Store: r.Store, Trigger: phone.TriggerPromise, Customer: r.Customer, Language: r.Language,
		Conversation: r.Conversation, Order: r.Order, At: at, Note: e.Value}, by.Agent)
	if err == nil && got.Callback == 0 {
		return care.Conflict("phone.not_owed", "reason", got.Why[0].Code)
	}
	return err
}

// task makes one for a department; it is about the order where the call is about one.
func (h hands) task(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	t := work.NewTask{Store: r.Store, Title: e.Value, Department: e.Department, Order: r.Order, Customer: r.Customer}
	if e.Minutes > 0 {
		at := h.a.DB.Now().Add(time.Duration(e.Minutes) * time.Minute)
		t.Deadline = &at
	}
	_, err := h.a.Work.AddTask(ctx, by, t)
	return err
}

func (h hands) tag(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	if r.Conversation == 0 {
		return care.NotFound("conversation")
	}
	d, err := h.a.Inbox.Show(ctx, by.Scope, r.Conversation)
	if err != nil {
		return err
	}
	var tags []string
	if err := json.Unmarshal(d.Conversation.Tags, &tags); err != nil {
		return err
	}
	if slices.Contains(tags, e.Value) {
		return nil
	}
	_, err = h.a.Inbox.SetTags(ctx, by.Scope, r.Conversation, append(tags, e.Value))
	return err
}
