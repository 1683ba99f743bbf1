package know

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Run is a script being walked through with a customer.
type Run struct {
	ID           int64             `json:"id"`
	Store        int64             `json:"store_id"`
	Script       int64             `json:"script_id"`
	Version      int64             `json:"version"`
	Customer     int64             `json:"customer_id"`
	Order        int64             `json:"order_id"`
	Conversation int64             `json:"conversation_id"`
	Call         int64             `json:"call_id"`
	Callback     int64             `json:"callback_id"`
	Agent        int64             `json:"agent_id"`
	Language     string            `json:"language"`
	Step         string            `json:"step"`
	Seq          int64             `json:"seq" doc:"Answers so far; the next answer names it"`
	Values       map[string]string `json:"values"`
	Outcome      string            `json:"outcome" doc:"Set at an end: the disposition to close with"`
	StartedAt    db.Time           `json:"started_at"`
	FinishedAt   db.Time           `json:"finished_at"`
}

// Scene is a run as the operator's screen shows it: the step with its texts filled, and what came of the answers so far.
type Scene struct {
	Run     Run        `json:"run"`
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	Say     string     `json:"say"`
	Hint    string     `json:"hint"`
	Fields  []Field    `json:"fields"`
	Answers []Choice   `json:"answers"`
	Effects []Effected `json:"effects" doc:"What the answers have led to, the latest first"`
	Steps   int64      `json:"steps" doc:"Answers that brought it here, without those that were taken back"`
	Left    int64      `json:"left" doc:"Answers that are needed at least to an end"`
}

// Effected is an effect and what came of it.
type Effected struct {
	Effect
	State  string `json:"state" enum:"queued,done,refused"`
	Reason string `json:"reason" doc:"Of a refusal: the code of an error"`
}

// Beginning says with whom a script is walked through, and about what.
type Beginning struct {
	Script       int64  `json:"script_id,omitempty" minimum:"0" doc:"Or by its purpose"`
	Purpose      string `json:"purpose,omitempty" maxLength:"40"`
	Store        int64  `json:"store_id" minimum:"1"`
	Customer     int64  `json:"customer_id,omitempty" minimum:"0"`
	Order        int64  `json:"order_id,omitempty" minimum:"0"`
	Conversation int64  `json:"conversation_id,omitempty" minimum:"0"`
	Call         int64  `json:"call_id,omitempty" minimum:"0"`
	Callback     int64  `json:"callback_id,omitempty" minimum:"0"`
	Language     string `json:"language,omitempty" maxLength:"5" doc:"Of the customer"`
}

// Begin starts a script. A call that already has an unfinished run of it goes on with that one, so that a reloaded screen finds its place.
func (k *Know) Begin(ctx context.Context, by account.By, in Beginning) (Scene, error) {
	if err := by.Check(in.Store, care.PermInboxWrite); err != nil {
		return Scene{}, err
	}
	s, err := k.wanted(ctx, by, in)
	if err != nil {
		return Scene{}, err
	}
	if err := k.within(ctx, in); err != nil {
		return Scene{}, err
	}
	var id int64
	err = k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		id = 0
		if in.Call != 0 {
			err := tx.QueryRow(ctx, `SELECT id FROM script_runs WHERE call_id = $1 AND call_id > 0 AND script_id = $2 AND store_id = $3 AND finished_at = 0 ORDER BY id DESC LIMIT 1`, in.Call, s.ID, s.Store).Scan(&id)
			if err == nil || !errors.Is(err, db.ErrNoRows) {
				return err
			}
		}
		p := s.Body.begin()
		id = tx.ID()
		_, err := tx.Exec(ctx, `INSERT INTO script_runs (id, store_id, script_id, version, customer_id, order_id, conversation_id, call_id, callback_id, agent_id, language, step, seq, vals, outcome, started_at, updated_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $15, $15, 0)`,
			id, s.Store, s.ID, s.Version, in.Customer, in.Order, in.Conversation, in.Call, in.Callback, by.Agent, in.Language, p.Step, asJSON(p.Values), p.Outcome, db.At(tx.Now))
		return err
	})
	if err != nil {
		return Scene{}, err
	}
	return k.Scene(ctx, by.Scope, id)
}

func (k *Know) wanted(ctx context.Context, by account.By, in Beginning) (Script, error) {
	id := in.Script
	if id == 0 {
		err := k.db.Read().QueryRow(ctx, `SELECT id FROM scripts WHERE store_id = $1 AND purpose = $2 AND purpose <> '' AND active`, in.Store, in.Purpose).Scan(&id)
		if err != nil {
			return Script{}, missing(err, "script")
		}
	}
	s, err := k.script(ctx, k.db.Read(), by.Scope, id, care.PermInboxWrite)
	if err == nil && (s.Store != in.Store || !s.Active) {
		return s, care.NotFound("script")
	}
	return s, err
}

// within refuses subjects of other stores.
func (k *Know) within(ctx context.Context, in Beginning) error {
	for _, s := range []struct {
		id          int64
		table, what string
	}{{in.Customer, "customers", "customer"}, {in.Order, "orders", "order"}, {in.Conversation, "conversations", "conversation"}} {
		if s.id == 0 {
			continue
		}
		var store int64
		if err := k.db.Read().QueryRow(ctx, `SELECT store_id FROM `+s.table+` WHERE id = $1`, s.id).Scan(&store); err != nil {
			return missing(err, s.what)
		}
		if store != in.Store {
			return care.NotFound(s.what)
		}
	}
	return nil
}

// Answer takes what the customer answered: it is on disk with all that follows from it before the next step is shown. seq is the number of
// answers that the operator's screen knows of: an answer that comes twice is taken once.
func (k *Know) Answer(ctx context.Context, by account.By, id, seq int64, g Given) (Scene, error) {
	r, body, _, err := k.run(ctx, k.db.Read(), by.Scope, id, care.PermInboxWrite)
	if err != nil {
		return Scene{}, err
	}
	if r.FinishedAt != 0 {
		return Scene{}, care.Conflict("script.ended")
	}
	if r.Seq == seq+1 {
		if same, err := k.answered(ctx, id, r.Seq, g); err != nil || same {
			return k.orScene(ctx, by.Scope, id, err)
		}
	}
	if r.Seq != seq {
		return Scene{}, care.Conflict("changed_meanwhile")
	}
	p, effects, err := body.next(Progress{Step: r.Step, Values: r.Values}, g)
	if err != nil {
		return Scene{}, err
	}
	values, err := k.facts(ctx, r, p.Values)
	if err != nil {
		return Scene{}, err
	}
	for n := range effects {
		if err := k.fill(&effects[n], values); err != nil {
			return Scene{}, err
		}
	}
	err = k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE script_runs SET step = $1, seq = seq + 1, vals = $2, outcome = $3, updated_at = $4, agent_id = $5 WHERE id = $6 AND seq = $7 AND finished_at = 0`,
			p.Step, asJSON(p.Values), p.Outcome, db.At(tx.Now), by.Agent, id, seq)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("changed_meanwhile")
		}
		given := g.Values
		if given == nil {
			given = map[string]string{}
		}
		tx.Defer(`INSERT INTO script_answers (run_id, seq, step, answer, vals, agent_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, seq+1, r.Step, g.Answer, asJSON(given), by.Agent, db.At(tx.Now))
		had, err := k.fresh(ctx, tx, id, slices.Clone(effects)) // of its own: a transaction may run again
		if err != nil {
			return err
		}
		for _, e := range had {
			k.cause(tx, by, r, seq+1, e)
		}
		if p.Outcome != "" {
			tx.Emit(db.Event{Store: r.Store, Type: care.EventScriptEnded, Subject: id, Payload: care.ScriptEvent{Run: id, Script: r.Script, Customer: r.Customer, Order: r.Order,
				Conversation: r.Conversation, Call: r.Call, Callback: r.Callback, Outcome: p.Outcome}})
		}
		return nil
	})
	return k.orScene(ctx, by.Scope, id, err)
}

// answered tells whether the run's latest answer is this very one.
func (k *Know) answered(ctx context.Context, run, seq int64, g Given) (bool, error) {
	var answer string
	var raw json.RawMessage
	err := k.db.Read().QueryRow(ctx, `SELECT answer, vals FROM script_answers WHERE run_id = $1 AND seq = $2`, run, seq).Scan(&answer, &raw)
	if err != nil {
		return false, err
	}
	had := map[string]string{}
	if err := json.Unmarshal(raw, &had); err != nil {
		return false, err
	}
	return answer == g.Answer && maps.Equal(had, g.Values), nil
}

func (k *Know) orScene(ctx context.Context, scope care.Scope, id int64, err error) (Scene, error) {
	if err != nil {
		return Scene{}, err
	}
	return k.Scene(ctx, scope, id)
}

// Finish closes a run, at an end or before it: the customer may hang up at any time.
func (k *Know) Finish(ctx context.Context, by account.By, id int64) error {
	r, _, _, err := k.run(ctx, k.db.Read(), by.Scope, id, care.PermInboxWrite)
	if err != nil || r.FinishedAt != 0 {
		return err
	}
	return k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tx.Defer(`UPDATE script_runs SET finished_at = $1, updated_at = $1 WHERE id = $2 AND finished_at = 0`, db.At(tx.Now), id)
		return nil
	})
}

// Scene returns a run as it is shown.
func (k *Know) Scene(ctx context.Context, scope care.Scope, id int64) (Scene, error) {
	r, body, name, err := k.run(ctx, k.db.Read(), scope, id, care.PermInboxRead)
	if err != nil {
		return Scene{}, err
	}
	values, err := k.facts(ctx, r, r.Values)
	if err != nil {
		return Scene{}, err
	}
	sc, err := k.scene(r, body, values)
	if err != nil {
		return sc, err
	}
	sc.Name = name
	trail, _, err := k.trail(ctx, k.db.Read(), id)
	if err != nil {
		return sc, err
	}
	sc.Steps = int64(len(trail))
	sc.Effects, err = k.effects(ctx, id)
	return sc, err
}

// scene fills the step where a run stands.
func (k *Know) scene(r Run, body Body, values map[string]any) (sc Scene, err error) {
	s := body.step(r.Step)
	if s == nil {
		return sc, fmt.Errorf("run %d stands at step %q, which its script doesn't have", r.ID, r.Step)
	}
	sc = Scene{Run: r, Title: s.Title.In(r.Language), Fields: s.Fields, Answers: s.Answer, Effects: []Effected{}, Steps: r.Seq, Left: body.left(r.Step)}
	if sc.Say, err = k.o.Fill.Render(s.Say.In(r.Language), values); err != nil {
		return sc, err
	}
	sc.Hint, err = k.o.Fill.Render(s.Hint.In(r.Language), values)
	if sc.Fields == nil {
		sc.Fields = []Field{}
	}
	if sc.Answers == nil {
		sc.Answers = []Choice{}
	}
	return sc, err
}

// facts are the values for texts: of the customer and the order, and what was written down.
func (k *Know) facts(ctx context.Context, r Run, written map[string]string) (map[string]any, error) {
	values, err := k.o.Facts(ctx, r, r.Language)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(written))
	for key, v := range written {
		fields[key] = v
	}
	values["field"] = fields
	return values, nil
}

// Runs lists what was said by scripts with a customer or about an order, the latest first.
func (k *Know) Runs(ctx context.Context, scope care.Scope, customer, order, before, limit int64) ([]Run, error) {
	if before == 0 {
		before = 1 << 62
	}
	where, id := `r.customer_id = $1`, customer
	if order != 0 {
		where, id = `r.order_id = $1`, order
	}
	if id == 0 {
		return nil, care.Invalid("customer_id", "required")
	}
	rows, err := k.db.Read().Query(ctx, `SELECT `+runColumns+` FROM script_runs r WHERE `+where+` AND r.store_id = ANY($2::bigint[]) AND r.id < $3 ORDER BY r.id DESC LIMIT $4`,
		id, scope.StoresWith(care.PermInboxRead, 0), before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Run{}
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

const runColumns = `r.id, r.store_id, r.script_id, r.version, r.customer_id, r.order_id, r.conversation_id, r.call_id, r.callback_id, r.agent_id, r.language, r.step, r.seq, r.vals, r.outcome, r.started_at, r.finished_at`

func scanRun(row interface{ Scan(...any) error }, more ...any) (r Run, err error) {
	var values json.RawMessage
	into := append([]any{&r.ID, &r.Store, &r.Script, &r.Version, &r.Customer, &r.Order, &r.Conversation, &r.Call, &r.Callback, &r.Agent, &r.Language, &r.Step, &r.Seq, &values, &r.Outcome, &r.StartedAt, &r.FinishedAt}, more...)
	if err = row.Scan(into...); err != nil {
		return r, err
	}
	return r, json.Unmarshal(values, &r.Values)
}

func (k *Know) run(ctx context.Context, q db.Querier, scope care.Scope, id int64, p care.Permission) (r Run, body Body, name string, err error) {
	var raw json.RawMessage
	r, err = scanRun(q.QueryRow(ctx, `SELECT `+runColumns+`, s.name, v.body FROM script_runs r JOIN scripts s ON s.id = r.script_id
JOIN script_versions v ON v.script_id = r.script_id AND v.version = r.version WHERE r.id = $1`, id), &name, &raw)
	if err != nil {
		return r, body, name, missing(err, "script_run")
	}
	if !scope.In(r.Store) {
		return Run{}, body, "", care.NotFound("script_run")
	}
	if err = scope.Check(r.Store, p); err != nil {
		return r, body, name, err
	}
	return r, body, name, json.Unmarshal(raw, &body)
}

// Rehearsal is a script walked through without a customer: nothing is written down.
type Rehearsal struct {
	Body     Body    `json:"body"`
	Language string  `json:"language" maxLength:"5"`
	Customer int64   `json:"customer_id,omitempty" minimum:"0" doc:"Whose values fill the texts; 0: an example's"`
	Order    int64   `json:"order_id,omitempty" minimum:"0"`
	Store    int64   `json:"store_id" minimum:"1"`
	Given    []Given `json:"given,omitempty" maxItems:"100" doc:"Answers so far"`
}

// Rehearse shows where a list of answers leads in a script that needn't be kept yet.
func (k *Know) Rehearse(ctx context.Context, scope care.Scope, in Rehearsal) (Scene, error) {
	if err := scope.Check(in.Store, care.PermInboxRead); err != nil {
		return Scene{}, err
	}
	if err := k.within(ctx, Beginning{Store: in.Store, Customer: in.Customer, Order: in.Order}); err != nil {
		return Scene{}, err
	}
	if err := in.Body.check(k.o.Fill); err != nil {
		return Scene{}, err
	}
	r := Run{Store: in.Store, Customer: in.Customer, Order: in.Order, Language: in.Language}
	p := in.Body.begin()
	var all []Effect
	for _, g := range in.Given {
		var some []Effect
		var err error
		if p, some, err = in.Body.next(p, g); err != nil {
			return Scene{}, err
		}
		all = append(all, some...)
	}
	r.Step, r.Values, r.Outcome, r.Seq = p.Step, p.Values, p.Outcome, int64(len(in.Given))
	values, err := k.facts(ctx, r, r.Values)
	if err != nil {
		return Scene{}, err
	}
	sc, err := k.scene(r, in.Body, values)
	if err != nil {
		return sc, err
	}
	for n := len(all) - 1; n >= 0; n-- {
		if err := k.fill(&all[n], values); err != nil {
			return sc, err
		}
		sc.Effects = append(sc.Effects, Effected{Effect: all[n], State: "queued"})
	}
	return sc, nil
}
