package phone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/sound/wav"
)

const (
	topicKeep = "phone.keep."
	// A recording lies on the disk of the node that made it: as long as that may take to come back, it is waited for.
	keepAttempts = 240
	keepAgain    = 30 * time.Second
	shapeParts   = 800
)

// keep is the job that brings an ended recording to where files are kept. On a node that doesn't have it it calls the one that does.
func (p *Phone) keepRecording(ctx context.Context, j job.Job) (job.Done, error) {
	var in recordingPayload
	if err := j.Decode(&in); err != nil {
		return nil, err
	}
	done, err := p.stow(ctx, in.Recording)
	if !errors.Is(err, os.ErrNotExist) {
		return done, err
	}
	if j.Attempt >= keepAttempts {
		return func(tx *db.Tx) error { return p.tapeGone(ctx, tx, in.Recording) }, nil
	}
	p.bus.Publish(topicKeep+itoa(in.Recording), nil)
	return nil, job.After(keepAgain, err)
}

// keepHere does the same for a recording that another node was told to keep and doesn't have.
func (p *Phone) keepHere(id int64) {
	if _, err := os.Stat(p.tapeFile(id)); err != nil || p.recordings == "" {
		return
	}
	p.work.Go(func() {
		done, err := p.stow(p.ctx, id)
		if err == nil && done != nil {
			err = p.db.Write(p.ctx, db.System, done)
		}
		if err != nil && p.ctx.Err() == nil {
			p.log.Error("a recording isn't kept yet", "recording", id, "err", err)
		}
	})
}

// stow puts a recording among the files. It may be done again at any point: the row says what is so. os.ErrNotExist: it isn't on this machine.
func (p *Phone) stow(ctx context.Context, id int64) (job.Done, error) {
	r, err := p.recording(ctx, id)
	if err != nil || r.State != "ended" {
		return nil, ignoreNone(err)
	}
	if p.recordings == "" {
		return nil, os.ErrNotExist
	}
	path := p.tapeFile(id)
	if said, err := p.isMessage(ctx, &r); err != nil || !said {
		return func(tx *db.Tx) error {
			tx.AfterCommit(func() { _ = os.Remove(path) })
			_, err := tx.Exec(ctx, `DELETE FROM recordings WHERE id = $1 AND state = 'ended'`, id)
			return err
		}, err
	}
	if _, err := wav.Repair(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	shape, err := wav.Shaped(f, shapeParts)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	key := "recordings/" + r.StartedAt.Time().UTC().Format("2006/01/02/") + itoa(id) + ".wav"
	if err := p.files.Put(ctx, key, f, info.Size(), "audio/wav"); err != nil {
		return nil, fmt.Errorf("phone: recording %d: %w", id, err)
	}
	return func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE recordings SET state = 'stored', blob_key = $1, size = $2, length_ms = $3, peaks = $4, stored_at = $5 WHERE id = $6 AND state = 'ended'`,
			key, info.Size(), shape.Length.Milliseconds(), asJSON(shape.Peaks), db.At(tx.Now), id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE calls SET recording = $1 WHERE id = $2`, key, r.Call); err != nil {
			return err
		}
		tx.Emit(db.Event{Store: r.Store, Type: care.EventCallRecorded, Subject: r.Call, Payload: care.RecordingEvent{Call: r.Call, Recording: id, State: "stored"}})
		p.hint(tx, r.Store, map[string]any{"t": "call.recording", "call_id": r.Call, "recording_id": id, "state": "stored"})
		tx.AfterCommit(func() { _ = os.Remove(path) }) // what is left of it after a crash, Start removes
		return nil
	}, nil
}

// isMessage tells whether there is something to keep: a caller may have said nothing after the tone.
func (p *Phone) isMessage(ctx context.Context, r *Recording) (bool, error) {
	if r.Kind != "voicemail" {
		return true, nil
	}
	c, err := loadCall(ctx, p.db.Read(), r.Call, false)
	if err == nil && c.State == CallAnnouncing { // its end isn't written yet, and with it what it was
		err = job.After(time.Second, errCallMoved)
	}
	return c.Result == ResultVoicemail, err
}

func (p *Phone) tapeGone(ctx context.Context, tx *db.Tx, id int64) error {
	var store, callID int64
	err := tx.QueryRow(ctx, `SELECT store_id, call_id FROM recordings WHERE id = $1 AND state = 'ended'`, id).Scan(&store, &callID)
	if err != nil {
		return ignoreNone(err)
	}
	p.recordingChanged(tx, store, callID, id, "lost", 0)
	_, err = tx.Exec(ctx, `UPDATE recordings SET state = 'lost' WHERE id = $1`, id)
	return err
}

// orphans hands the recordings of lives that are over to the job that keeps them: what was written until then is in their files.
func (p *Phone) orphans(ctx context.Context, tx *db.Tx, life int64) error {
	rows, err := tx.Query(ctx, `SELECT id, store_id, call_id FROM recordings WHERE state = 'recording' AND life_id = $1`, life)
	if err != nil {
		return err
	}
	type orphan struct{ id, store, call int64 }
	var all []orphan
	for rows.Next() {
		var o orphan
		if err := rows.Scan(&o.id, &o.store, &o.call); err != nil {
			rows.Close()
			return err
		}
		all = append(all, o)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, o := range all {
		policy, err := recordingPolicy(ctx, tx, o.store, 0)
		if err != nil {
			return err
		}
		if err := p.tapeEnded(ctx, tx, o.store, o.call, o.id, 0, policy, true); err != nil {
			return err
		}
	}
	return nil
}

// leftovers looks through this machine's folder at the start: what is kept already goes, and what was given up because this machine was away is kept after all.
func (p *Phone) leftovers(ctx context.Context) error {
	if p.recordings == "" {
		return nil
	}
	if err := os.MkdirAll(p.recordings, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.recordings)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), ".wav"), 10, 64)
		if err != nil || !strings.HasSuffix(e.Name(), ".wav") {
			continue
		}
		r, err := p.recording(ctx, id)
		switch {
		case errors.Is(err, db.ErrNoRows):
			continue // of another database: not ours to delete
		case err != nil:
			return err
		case r.State == "stored" || r.State == "deleted":
			_ = os.Remove(filepath.Join(p.recordings, e.Name()))
		case r.State == "lost":
			err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
				tx.Enqueue(db.Job{Store: r.Store, Kind: JobKeep, Key: itoa(id), Payload: recordingPayload{id}, MaxAttempts: keepAttempts + 1})
				_, err := tx.Exec(ctx, `UPDATE recordings SET state = 'ended' WHERE id = $1 AND state = 'lost'`, id)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// expire deletes the recordings whose time is over.
func (p *Phone) expire(ctx context.Context, _ job.Job) (job.Done, error) {
	if err := p.db.Write(ctx, db.System, func(tx *db.Tx) error { return errors.Join(forgetShifts(ctx, tx), forgetAskings(ctx, tx)) }); err != nil {
		return nil, err
	}
	for {
		rows, err := p.db.Read().Query(ctx, `SELECT id FROM recordings WHERE state = 'stored' AND delete_at > 0 AND delete_at <= $1 ORDER BY delete_at, id LIMIT 100`, db.At(p.db.Now()))
		if err != nil {
			return nil, err
		}
		var due []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return nil, err
			}
			due = append(due, id)
		}
		rows.Close()
		if err := rows.Err(); err != nil || len(due) == 0 {
			return nil, err
		}
		for _, id := range due {
			if err := p.erase(ctx, account.By{}, id, "retention", ""); err != nil {
				return nil, err
			}
		}
	}
}

// erase deletes a recording's sound and says in its row that, when and why. The sound goes first: a row that is left after a crash leads to another
// attempt, a sound that is left would lie there for ever.
func (p *Phone) erase(ctx context.Context, by account.By, id int64, reason, note string) error {
	r, err := p.recording(ctx, id)
	if err != nil {
		return err
	}
	if r.State != "stored" {
		return errRecordingOpen
	}
	if err := p.files.Delete(ctx, r.key); err != nil {
		return err
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE recordings SET state = 'deleted', blob_key = '', peaks = '[]', deleted_at = $1, deleted_why = $2, deleted_by = $3, deleted_note = $4 WHERE id = $5 AND state = 'stored'`, db.At(tx.Now), reason, by.Agent, note, id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE calls SET recording = '' WHERE id = $1 AND recording = $2`, r.Call, r.key); err != nil {
			return err
		}
		p.recordingChanged(tx, r.Store, r.Call, id, "deleted", 0)
		p.audited(tx, by, r.Store, "recording.deleted", id, "", nil, map[string]any{"call_id": r.Call, "reason": reason, "note": note})
		return nil
	})
}

var errRecordingOpen = care.Conflict("phone.recording_open")

func (p *Phone) audited(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any) {
	if p.audit != nil {
		p.audit(tx, by, store, action, subject, name, before, after)
	}
}
