package commerce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Patch is the data of a record that says only what it says: what is missing stays as it is, null clears.
type Patch json.RawMessage

// ItemResult is what became of one item of a batch.
type ItemResult struct {
	Index      int         `json:"index"`
	Kind       string      `json:"kind"`
	ExternalID string      `json:"external_id"`
	Result     string      `json:"result"` // created, updated, unchanged, older, deleted, parked, refused
	Code       string      `json:"code,omitempty"`
	Message    string      `json:"message,omitempty"`
	Err        *care.Error `json:"-"`
}

var outcomeNames = map[outcome]string{created: "created", updated: "updated", unchanged: "unchanged", older: "older", deleted: "deleted", parkedNow: "parked"}

// Ingest applies what a shop pushed and tells of each record what became of it. Data may be a Patch.
func (m *Commerce) Ingest(ctx context.Context, conn care.Connection, records []care.Record) ([]ItemResult, error) {
	results, err := m.applyAll(ctx, conn, records, ApplyOptions{})
	if err != nil {
		return nil, err
	}
	out := make([]ItemResult, len(records))
	for i, r := range results {
		out[i] = ItemResult{Index: i, Kind: string(records[i].Kind), ExternalID: records[i].ExternalID, Result: outcomeNames[r.outcome]}
		if r.err != nil {
			out[i].Result = "refused"
			if !errors.As(r.err, &out[i].Err) {
				out[i].Err = unreadable(r.err)
			}
			out[i].Code = out[i].Err.Code
		}
	}
	return out, nil
}

// complete merges a patch with what is kept of its record, in the transaction that then writes it.
func (a *applier) complete(ctx context.Context, it item) (item, error) {
	var base json.RawMessage
	err := a.tx.QueryRow(ctx, `SELECT data FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = $3 AND NOT deleted FOR UPDATE`, a.conn.ID, string(it.Kind), it.ExternalID).Scan(&base)
	if errors.Is(err, db.ErrNoRows) {
		err = a.tx.QueryRow(ctx, `SELECT data FROM parked WHERE connection_id = $1 AND kind = $2 AND external_id = $3`, a.conn.ID, string(it.Kind), it.ExternalID).Scan(&base)
	}
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return it, err
	}
	merged, err := merge(base, json.RawMessage(it.Data.(Patch)))
	if err != nil {
		return it, err
	}
	data, err := decode(it.Kind, merged)
	if err != nil {
		return it, unreadable(err)
	}
	if s, ok := data.(*care.ShopStock); ok && s.Variant == "" {
		s.Variant, s.Location, _ = strings.Cut(it.ExternalID, "@")
	}
	r := it.Record
	r.Data = data
	whole, err := canonical(r)
	whole.index = it.index
	return whole, err
}

// checkPatch refuses fields that a kind doesn't have: a slip of the pen must not pass as "unchanged".
func checkPatch(kind care.RecordKind, patch Patch) error {
	d := json.NewDecoder(bytes.NewReader(patch))
	d.DisallowUnknownFields()
	v, err := decode(kind, []byte("{}"))
	if err == nil {
		err = d.Decode(v)
	}
	if err != nil {
		return unreadable(err)
	}
	return nil
}

// merge lays a patch over a base (RFC 7396): objects field by field, anything else as a whole.
func merge(base, patch json.RawMessage) (json.RawMessage, error) {
	var b, p any
	d := json.NewDecoder(bytes.NewReader(withoutNUL(patch)))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return nil, unreadable(err)
	}
	if _, ok := p.(map[string]any); !ok {
		return nil, care.Invalid("data", "not_object")
	}
	if len(base) > 0 { // numbers must stay exact
		d := json.NewDecoder(bytes.NewReader(base))
		d.UseNumber()
		if err := d.Decode(&b); err != nil {
			return nil, err
		}
	}
	return json.Marshal(lay(b, p))
}

func lay(base, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	b, ok := base.(map[string]any)
	if !ok {
		b = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(b, k)
			continue
		}
		b[k] = lay(b[k], v)
	}
	return b
}

// A batch is kept for a day under its keys: its Idempotency-Key, and its signature, which nobody may use twice.
const (
	keepBatches = 24 * time.Hour
	claimFor    = 10 * time.Second // a batch without an answer after this has died on the way and may be sent again; if it hasn't, both come to the same
	jobPurge    = "commerce.purge_batches"
)

// Claim is what a batch did before under one of its keys.
type Claim struct {
	Answer json.RawMessage // nil: it is new, or has died on the way
	Same   bool            // the body is the same as then
}

// ClaimBatch takes a key for a batch, or tells what was answered under it. Busy: it is being worked on right now.
func (m *Commerce) ClaimBatch(ctx context.Context, connection int64, key, bodyHash string) (c Claim, err error) {
	err = m.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: connection}, func(tx *db.Tx) error {
		c = Claim{}
		var hash string
		var answer json.RawMessage
		var at db.Time
		now := db.At(tx.Now)
		err := tx.QueryRow(ctx, `INSERT INTO ingest_batches (connection_id, key, body_hash, answer, created_at) VALUES ($1, $2, $3, 'null', $4)
ON CONFLICT (connection_id, key) DO UPDATE SET body_hash = ingest_batches.body_hash RETURNING body_hash, answer, created_at`, connection, key, bodyHash, now).Scan(&hash, &answer, &at)
		if err != nil {
			return err
		}
		c.Same = hash == bodyHash
		switch {
		case string(answer) != "null":
			c.Answer = answer
		case at == now && c.Same:
		case at.Add(claimFor) < now:
			tx.Defer(`UPDATE ingest_batches SET created_at = $1, body_hash = $2 WHERE connection_id = $3 AND key = $4`, now, bodyHash, connection, key)
		default:
			return &care.Error{Code: "ingest.busy", Kind: care.KindUnavailable}
		}
		return nil
	})
	return c, err
}

// AnswerBatch keeps the answer under the keys of a batch.
func (m *Commerce) AnswerBatch(ctx context.Context, connection int64, keys []string, answer json.RawMessage) error {
	return m.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: connection}, func(tx *db.Tx) error {
		for _, key := range keys {
			tx.Defer(`UPDATE ingest_batches SET answer = $1 WHERE connection_id = $2 AND key = $3`, answer, connection, key)
		}
		return nil
	})
}

func (m *Commerce) purgeBatches(ctx context.Context, tx *db.Tx, _ job.Job) error {
	_, err := tx.Exec(ctx, `DELETE FROM ingest_batches WHERE created_at < $1`, db.At(tx.Now.Add(-keepBatches)))
	return err
}
