package know

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// ofEffect is the payload of an effect's job: who answered, so that the effect is his.
type ofEffect struct {
	Effect int64             `json:"effect_id"`
	Store  int64             `json:"store_id"`
	Agent  int64             `json:"agent_id"`
	IP     string            `json:"ip,omitempty"`
	May    []care.Permission `json:"may"`
}

// cause writes an effect down together with the job that carries it out.
func (k *Know) cause(tx *db.Tx, by account.By, r Run, seq int64, e Effect) {
	id := tx.ID()
	tx.Defer(`INSERT INTO script_effects (id, store_id, run_id, seq, effect, state, reason, created_at, done_at) VALUES ($1, $2, $3, $4, $5, 'queued', '', $6, 0)`,
		id, r.Store, r.ID, seq, asJSON(e), db.At(tx.Now))
	tx.Enqueue(db.Job{Store: r.Store, Kind: jobEffect, Payload: ofEffect{id, r.Store, by.Agent, by.IP, by.Permissions[r.Store]}})
}

// fill puts values into the texts of an effect.
func (k *Know) fill(e *Effect, values map[string]any) (err error) {
	if e.Value, err = k.o.Fill.Render(e.Value, values); err != nil {
		return err
	}
	if e.Text, err = k.o.Fill.Render(e.Text, values); err != nil {
		return err
	}
	if fields, ok := values["field"].(map[string]any); ok && e.At != "" {
		e.At, _ = fields[e.At].(string)
	}
	return nil
}

// errDone says that an earlier attempt had the effect already.
var errDone = errors.New("know: done before")

// effect carries one out. The mark that it is done commits with what the hands change, so that neither a crash nor a second attempt doubles it.
func (k *Know) effect(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofEffect
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	var run int64
	var raw json.RawMessage
	var state string
	err := k.db.Read().QueryRow(ctx, `SELECT run_id, effect, state FROM script_effects WHERE id = $1`, p.Effect).Scan(&run, &raw, &state)
	if errors.Is(err, db.ErrNoRows) || err == nil && state != "queued" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var e Effect
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, job.Discard(err)
	}
	by := account.By{Scope: care.Scope{Agent: p.Agent, Stores: []int64{p.Store}, Permissions: map[int64][]care.Permission{p.Store: p.May}}, IP: p.IP}
	r, _, _, err := k.run(ctx, k.db.Read(), by.Scope, run, care.PermInboxRead)
	if err != nil {
		return nil, err
	}
	marked := false
	err = k.o.Hands.Do(db.Along(ctx, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE script_effects SET state = 'done', done_at = $1 WHERE id = $2 AND state = 'queued'`, db.At(tx.Now), p.Effect)
		if err == nil && tag.RowsAffected() == 0 {
			return errDone
		}
		marked = true
		k.hint(tx, r)
		return err
	}), by, r, e)
	var refused *care.Error
	switch {
	case errors.Is(err, errDone):
		return nil, nil
	case errors.As(err, &refused) && refused.Kind != care.KindUnavailable:
		return func(tx *db.Tx) error {
			k.hint(tx, r)
			tx.Defer(`UPDATE script_effects SET state = 'refused', reason = $1, done_at = $2 WHERE id = $3 AND state = 'queued'`, refused.Code, db.At(tx.Now), p.Effect)
			return nil
		}, nil
	case err == nil && !marked: // the hands found nothing to change
		return func(tx *db.Tx) error {
			tx.Defer(`UPDATE script_effects SET state = 'done', done_at = $1 WHERE id = $2 AND state = 'queued'`, db.At(tx.Now), p.Effect)
			return nil
		}, nil
	}
	return nil, err
}

// hint tells the operator's screen to look again.
func (k *Know) hint(tx *db.Tx, r Run) {
	if k.o.Bus == nil {
		return
	}
	store, hint := r.Store, asJSON(map[string]any{"t": "script", "run_id": r.ID})
	tx.AfterCommit(func() { k.o.Bus.Publish("live.agents."+strconv.FormatInt(store, 10), hint) })
}

func (k *Know) effects(ctx context.Context, run int64) ([]Effected, error) {
	rows, err := k.db.Read().Query(ctx, `SELECT effect, state, reason FROM script_effects WHERE run_id = $1 ORDER BY id DESC LIMIT 100`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Effected{}
	for rows.Next() {
		var e Effected
		var raw json.RawMessage
		if err := rows.Scan(&raw, &e.State, &e.Reason); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &e.Effect); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
