package post

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

const (
	sendWithin = time.Minute // one attempt, files included
	maxTries   = 12
	behind     = 5 * time.Second // looks of a send that waits for the one before it; whose end wakes it
)

// runSend makes one attempt. The job never fails by itself: what became of the attempt is in the send's row, and the next attempt is
// another job. Only an attempt whose answer couldn't be written down leaves the row in "sending"; whoever finds it so must not simply repeat it.
func (p *Post) runSend(ctx context.Context, j job.Job) (job.Done, error) {
	var w ofSend
	if err := j.Decode(&w); err != nil {
		return nil, err
	}
	now := p.db.Now()
	s, err := loadSend(ctx, p.db.Read(), w.Send)
	if err == nil && s.State == StateSending {
		// An attempt that broke off, or one that goes on: the end of the send before it may have made this job while the send's own was on its way.
		var other bool
		if other, err = job.Twin(ctx, p.db.Read(), j, now); err == nil && other {
			return p.later(s, now, behind, false), nil
		} else if err == nil {
			s, err = loadSend(ctx, p.db.Read(), w.Send) // it may have ended just before
		}
	}
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s.State != string(care.DeliveryQueued) && s.State != StateSending {
		return nil, nil
	}
	l, err := p.open(ctx, s.Connection)
	var wrong *care.Error
	switch {
	case isNotFound(err):
		return s.fail("no_connection", ""), nil
	case errors.As(err, &wrong):
		return p.later(s, now, time.Minute*5, false), nil
	case err != nil:
		return nil, err
	}
	can := l.channel.Can()
	if s.State == StateSending && !can.Deduplicates {
		return s.end(StateUnknown, "interrupted", ""), nil
	}
	if now.After(s.expiresAt.Time()) {
		return s.fail("expired", ""), nil
	}
	if !usable(l.State) {
		return p.later(s, now, 10*time.Minute, false), nil // resuming the connection wakes it
	}
	m, err := p.outbound(ctx, s)
	if err != nil {
		return s.fail("other", err.Error()), nil
	}
	code, wait, err := p.hindrance(ctx, l, s, m, now)
	switch {
	case err != nil:
		return nil, err
	case code != "":
		return s.fail(code, ""), nil
	case wait > 0:
		return p.later(s, now, wait, false), nil
	}

	// The attempt is on disk before the request is made.
	begun := false
	err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE post_sends SET state = 'sending', attempts = attempts + 1, attempted_at = $1 WHERE id = $2 AND state = $3 AND attempts = $4`,
			db.At(tx.Now), s.ID, s.State, s.Attempts)
		begun = err == nil && tag.RowsAffected() == 1
		return err
	})
	if err != nil || !begun {
		return nil, err // not begun: it was cancelled, or somebody else is at it
	}
	s.State, s.Attempts = StateSending, s.Attempts+1
	// A stop of the program waits for an attempt that has begun rather than leave it in doubt.
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	receipt, err := l.channel.Send(attempt, m)
	if err == nil {
		return p.sent(ctx, l, s, receipt), nil
	}
	return p.unsent(ctx, l, s, can, err), nil
}

// hindrance is why a send can't go out now: for good (code), or for a while.
func (p *Post) hindrance(ctx context.Context, l live, s send, m care.Outbound, now time.Time) (code string, wait time.Duration, err error) {
	q := p.db.Read()
	out, err := p.OptedOut(ctx, q, s.Store, s.Channel, s.Address)
	switch {
	case err != nil:
		return "", 0, err
	case out != "" && s.Class != ClassReply:
		return "opted_out", 0, nil
	case out == "blocked": // the service would refuse it: he has to write first
		return out, 0, nil
	}
	can := l.channel.Can()
	if can.Window > 0 && m.Template == nil {
		until, err := p.windowUntil(ctx, q, l.ID, s.Address, can.Window)
		if err != nil || !now.Before(until) {
			return "window_closed", 0, err
		}
	}
	var held db.Time
	err = q.QueryRow(ctx, `SELECT held_until_at FROM post_channels WHERE connection_id = $1`, l.ID).Scan(&held)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return "", 0, err
	}
	if wait := held.Time().Sub(now); held != 0 && wait > 0 {
		return "", wait + time.Duration(s.ID%1000)*time.Millisecond, nil
	}
	// What was written to somebody first arrives first.
	var earlier bool
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM post_sends WHERE connection_id = $1 AND address = $2 AND id < $3 AND state IN ('queued', 'sending') AND run_at <= $4)`,
		l.ID, s.Address, s.ID, db.At(now)).Scan(&earlier)
	if err != nil {
		return "", 0, err
	}
	if earlier {
		return "", behind, nil
	}
	return "", l.turn(s.ID, now, can.PerSecond), nil
}

// later puts the send off; tried tells that an attempt was made and surely failed.
func (p *Post) later(s send, now time.Time, wait time.Duration, tried bool) job.Done {
	return func(tx *db.Tx) error {
		if tried {
			tx.Defer(`UPDATE post_sends SET state = 'queued', code = $1, detail = $2 WHERE id = $3 AND state = 'sending'`, s.Code, s.Detail, s.ID)
		}
		tx.Enqueue(sending(s.Store, s.ID, now.Add(wait)))
		return nil
	}
}

// sent writes down that the service took the message.
func (p *Post) sent(ctx context.Context, l live, s send, r care.Receipt) job.Done {
	return func(tx *db.Tx) error {
		s := s
		s.State, s.Code, s.Detail, s.externalID, s.Parts = string(care.DeliverySent), "", "", r.ExternalID, int64(max(1, r.Parts))
		tx.Defer(`UPDATE post_sends SET state = 'sent', code = '', detail = '', external_id = $1, parts = $2, sent_at = $3 WHERE id = $4 AND state = 'sending'`,
			s.externalID, s.Parts, db.At(tx.Now), s.ID)
		ids := r.PartIDs
		if len(ids) == 0 && r.ExternalID != "" {
			ids = []string{r.ExternalID}
		}
		for _, id := range ids {
			tx.Defer(`INSERT INTO post_receipts (connection_id, external_id, send_id, state) VALUES ($1, $2, $3, 'sent') ON CONFLICT (connection_id, external_id) DO NOTHING`, l.ID, id, s.ID)
		}
		if r.Thread != "" && r.Thread != s.thread {
			tx.Defer(`UPDATE post_sends SET thread = $1 WHERE id = $2`, r.Thread, s.ID)
		}
		s.tell(tx)
		if err := p.next(ctx, tx, s); err != nil {
			return err
		}
		if l.State == "ok" {
			var failures int64
			err := tx.QueryRow(ctx, `SELECT failures FROM post_channels WHERE connection_id = $1`, l.ID).Scan(&failures)
			if err == nil && failures == 0 || errors.Is(err, db.ErrNoRows) {
				return nil
			}
		}
		_, err := p.note(ctx, tx, l, nil)
		return err
	}
}

// unsent weighs a failed attempt.
func (p *Post) unsent(ctx context.Context, l live, s send, can care.ChannelAbilities, cause error) job.Done {
	var rejected *care.RejectedError
	var auth *care.AuthError
	var temporary *care.TemporaryError
	switch {
	case errors.As(cause, &rejected):
		done := s.fail(rejected.Code, rejected.Detail)
		return func(tx *db.Tx) error {
			if rejected.Code == "blocked" {
				if err := p.OptOut(ctx, tx, s.Store, s.Channel, s.Address, "blocked"); err != nil {
					return err
				}
			}
			return errors.Join(done(tx), p.next(ctx, tx, s))
		}
	case errors.As(cause, &auth), errors.As(cause, &temporary), can.Deduplicates:
	default:
		done := s.end(StateUnknown, "unknown", reason(cause))
		return func(tx *db.Tx) error {
			if _, err := p.note(ctx, tx, l, cause); err != nil {
				return err
			}
			return errors.Join(done(tx), p.next(ctx, tx, s))
		}
	}
	return func(tx *db.Tx) error {
		wait, err := p.note(ctx, tx, l, cause)
		if err != nil {
			return err
		}
		wait = max(wait, backoff(s.Attempts-1))
		if temporary != nil && temporary.After > 0 {
			wait = temporary.After
			tx.Defer(`UPDATE post_channels SET held_until_at = greatest(held_until_at, $1) WHERE connection_id = $2`, db.At(tx.Now.Add(temporary.After)), l.ID)
		}
		at := tx.Now.Add(wait)
		if auth == nil && s.Attempts >= maxTries || at.After(s.expiresAt.Time()) {
			return errors.Join(s.fail("gave_up", reason(cause))(tx), p.next(ctx, tx, s))
		}
		s := s
		s.Code, s.Detail = "temporary", clip(reason(cause))
		if auth != nil {
			s.Code = "auth"
		}
		return p.later(s, tx.Now, at.Sub(tx.Now), true)(tx)
	}
}

// fail ends the send: it won't arrive.
func (s send) fail(code, detail string) job.Done {
	return s.end(string(care.DeliveryFailed), code, detail)
}

func (s send) end(state, code, detail string) job.Done {
	return func(tx *db.Tx) error {
		s := s
		s.State, s.Code, s.Detail = state, code, clip(detail)
		tx.Defer(`UPDATE post_sends SET state = $1, code = $2, detail = $3, ended_at = $4 WHERE id = $5 AND state IN ('queued', 'sending')`, s.State, s.Code, s.Detail, db.At(tx.Now), s.ID)
		s.tell(tx)
		return nil
	}
}

// next wakes the send to the same address that waited for this one.
func (p *Post) next(ctx context.Context, tx *db.Tx, s send) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT id FROM post_sends WHERE connection_id = $1 AND address = $2 AND id > $3 AND state = 'queued' AND run_at <= $4 ORDER BY id LIMIT 1`,
		s.Connection, s.Address, s.ID, db.At(tx.Now)).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	tx.Enqueue(sending(s.Store, id, tx.Now))
	return nil
}

func clip(s string) string {
	if len(s) > 500 {
		s = s[:500]
	}
	return validUTF8(s)
}
