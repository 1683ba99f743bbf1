package commerce

import (
	"context"
	"errors"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
)

// patience is how many failures in a row are nobody's business: shops restart, networks hiccup.
const patience = 3

// verdict is what a failure, or its absence, means for a connection.
type verdict struct {
	failures int64
	state    string // empty: as it was
	reason   string
	wait     time.Duration // before asking again
}

// judge weighs the outcome of a job against those before it.
func judge(failures int64, cause error) verdict {
	if cause == nil {
		return verdict{state: account.StateOK}
	}
	v := verdict{failures: failures + 1, reason: reason(cause)}
	var auth *care.AuthError
	var later *care.TemporaryError
	switch {
	case errors.As(cause, &auth):
		v.state, v.wait = account.StateAuthFailed, 5*time.Minute // a person has to act; but some shops refuse for a moment
		return v
	case errors.As(cause, &later):
		v.wait = max(later.After, min(15*time.Second<<min(failures, 10), 10*time.Minute))
	default:
		v.wait = min(time.Minute<<min(failures, 10), 30*time.Minute)
	}
	if v.failures >= patience {
		v.state = account.StateDegraded
	}
	return v
}

// note records how a connection fares and says how long to leave the shop alone.
func (s *Sync) note(ctx context.Context, tx *db.Tx, q *query.Queries, l live, cause error) (time.Duration, error) {
	if errors.Is(cause, context.Canceled) {
		return 0, nil // we are stopping; the shop has done nothing
	}
	row, err := q.Sync(ctx, l.ID)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	v := judge(row.Failures, cause)
	if v.failures != row.Failures {
		since := row.FailingSinceAt
		if v.failures == 0 {
			since = 0
		} else if since == 0 {
			since = db.At(tx.Now)
		}
		if err := q.NoteHealth(ctx, query.NoteHealthParams{Failures: v.failures, FailingSinceAt: since, ConnectionID: l.ID}); err != nil {
			return 0, err
		}
	}
	if cause != nil {
		s.o.Log.Warn("a shop fails", "connection", l.ID, "plug", l.Plug, "failures", v.failures, "err", cause)
	}
	if v.state == "" || v.state == account.StateOK && l.State == account.StateOK && row.Failures == 0 {
		return v.wait, nil
	}
	err = s.connections.SetConnectionState(ctx, tx, l.ID, v.state, v.reason)
	if isNotFound(err) {
		return v.wait, nil
	}
	return v.wait, err
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
