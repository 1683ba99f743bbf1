package phone

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Modes of recording.
const (
	RecordOff      = "off"
	RecordAll      = "all"
	RecordOnDemand = "on_demand" // when an agent asks for it
)

// RecordingPolicy says whether, and how, a store's calls are recorded.
type RecordingPolicy struct {
	Mode     string `json:"mode" enum:"off,all,on_demand" doc:"A queue may differ"`
	Announce bool   `json:"announce" doc:"The customer is told before it begins, in his language; a call in which he can't be told isn't recorded"`
	KeepDays int64  `json:"keep_days" minimum:"0" maximum:"3650" doc:"Then the sound is deleted; 0: never. It goes for what is recorded from now on"`
}

// defaultRecording is what a store begins with: nobody is recorded unasked.
var defaultRecording = RecordingPolicy{Mode: RecordOff, Announce: true, KeepDays: 180}

// RecordingPolicyOf returns a store's.
func (p *Phone) RecordingPolicyOf(ctx context.Context, s care.Scope, store int64) (RecordingPolicy, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return RecordingPolicy{}, err
	}
	return recordingPolicy(ctx, p.db.Read(), store, 0)
}

// SetRecordingPolicy changes it. Calls that are being recorded, and recordings that are kept, stay as they are.
func (p *Phone) SetRecordingPolicy(ctx context.Context, by account.By, store int64, in RecordingPolicy) error {
	if err := by.Check(store, care.PermSettings); err != nil {
		return err
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		before, err := recordingPolicy(ctx, tx, store, 0)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO recording_policies (store_id, policy, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (store_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at`, store, asJSON(in), db.At(tx.Now))
		p.audited(tx, by, store, "recording.policy_set", store, "", before, in)
		return err
	})
}

// recordingPolicy is a store's, as a queue of it may change it.
func recordingPolicy(ctx context.Context, q db.Querier, store, queue int64) (RecordingPolicy, error) {
	out := defaultRecording
	var raw []byte
	err := q.QueryRow(ctx, `SELECT policy FROM recording_policies WHERE store_id = $1`, store).Scan(&raw)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil && !errors.Is(err, db.ErrNoRows) || queue == 0 {
		return out, ignoreNone(err)
	}
	var own string
	err = q.QueryRow(ctx, `SELECT recording FROM phone_queues WHERE id = $1 AND store_id = $2`, queue, store).Scan(&own)
	if own != "" {
		out.Mode = own
	}
	return out, ignoreNone(err)
}

func ignoreNone(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}

// Pause is a stretch of silence in a recording that was asked for.
type Pause struct {
	FromMS int64 `json:"from_ms"`
	ToMS   int64 `json:"to_ms" doc:"0: until the end"`
}

// What may be done with the recording of a call that goes on.
const (
	TapeStart  = "start"
	TapeStop   = "stop"
	TapePause  = "pause"
	TapeResume = "resume"
)

// Tape begins or ends the recording of a call by its agent's wish, or pauses it while the customer tells what must not be kept.
func (p *Phone) Tape(ctx context.Context, s care.Scope, id int64, verb string) (Call, error) {
	return p.on(ctx, s, id, func(tx *db.Tx, c *call) error {
		if c.State != CallTalking && c.State != CallHeld {
			return errCallMoved
		}
		policy, err := recordingPolicy(ctx, tx, c.Store, c.Queue)
		if err != nil {
			return err
		}
		var now int64
		var paused bool
		if err := tx.QueryRow(ctx, `SELECT id, paused FROM recordings WHERE call_id = $1 AND state = 'recording' ORDER BY id DESC LIMIT 1`, id).Scan(&now, &paused); ignoreNone(err) != nil {
			return err
		}
		switch verb {
		case TapeStart:
			if policy.Mode != RecordOnDemand || now != 0 {
				return errNotRecorded
			}
		case TapeStop:
			if policy.Mode != RecordOnDemand || now == 0 { // where everything is recorded an agent can't prevent it
				return errNotRecorded
			}
		case TapePause, TapeResume:
			if now == 0 || paused == (verb == TapePause) {
				return errNotRecorded
			}
			if _, err := tx.Exec(ctx, `UPDATE recordings SET paused = $1 WHERE id = $2`, verb == TapePause, now); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { p.ask(id, "tape "+verb) })
		return nil
	})
}

var errNotRecorded = care.Conflict("phone.not_recorded")

func pausesOf(ctx context.Context, q db.Querier, id int64) (out []Pause, err error) {
	var raw []byte
	if err := q.QueryRow(ctx, `SELECT pauses FROM recordings WHERE id = $1`, id).Scan(&raw); err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out)
}

func savePauses(ctx context.Context, tx *db.Tx, id int64, all []Pause) error {
	_, err := tx.Exec(ctx, `UPDATE recordings SET pauses = $1 WHERE id = $2`, asJSON(all), id)
	return err
}

func (p *Phone) endPause(ctx context.Context, tx *db.Tx, id int64, at time.Duration) error {
	all, err := pausesOf(ctx, tx, id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(x Pause) bool { return x.ToMS == 0 })
	if i < 0 {
		return nil
	}
	all[i].ToMS = at.Milliseconds()
	return savePauses(ctx, tx, id, all)
}

func ignoreMissing(err error) error {
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	return err
}
