package phone

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Recording is what was recorded of a call, as it is shown.
type Recording struct {
	ID         int64   `json:"id"`
	Store      int64   `json:"store_id"`
	Call       int64   `json:"call_id"`
	Kind       string  `json:"kind" enum:"call,voicemail"`
	State      string  `json:"state" enum:"recording,ended,stored,deleted,lost" doc:"It can be heard once it is stored"`
	Agent      int64   `json:"agent_id"`
	AgentName  string  `json:"agent_name"`
	Number     string  `json:"number"`
	Paused     bool    `json:"paused"`
	Pauses     []Pause `json:"pauses" doc:"Silence by the agent's wish, while the customer told what must not be kept"`
	Broken     bool    `json:"broken" doc:"The program died while it was made: it holds what was said until then"`
	Size       int64   `json:"size"`
	LengthMS   int64   `json:"length_ms"`
	Peaks      [][]int `json:"peaks" doc:"How loud each of up to 800 equal parts is, 0..100: the customer's side, then ours"`
	StartedAt  db.Time `json:"started_at"`
	EndedAt    db.Time `json:"ended_at"`
	DeleteAt   db.Time `json:"delete_at" doc:"By the store's rule"`
	DeletedAt  db.Time `json:"deleted_at"`
	DeletedWhy string  `json:"deleted_why" enum:",retention,request"`
	DeletedBy  string  `json:"deleted_by" doc:"The agent's name"`
	Deleted    string  `json:"deleted_note" doc:"What for, in his words"`
	Customer   int64   `json:"customer_id"`
	Name       string  `json:"customer_name"`
	Direction  string  `json:"direction" enum:"in,out"`
	key        string
}

const recordingColumns = `SELECT r.id, r.store_id, r.call_id, r.kind, r.state, r.agent_id, coalesce(g.name, ''), coalesce(c.number, ''), r.paused, r.pauses, r.broken, r.size, r.length_ms, r.peaks,
r.started_at, r.ended_at, r.delete_at, r.deleted_at, r.deleted_why, coalesce(d.name, ''), r.deleted_note, coalesce(c.customer_id, 0), coalesce(k.name, ''), coalesce(c.direction, 'in'), r.blob_key
FROM recordings r LEFT JOIN agents g ON g.id = r.agent_id AND r.agent_id <> 0 LEFT JOIN agents d ON d.id = r.deleted_by AND r.deleted_by <> 0 LEFT JOIN calls c ON c.id = r.call_id LEFT JOIN customers k ON k.id = c.customer_id`

func (r *Recording) scan(row interface{ Scan(...any) error }) error {
	var pauses, peaks []byte
	err := row.Scan(&r.ID, &r.Store, &r.Call, &r.Kind, &r.State, &r.Agent, &r.AgentName, &r.Number, &r.Paused, &pauses, &r.Broken, &r.Size, &r.LengthMS, &peaks,
		&r.StartedAt, &r.EndedAt, &r.DeleteAt, &r.DeletedAt, &r.DeletedWhy, &r.DeletedBy, &r.Deleted, &r.Customer, &r.Name, &r.Direction, &r.key)
	if err != nil {
		return err
	}
	return errors.Join(json.Unmarshal(pauses, &r.Pauses), json.Unmarshal(peaks, &r.Peaks))
}

func (p *Phone) recording(ctx context.Context, id int64) (r Recording, err error) {
	return r, r.scan(p.db.Read().QueryRow(ctx, recordingColumns+` WHERE r.id = $1`, id))
}

// mayHear checks who may hear a recording: what was said with agents those who may listen to recordings, a message that a customer left also those who
// answer the telephone.
func mayHear(s care.Scope, r *Recording) error {
	if r.Kind == "voicemail" && s.In(r.Store) && s.May(r.Store, care.PermPhone) {
		return nil
	}
	return allow(s, r.Store, care.PermRecordings, "recording")
}

// Recording returns one.
func (p *Phone) Recording(ctx context.Context, s care.Scope, id int64) (Recording, error) {
	r, err := p.recording(ctx, id)
	if err != nil {
		return r, missing(err, "recording")
	}
	return r, mayHear(s, &r)
}

// Recordings lists what was recorded of a call, the first first: of those that the caller may hear.
func (p *Phone) Recordings(ctx context.Context, s care.Scope, callID int64) ([]Recording, error) {
	var store int64
	if err := p.db.Read().QueryRow(ctx, `SELECT store_id FROM calls WHERE id = $1`, callID).Scan(&store); err != nil {
		return nil, missing(err, "call")
	}
	if !s.In(store) {
		return nil, care.NotFound("call")
	}
	if !s.May(store, care.PermRecordings) && !s.May(store, care.PermPhone) {
		return nil, care.Forbidden(care.PermRecordings)
	}
	rows, err := p.db.Read().Query(ctx, recordingColumns+` WHERE r.call_id = $1 ORDER BY r.id`, callID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Recording
	for rows.Next() {
		var r Recording
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		if mayHear(s, &r) == nil {
			out = append(out, r)
		}
	}
	return out, rows.Err()
}

// RecordingFilter narrows a list of recordings.
type RecordingFilter struct {
	Store, Agent, Customer int64
	Kind                   string
	From, Until            time.Time
	Before, Limit          int64
}

// AllRecordings lists the recordings of the stores in which the caller may hear them, the latest first.
func (p *Phone) AllRecordings(ctx context.Context, s care.Scope, f RecordingFilter) (out []Recording, err error) {
	stores := s.StoresWith(care.PermRecordings, f.Store)
	if len(stores) == 0 {
		return nil, nil
	}
	q := p.db.Read()
	family := []int64{}
	if f.Customer != 0 {
		if family, err = familyOf(ctx, q, f.Customer); err != nil {
			return nil, err
		}
	}
	from, until, before := db.Time(0), db.Time(1<<62), int64(1<<62)
	if !f.From.IsZero() {
		from = db.At(f.From)
	}
	if !f.Until.IsZero() {
		until = db.At(f.Until)
	}
	if f.Before != 0 {
		before = f.Before
	}
	rows, err := q.Query(ctx, recordingColumns+` WHERE r.store_id = ANY($1::bigint[]) AND r.id < $2 AND (CAST($3 AS BIGINT) = 0 OR r.agent_id = $3) AND (CAST($4 AS BIGINT) = 0 OR c.customer_id = ANY($5::bigint[]))
AND (CAST($6 AS TEXT) = '' OR r.kind = $6) AND r.started_at >= $7 AND r.started_at < $8 ORDER BY r.id DESC LIMIT $9`, stores, before, f.Agent, f.Customer, family, f.Kind, from, until, f.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Recording
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Hearing is that somebody heard a recording.
type Hearing struct {
	ID        int64   `json:"id"`
	Recording int64   `json:"recording_id"`
	Agent     int64   `json:"agent_id"`
	AgentName string  `json:"agent_name"`
	Key       int64   `json:"key_id"`
	Download  bool    `json:"download"`
	At        db.Time `json:"at"`
}

// hearFor is how long a hearing lasts: its player may fetch parts of the sound so long without being noted again.
const hearFor = 12 * time.Hour

// Hear notes that the caller is going to hear a recording; Sound asks for it.
func (p *Phone) Hear(ctx context.Context, by account.By, id int64, download bool) (h Hearing, err error) {
	r, err := p.Recording(ctx, by.Scope, id)
	if err != nil {
		return h, err
	}
	if r.State != "stored" {
		return h, errRecordingOpen
	}
	err = p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		h = Hearing{ID: tx.ID(), Recording: id, Agent: by.Agent, Key: by.Key, Download: download, At: db.At(tx.Now)}
		action := "recording.heard"
		if download {
			action = "recording.downloaded"
		}
		p.audited(tx, by, r.Store, action, id, r.Number, nil, map[string]int64{"call_id": r.Call})
		_, err := tx.Exec(ctx, `INSERT INTO recording_hearings (id, store_id, recording_id, agent_id, key_id, download, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			h.ID, r.Store, id, h.Agent, h.Key, download, h.At)
		return err
	})
	return h, err
}

// Hearings lists who heard a recording, the latest first.
func (p *Phone) Hearings(ctx context.Context, s care.Scope, id, before, limit int64) (out []Hearing, err error) {
	r, err := p.recording(ctx, id)
	if err != nil {
		return nil, missing(err, "recording")
	}
	if err := allow(s, r.Store, care.PermRecordings, "recording"); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	rows, err := p.db.Read().Query(ctx, `SELECT h.id, h.recording_id, h.agent_id, coalesce(g.name, ''), h.key_id, h.download, h.created_at FROM recording_hearings h
LEFT JOIN agents g ON g.id = h.agent_id AND h.agent_id <> 0 WHERE h.recording_id = $1 AND h.id < $2 ORDER BY h.id DESC LIMIT $3`, id, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Hearing
		if err := rows.Scan(&h.ID, &h.Recording, &h.Agent, &h.AgentName, &h.Key, &h.Download, &h.At); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// Sound opens a recording for a hearing of the caller's; without one that still lasts it is noted as another.
func (p *Phone) Sound(ctx context.Context, by account.By, id, hearing int64, download bool) (Recording, io.ReadCloser, error) {
	r, err := p.Recording(ctx, by.Scope, id)
	if err != nil {
		return r, nil, err
	}
	var n int64
	if hearing != 0 && !download {
		err := p.db.Read().QueryRow(ctx, `SELECT count(*) FROM recording_hearings WHERE id = $1 AND recording_id = $2 AND agent_id = $3 AND key_id = $4 AND created_at > $5`,
			hearing, id, by.Agent, by.Key, db.At(p.db.Now().Add(-hearFor))).Scan(&n)
		if err != nil {
			return r, nil, err
		}
	}
	if n == 0 {
		if _, err := p.Hear(ctx, by, id, download); err != nil {
			return r, nil, err
		}
	}
	f, err := p.files.Get(ctx, r.key)
	if errors.Is(err, blob.ErrNotFound) {
		err = care.NotFound("recording")
	}
	return r, f, err
}

// DeleteRecording deletes a recording's sound, as a customer may demand. That it was there, and who deleted it, stays on record.
func (p *Phone) DeleteRecording(ctx context.Context, by account.By, id int64, note string) error {
	r, err := p.recording(ctx, id)
	if err != nil {
		return missing(err, "recording")
	}
	if err := allow(by.Scope, r.Store, care.PermSettings, "recording"); err != nil {
		return err
	}
	return p.erase(ctx, by, id, "request", clip(text.MaskCards(note), 500))
}
