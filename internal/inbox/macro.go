package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
	"opeka/messages"
)

const (
	maxMacros    = 500 // of a store: they are listed whole, to be chosen from while writing
	maxMacroBody = 5000
)

// Macro is a saved reply of a store.
type Macro struct {
	ID        int64             `json:"id"`
	Store     int64             `json:"store_id"`
	Name      string            `json:"name"`
	Bodies    map[string]string `json:"bodies" doc:"By language; places such as {customer.first_name} or {order.tracking|soon} are filled from the conversation"`
	UpdatedAt db.Time           `json:"updated_at"`
}

// Macros returns the saved replies of the stores that the caller may read.
func (i *Inbox) Macros(ctx context.Context, scope care.Scope, store int64) ([]Macro, error) {
	return macrosOf(ctx, i.db.Read(), scope.StoresWith(care.PermInboxRead, store))
}

func macrosOf(ctx context.Context, q db.Querier, stores []int64) ([]Macro, error) {
	rows, err := query.New(q).MacrosOf(ctx, stores)
	if err != nil {
		return nil, err
	}
	out := make([]Macro, len(rows))
	for n, r := range rows {
		if out[n], err = macroFrom(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func macroFrom(r query.Macro) (Macro, error) {
	m := Macro{ID: r.ID, Store: r.StoreID, Name: r.Name, UpdatedAt: r.UpdatedAt}
	return m, json.Unmarshal(r.Bodies, &m.Bodies)
}

// AddMacro saves a reply.
func (i *Inbox) AddMacro(ctx context.Context, scope care.Scope, m Macro) (Macro, error) {
	if err := scope.Check(m.Store, care.PermSettings); err != nil {
		return Macro{}, err
	}
	if err := m.check(); err != nil {
		return Macro{}, err
	}
	err := i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		q := query.New(tx)
		n, err := q.CountMacros(ctx, m.Store)
		if err != nil {
			return err
		}
		if n >= maxMacros {
			return care.Invalid("name", "too_many_items", "max", maxMacros)
		}
		m.ID, m.UpdatedAt = tx.ID(), db.At(tx.Now)
		return q.InsertMacro(ctx, query.InsertMacroParams{ID: m.ID, StoreID: m.Store, Name: m.Name, Bodies: m.json(), CreatedAt: m.UpdatedAt})
	})
	return m, taken(err, "name")
}

// ChangeMacro changes a saved reply.
func (i *Inbox) ChangeMacro(ctx context.Context, scope care.Scope, id int64, change func(*Macro)) (Macro, error) {
	m, err := i.macro(ctx, scope, id)
	if err != nil {
		return Macro{}, err
	}
	change(&m)
	if err := m.check(); err != nil {
		return Macro{}, err
	}
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		m.UpdatedAt = db.At(tx.Now)
		n, err := query.New(tx).UpdateMacro(ctx, query.UpdateMacroParams{Name: m.Name, Bodies: m.json(), UpdatedAt: m.UpdatedAt, ID: id})
		if err == nil && n == 0 {
			return care.NotFound("macro")
		}
		return err
	})
	return m, taken(err, "name")
}

// RemoveMacro deletes a saved reply; what was sent with it stays.
func (i *Inbox) RemoveMacro(ctx context.Context, scope care.Scope, id int64) error {
	if _, err := i.macro(ctx, scope, id); err != nil {
		return err
	}
	return i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error { return query.New(tx).DeleteMacro(ctx, id) })
}

// macro returns one for changing.
func (i *Inbox) macro(ctx context.Context, scope care.Scope, id int64) (Macro, error) {
	row, err := query.New(i.db.Read()).Macro(ctx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && !scope.In(row.StoreID) {
		return Macro{}, care.NotFound("macro")
	}
	if err != nil {
		return Macro{}, err
	}
	if err := scope.Check(row.StoreID, care.PermSettings); err != nil {
		return Macro{}, err
	}
	return macroFrom(row)
}

// check refuses what couldn't be filled: whoever saves a reply learns of a slip, not the customer.
func (m *Macro) check() error {
	if m.Name = strings.TrimSpace(m.Name); m.Name == "" {
		return care.Invalid("name", "required")
	}
	if err := checkText("name", m.Name, 80); err != nil {
		return err
	}
	clean := map[string]string{}
	for lang, body := range m.Bodies {
		field := "bodies." + lang
		if !slices.Contains(messages.Languages, lang) {
			return care.Invalid("bodies", "value_invalid")
		}
		if body = strings.TrimSpace(body); body == "" {
			continue
		}
		if err := checkText(field, body, maxMacroBody); err != nil {
			return err
		}
		for _, p := range places(body) {
			if !slices.Contains(MacroVariables, p.name) {
				return care.Invalid(field, "macro.unknown_variable", "name", "{"+p.name+"}")
			}
		}
		clean[lang] = body
	}
	if len(clean) == 0 {
		return care.Invalid("bodies", "required")
	}
	m.Bodies = clean
	return nil
}

func (m *Macro) json() []byte {
	b, _ := json.Marshal(m.Bodies) // strings only
	return b
}
