package post

import (
	"context"
	"errors"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// patience is how many failures in a row are nobody's business: services restart, networks hiccup.
const patience = 3

// note records how a connection fares and says how long to leave the service alone.
func (p *Post) note(ctx context.Context, tx *db.Tx, l live, cause error) (time.Duration, error) {
	if errors.Is(cause, context.Canceled) {
		return 0, nil // we are stopping; the service has done nothing
	}
	var failures int64
	var since db.Time
	err := tx.QueryRow(ctx, `SELECT failures, failing_since_at FROM post_channels WHERE connection_id = $1`, l.ID).Scan(&failures, &since)
	if errors.Is(err, db.ErrNoRows) {
		if _, err := tx.Exec(ctx, `INSERT INTO post_channels (connection_id, store_id) VALUES ($1, $2) ON CONFLICT (connection_id) DO NOTHING`, l.ID, l.Store); err != nil {
			return 0, err
		}
	} else if err != nil {
		return 0, err
	}
	state, wait := account.StateOK, time.Duration(0)
	now := failures + 1
	var auth *care.AuthError
	var later *care.TemporaryError
	switch {
	case cause == nil:
		now, since = 0, 0
	case errors.As(cause, &auth):
		state, wait = account.StateAuthFailed, 5*time.Minute // a person has to act; but some services refuse for a moment
	case errors.As(cause, &later):
		state, wait = "", max(later.After, backoff(failures))
	default:
		state, wait = "", backoff(failures)
	}
	if now == failures && l.State == account.StateOK {
		return 0, nil
	}
	if cause != nil {
		if since == 0 {
			since = db.At(tx.Now)
		}
		if state == "" && now >= patience {
			state = account.StateDegraded
		}
		p.o.Log.Warn("a channel fails", "connection", l.ID, "plug", l.Plug, "failures", now, "err", cause)
	}
	tx.Defer(`UPDATE post_channels SET failures = $1, failing_since_at = $2 WHERE connection_id = $3`, now, since, l.ID)
	if state == "" {
		return wait, nil
	}
	why := ""
	if cause != nil {
		why = reason(cause)
	}
	err = p.connections.SetConnectionState(ctx, tx, l.ID, state, why)
	if isNotFound(err) {
		err = nil
	}
	return wait, err
}

func backoff(failures int64) time.Duration {
	return min(5*time.Second<<min(failures, 10), 10*time.Minute)
}

// reason is what an administrator reads beside the state.
func reason(err error) string {
	var auth *care.AuthError
	var later *care.TemporaryError
	switch {
	case errors.As(err, &auth):
		return auth.Cause.Error()
	case errors.As(err, &later):
		return later.Cause.Error()
	}
	return err.Error()
}

func isNotFound(err error) bool {
	var e *care.Error
	return errors.As(err, &e) && e.Kind == care.KindNotFound
}
