package commerce

import (
	"context"
	"errors"
	"strconv"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

const (
	pollPages   = 20              // of one kind in one run
	rescanEvery = 5 * time.Minute // between looks for orders that nobody has looked at for long
	rescanBatch = 20
	youngFor    = 21 * 24 * time.Hour // after it an open order is looked at once a day
	oldEvery    = 24 * time.Hour
	// closedEvery is how old what is known of a finished order may get: a shop that deletes one for good tells nobody.
	closedEvery = 7 * 24 * time.Hour
	// hookGrace is how long a shop may take to push what a poll has found: WooCommerce's queue runs once a minute if somebody visits the shop.
	hookGrace = 10 * time.Minute
	wellFor   = time.Hour // hooks that came within it let polls slow down
)

func topicAgents(store int64) string { return "live.agents." + strconv.FormatInt(store, 10) }

// runPoll reads what has changed since the last time.
func (s *Sync) runPoll(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	l, err := s.open(ctx, p.Connection)
	if err != nil {
		return s.idle(ctx, p.Connection, j.Store, jobPoll, err)
	}
	if l.sync.Phase != phaseLive {
		return nil, nil
	}
	found, err := s.poll(ctx, l)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return s.loop(ctx, l, jobPoll, err, s.o.PollEvery, nil), nil
	}
	hookAt, err := s.latestHook(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	now := s.db.Now()
	every := s.o.PollEvery
	if !hookAt.IsZero() && now.Sub(hookAt) < wellFor && l.sync.UnhintedAt == 0 {
		every *= 3
	}
	unhinted, dead := silence(l, found, hookAt, now)
	return s.loop(ctx, l, jobPoll, nil, every, func(tx *db.Tx, q *query.Queries) error {
		if dead {
			s.o.Log.Warn("a shop's hooks have gone silent", "connection", l.ID, "since", unhinted)
			j := work(jobHooks, l.Store, l.ID, tx.Now)
			j.Move = true
			tx.Enqueue(j)
		}
		return q.NotePoll(ctx, query.NotePollParams{PolledAt: db.At(tx.Now), UnhintedAt: db.At(unhinted), ConnectionID: l.ID})
	}), nil
}

// silence tells since when polls find what hooks should have told, and whether that has lasted too long. A hook that comes clears it.
func silence(l live, found bool, hookAt, now time.Time) (since time.Time, dead bool) {
	if _, pushes := l.shop.(care.HookReceiver); !pushes || l.HookURL == "" {
		return time.Time{}, false
	}
	since = l.sync.UnhintedAt.Time()
	if !since.IsZero() && hookAt.After(since) {
		since = time.Time{}
	}
	if since.IsZero() && found {
		since = now
	}
	return since, !since.IsZero() && now.Sub(since) >= hookGrace
}

func (s *Sync) latestHook(ctx context.Context, id int64) (time.Time, error) {
	at, err := query.New(s.db.Read()).LatestHook(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, nil
	}
	return at.Time(), err
}

// poll reads all kinds to their end, or as far as one turn goes; found tells whether anything was new.
func (s *Sync) poll(ctx context.Context, l live) (found bool, err error) {
	cursors, err := query.New(s.db.Read()).Cursors(ctx, l.ID)
	if err != nil {
		return false, err
	}
	for _, c := range cursors {
		for range pollPages {
			records, cursor, more, err := l.shop.Changes(ctx, care.RecordKind(c.Kind), c.Cursor)
			if err != nil {
				return found, err
			}
			if len(records) > 0 {
				a, err := s.apply(ctx, l, records)
				if err != nil {
					return found, err
				}
				found = found || a.Created+a.Updated+a.Deleted > 0
			}
			if cursor != c.Cursor || len(records) > 0 {
				if err := s.moveCursor(ctx, l, c, cursor, true, len(records)); err != nil {
					return found, err
				}
				c.Cursor = cursor
			}
			if !more {
				break
			}
		}
	}
	return found, nil
}

// runRescan looks again at open orders that were not looked at for long: some changes (a note, a capture, a
// tracking number in some engines) move no time of modification and send no hook.
func (s *Sync) runRescan(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	l, err := s.open(ctx, p.Connection)
	if err != nil {
		return s.idle(ctx, p.Connection, j.Store, jobRescan, err)
	}
	if l.sync.Phase != phaseLive {
		return nil, nil
	}
	now := s.db.Now()
	ids, err := query.New(s.db.Read()).StaleOpenOrders(ctx, query.StaleOpenOrdersParams{
		ConnectionID: l.ID, YoungAt: db.At(now.Add(-s.o.Rescan)), PlacedAt: db.At(now.Add(-youngFor)), OldAt: db.At(now.Add(-oldEvery)), Most: rescanBatch,
	})
	if err != nil {
		return nil, err
	}
	next := rescanEvery
	open := len(ids)
	if open < rescanBatch { // what is left of the turn goes to finished ones
		if ids, err = s.staleClosed(ctx, l.ID, ids, now); err != nil {
			return nil, err
		}
	}
	var cause error
	if len(ids) > 0 {
		var records []care.Record
		if records, cause = l.shop.Fetch(ctx, care.KindOrder, ids); cause == nil {
			_, cause = s.apply(ctx, l, records)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if open == rescanBatch {
			next = 10 * time.Second // there are more; spread, so that hooks and polls keep their share
		}
	}
	return s.loop(ctx, l, jobRescan, cause, next, func(tx *db.Tx, q *query.Queries) error {
		return q.NoteRescan(ctx, query.NoteRescanParams{RescannedAt: db.At(tx.Now), ConnectionID: l.ID})
	}), nil
}

// staleClosed adds finished orders that nobody has looked at for long, as many as a turn has room for.
func (s *Sync) staleClosed(ctx context.Context, connection int64, ids []string, now time.Time) ([]string, error) {
	rows, err := s.db.Read().Query(ctx, `SELECT external_id FROM orders WHERE connection_id = $1 AND NOT open AND NOT deleted AND fetched_at < $2 ORDER BY fetched_at LIMIT $3`,
		connection, db.At(now.Add(-closedEvery)), int64(rescanBatch-len(ids)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
