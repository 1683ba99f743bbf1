package phone

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
	"opeka/internal/sound/record"
)

// tape is what a line that we hold is recorded on.
type tape struct {
	mu      sync.Mutex
	claimed bool // it is recorded, or going to be
	ended   bool // the line is gone
	id      int64
	rec     *record.Recorder
}

// claim tells whether the caller is the one who begins.
func (t *tape) claim() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.claimed || t.ended {
		return false
	}
	t.claimed = true
	return true
}

func (t *tape) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.claimed = false
}

// put gives the tape its recorder; false when the line has gone meanwhile.
func (t *tape) put(id int64, rec *record.Recorder) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	t.id, t.rec = id, rec
	return true
}

func (t *tape) get() (int64, *record.Recorder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id, t.rec
}

// take ends the use of the recorder; over says that the line is gone with it.
func (t *tape) take(over bool) (id int64, rec *record.Recorder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, rec = t.id, t.rec
	t.id, t.rec, t.claimed, t.ended = 0, nil, false, t.ended || over
	return id, rec
}

// say plays something to everybody on the stage, also while they talk.
func (s *stage) say(i sound.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player.Play(i)
}

// recordWhenDue begins to record a call if its store or queue wants that, or an agent asked for it. It returns at once.
func (p *Phone) recordWhenDue(ctx context.Context, id int64, h *held, asked bool) {
	if h.stage == nil || p.recordings == "" || !h.tape.claim() {
		return
	}
	p.lines.run(func() {
		begun, err := p.tapeCall(ctx, id, h, asked)
		if err != nil {
			p.log.Error("a call isn't recorded", "call", id, "err", err)
		}
		if !begun {
			h.tape.release()
		}
	})
}

// tapeCall tells the customer, and records from then on.
func (p *Phone) tapeCall(ctx context.Context, id int64, h *held, asked bool) (begun bool, err error) {
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil {
		return false, err
	}
	policy, err := recordingPolicy(ctx, p.db.Read(), c.Store, c.Queue)
	if err != nil || policy.Mode == RecordOff || policy.Mode == RecordOnDemand && !asked {
		return false, err
	}
	if policy.Announce {
		told, err := p.announceRecording(ctx, &c, h)
		if err != nil || !told {
			return false, err
		}
	}
	return p.beginTape(ctx, &c, h, "call", func(rec *record.Recorder) sound.Tap { return rec })
}

// announceRecording says to both that the call is recorded, unless the customer has heard it.
func (p *Phone) announceRecording(ctx context.Context, c *call, h *held) (told bool, err error) {
	var at db.Time
	if err := p.db.Read().QueryRow(ctx, `SELECT consent_at FROM calls WHERE id = $1`, c.ID).Scan(&at); err != nil || at != 0 {
		return at != 0, err
	}
	samples := p.prompt(ctx, c.Store, p.language(ctx, c.Store, c.Language), PromptConsent, nil)
	if len(samples) == 0 {
		p.log.Warn("a call isn't recorded: its customer can't be told so", "call", c.ID, "language", c.Language)
		return false, nil
	}
	for range 5 { // an agent who comes back into the call cuts short what is being said
		said := make(chan bool, 1)
		h.stage.say(sound.Item{Name: PromptConsent, Sound: samples, Done: func(_ string, whole bool) { said <- whole }})
		select {
		case told = <-said:
		case <-h.done:
			return false, nil
		}
		if told {
			return true, p.consented(ctx, c.ID)
		}
	}
	return false, nil
}

// consented notes that the customer has heard that he is recorded.
func (p *Phone) consented(ctx context.Context, id int64) error {
	return p.change(ctx, id, func(tx *db.Tx, c *call) error {
		_, err := tx.Exec(ctx, `UPDATE calls SET consent_at = $1 WHERE id = $2`, db.At(tx.Now), id)
		return err
	})
}

// beginTape writes the recording down, then makes its file, then listens: by the tap that is made of it.
func (p *Phone) beginTape(ctx context.Context, c *call, h *held, kind string, tap func(*record.Recorder) sound.Tap) (begun bool, err error) {
	id := p.db.ID()
	err = p.change(ctx, c.ID, func(tx *db.Tx, c *call) error {
		if begun = c.State != CallEnded && c.State != CallWrapUp; !begun {
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO recordings (id, store_id, call_id, kind, state, life_id, agent_id, pauses, peaks, started_at) VALUES ($1, $2, $3, $4, 'recording', $5, $6, '[]', '[]', $7)`,
			id, c.Store, c.ID, kind, p.life, c.Agent, db.At(tx.Now))
		p.recordingChanged(tx, c.Store, c.ID, id, "recording", 0)
		return err
	})
	if err != nil || !begun {
		return false, err
	}
	rec, err := record.Create(p.tapeFile(id), record.Options{})
	if err != nil {
		return false, errors.Join(err, p.tapeLost(ctx, c.ID, id))
	}
	if !h.tape.put(id, rec) {
		return false, p.closeTape(ctx, c.ID, id, rec)
	}
	// Somebody may have asked for a pause since the row was there: nothing of it may be kept.
	var paused bool
	if err := p.db.Read().QueryRow(ctx, `SELECT paused FROM recordings WHERE id = $1`, id).Scan(&paused); err != nil {
		return true, err
	}
	if paused {
		p.tapeOn(ctx, c.ID, h, TapePause)
	}
	h.stage.bridge.Record(tap(rec))
	return true, nil
}

func (p *Phone) tapeFile(id int64) string { return filepath.Join(p.recordings, itoa(id)+".wav") }

func (p *Phone) tapeLost(ctx context.Context, callID, id int64) error {
	return p.change(ctx, callID, func(tx *db.Tx, c *call) error {
		_, err := tx.Exec(ctx, `UPDATE recordings SET state = 'lost', ended_at = $1 WHERE id = $2`, db.At(tx.Now), id)
		p.recordingChanged(tx, c.Store, callID, id, "lost", 0)
		return err
	})
}

// untape ends the recording of a line; over says that the line is gone.
func (p *Phone) untape(ctx context.Context, callID int64, h *held, over bool) {
	id, rec := h.tape.take(over)
	if rec == nil {
		return
	}
	if !over {
		h.stage.bridge.Record(nil)
	}
	if err := p.closeTape(ctx, callID, id, rec); err != nil {
		p.log.Error("a recording couldn't be closed: the next start repairs it", "recording", id, "err", err)
	}
}

func (p *Phone) closeTape(ctx context.Context, callID, id int64, rec *record.Recorder) error {
	sum, err := rec.Close()
	return errors.Join(err, p.change(ctx, callID, func(tx *db.Tx, c *call) error {
		policy, err := recordingPolicy(ctx, tx, c.Store, 0)
		if err != nil {
			return err
		}
		if err := p.endPause(ctx, tx, id, sum.Length); err != nil {
			return err
		}
		return p.tapeEnded(ctx, tx, c.Store, callID, id, sum.Length, policy, false)
	}))
}

// tapeEnded hands a recording to the job that keeps it.
func (p *Phone) tapeEnded(ctx context.Context, tx *db.Tx, store, callID, id int64, length time.Duration, policy RecordingPolicy, broken bool) error {
	until := db.Time(0)
	if policy.KeepDays > 0 {
		until = db.At(tx.Now.AddDate(0, 0, int(policy.KeepDays)))
	}
	tag, err := tx.Exec(ctx, `UPDATE recordings SET state = 'ended', paused = FALSE, broken = $1, length_ms = $2, ended_at = $3, delete_at = $4 WHERE id = $5 AND state = 'recording'`,
		broken, length.Milliseconds(), db.At(tx.Now), until, id)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	p.recordingChanged(tx, store, callID, id, "ended", length)
	tx.Enqueue(db.Job{Store: store, Kind: JobKeep, Key: itoa(id), Payload: recordingPayload{id}, MaxAttempts: keepAttempts + 1})
	return nil
}

type recordingPayload struct {
	Recording int64 `json:"recording_id"`
}

// recordingChanged tells the screens and whoever listens.
func (p *Phone) recordingChanged(tx *db.Tx, store, callID, id int64, state string, at time.Duration) {
	tx.Emit(db.Event{Store: store, Type: care.EventCallRecording, Subject: callID, Payload: care.RecordingEvent{Call: callID, Recording: id, State: state, AtMS: at.Milliseconds()}})
	p.hint(tx, store, map[string]any{"t": "call.recording", "call_id": callID, "recording_id": id, "state": state})
}

// tapeOn does on a line what Tape asked.
func (p *Phone) tapeOn(ctx context.Context, callID int64, h *held, verb string) {
	var err error
	id, rec := h.tape.get()
	switch {
	case verb == TapeStart:
		p.recordWhenDue(ctx, callID, h, true)
	case rec == nil:
	case verb == TapeStop:
		p.untape(ctx, callID, h, false)
	case verb == TapePause:
		at := rec.Pause()
		err = p.change(ctx, callID, func(tx *db.Tx, c *call) error {
			pauses, err := pausesOf(ctx, tx, id)
			if err != nil || slices.ContainsFunc(pauses, func(x Pause) bool { return x.ToMS == 0 }) {
				return err
			}
			p.recordingChanged(tx, c.Store, callID, id, "paused", at)
			return savePauses(ctx, tx, id, append(pauses, Pause{FromMS: at.Milliseconds()}))
		})
	case verb == TapeResume:
		at := rec.Resume()
		err = p.change(ctx, callID, func(tx *db.Tx, c *call) error {
			p.recordingChanged(tx, c.Store, callID, id, "recording", at)
			return p.endPause(ctx, tx, id, at)
		})
	}
	if err != nil {
		p.log.Error("a pause isn't noted", "recording", id, "err", err)
	}
}

// consent tells a caller before he waits that he will be recorded, where all calls are.
func (c *caller) consent(ctx context.Context, store int64) {
	policy, err := recordingPolicy(ctx, c.p.db.Read(), store, c.queue.ID)
	if err != nil || policy.Mode != RecordAll || !policy.Announce || c.h.stage == nil || c.p.recordings == "" {
		return
	}
	samples := c.p.prompt(ctx, store, c.lang, PromptConsent, nil)
	said := make(chan bool, 1)
	if len(samples) == 0 || !c.h.stage.announce(sound.Item{Name: PromptConsent, Sound: samples, Pause: 300 * time.Millisecond, Done: func(_ string, whole bool) { said <- whole }}) {
		return
	}
	select {
	case whole := <-said:
		if whole {
			err = c.p.consented(ctx, c.id)
		}
	case <-c.done:
	}
	if err != nil {
		c.p.log.Error("call", "call", c.id, "err", err)
	}
}
