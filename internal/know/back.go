package know

import (
	"context"
	"encoding/json"
	"slices"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// takenBack is the answer that stands in the record for a step back. No key of an answer looks like it.
const takenBack = "<"

// given is one line of a run's record.
type given struct {
	seq    int64
	step   string
	answer string
}

// trail are the answers that count, in order, and the seqs of those that were taken back.
func (k *Know) trail(ctx context.Context, q db.Querier, run int64) (trail []given, gone []int64, err error) {
	rows, err := q.Query(ctx, `SELECT seq, step, answer FROM script_answers WHERE run_id = $1 ORDER BY seq`, run)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var g given
		if err := rows.Scan(&g.seq, &g.step, &g.answer); err != nil {
			return nil, nil, err
		}
		if n := len(trail); g.answer == takenBack && n > 0 {
			gone, trail = append(gone, trail[n-1].seq), trail[:n-1]
		} else if g.answer != takenBack {
			trail = append(trail, g)
		}
	}
	return trail, gone, rows.Err()
}

// Back takes the latest answer back, since the customer thinks better of it: the step before is shown again with what was written down. What
// the answer has led to and isn't done yet isn't done; what is done stays, and isn't done twice when the same is answered again.
func (k *Know) Back(ctx context.Context, by account.By, id, seq int64) (Scene, error) {
	r, _, _, err := k.run(ctx, k.db.Read(), by.Scope, id, care.PermInboxWrite)
	if err != nil {
		return Scene{}, err
	}
	if r.FinishedAt != 0 {
		return Scene{}, care.Conflict("script.ended")
	}
	err = k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		trail, _, err := k.trail(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(trail) == 0 {
			return care.Conflict("script.at_start")
		}
		last := trail[len(trail)-1]
		tag, err := tx.Exec(ctx, `UPDATE script_runs SET step = $1, seq = seq + 1, outcome = '', updated_at = $2, agent_id = $3 WHERE id = $4 AND seq = $5 AND finished_at = 0`, last.step, db.At(tx.Now), by.Agent, id, seq)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("changed_meanwhile")
		}
		tx.Defer(`INSERT INTO script_answers (run_id, seq, step, answer, vals, agent_id, created_at) VALUES ($1, $2, $3, $4, '{}', $5, $6)`, id, seq+1, r.Step, takenBack, by.Agent, db.At(tx.Now))
		tx.Defer(`UPDATE script_effects SET state = 'refused', reason = 'script.taken_back', done_at = $1 WHERE run_id = $2 AND seq = $3 AND state = 'queued'`, db.At(tx.Now), id, last.seq)
		k.hint(tx, r)
		return nil
	})
	return k.orScene(ctx, by.Scope, id, err)
}

// adds tells of an effect that having it twice shows: the others put a value in place of one.
func (e Effect) adds() bool {
	return e.Kind == "order_note" || e.Kind == "task" || e.Kind == "callback" || e.Kind == "customer" && e.Field == "note"
}

// fresh leaves out the effects that an answer which was taken back has had already.
func (k *Know) fresh(ctx context.Context, tx *db.Tx, run int64, effects []Effect) ([]Effect, error) {
	_, gone, err := k.trail(ctx, tx, run)
	if err != nil || len(gone) == 0 {
		return effects, err
	}
	rows, err := tx.Query(ctx, `SELECT effect FROM script_effects WHERE run_id = $1 AND seq = ANY($2::bigint[]) AND state = 'done'`, run, gone)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var had []Effect
	for rows.Next() {
		var raw json.RawMessage
		var e Effect
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		had = append(had, e)
	}
	return slices.DeleteFunc(effects, func(e Effect) bool { return e.adds() && slices.Contains(had, e) }), rows.Err()
}

// left is how many answers are needed at least from a step to an end.
func (b *Body) left(from string) int64 {
	far := map[string]int64{from: 0}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		s := b.step(todo[0])
		if s == nil || len(s.Answer) == 0 {
			return far[todo[0]]
		}
		for _, c := range s.Answer {
			if _, seen := far[c.To]; !seen {
				far[c.To] = far[todo[0]] + 1
				todo = append(todo, c.To)
			}
		}
	}
	return 0
}
