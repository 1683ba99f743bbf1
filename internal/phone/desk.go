package phone

import (
	"cmp"
	"context"
	"slices"
	"time"

	"opeka/internal/db"
)

// desk is who will be at the telephone, and what comes before a call that is to be promised.
type desk struct {
	There  []span        // one for each stretch of each agent
	Before []time.Time   // from when others may be rung who come first
	Each   time.Duration // what a call takes of an agent, with all around it
}

type span struct{ From, To time.Time }

// start is when somebody can be rung who may be from that time on: those before him first, each by whoever is free earliest. It isn't known where nobody comes.
func (d desk) start(from time.Time) (time.Time, bool) {
	free := make([]time.Time, len(d.There))
	for i, x := range d.There {
		free[i] = x.From
	}
	take := func(due time.Time) (at time.Time, ok bool) {
		best := -1
		for i, x := range d.There {
			t := later(free[i], due)
			if t.Before(x.To) && (!ok || t.Before(at)) {
				best, at, ok = i, t, true
			}
		}
		if ok {
			free[best] = at.Add(d.Each)
		}
		return at, ok
	}
	before := slices.Clone(d.Before)
	slices.SortFunc(before, time.Time.Compare)
	for _, due := range before {
		if due.After(from) {
			break
		}
		if _, ok := take(due); !ok {
			return from, false
		}
	}
	return take(from)
}

// Until is the latest moment at which a callback, that may be made from due on, is in time: what a shop can promise with those who will be there. A time that
// the customer named himself stands as it is.
func (s *Situation) until(due time.Time, p Policy, d desk) time.Time {
	slack := seconds(p.LateAfter)
	if !s.Promised.IsZero() && due.Equal(s.Promised) {
		return due.Add(slack)
	}
	at, known := d.start(due)
	if !known || !at.After(due) {
		return due.Add(slack)
	}
	first, _ := desk{There: d.There}.start(due) // with nobody before him
	slack = max(slack, at.Sub(later(first, due))/4)
	if moved, _ := s.earliest(p, at); moved.After(at) { // by then his evening may have begun
		at = moved
	}
	const step = 5 * time.Minute
	return at.Add(slack).Add(step - time.Nanosecond).Truncate(step)
}

const (
	deskAhead  = 26 * time.Hour      // how far it is looked ahead
	shiftsKept = 36 * 24 * time.Hour // how long it is known who was there
	aDay       = 24 * time.Hour
	aShift     = 12 * time.Hour
)

// past is a day as it was at the telephone, moved to the day that is planned.
type past struct {
	There []span
	Whole bool // it is known from its beginning on, and over
}

// ordinary is the day of the middle by how long agents were there: neither the Sunday, nor the day on which the power was out. What is known only in part counts
// where nothing else is known, the latest first.
func ordinary(days []past, from time.Time) []span {
	whole := slices.DeleteFunc(slices.Clone(days), func(d past) bool { return !d.Whole })
	if len(whole) == 0 {
		if len(days) > 0 {
			return days[0].There
		}
		return nil
	}
	end := from.Add(aShift)
	total := func(day past) (sum time.Duration) {
		for _, x := range day.There {
			if to := x.To; x.From.Before(end) {
				if to.After(end) {
					to = end
				}
				sum += to.Sub(x.From)
			}
		}
		return sum
	}
	slices.SortStableFunc(whole, func(a, b past) int { return cmp.Compare(total(a), total(b)) })
	return whole[len(whole)/2].There
}

// deskAt finds out who will be at the telephone from a moment on: who is there now, and who was there a week ago or, where that isn't known, on an ordinary day since.
func (p *Phone) deskAt(ctx context.Context, tx *db.Tx, c *callback, from time.Time) (d desk, err error) {
	now := tx.Now
	var since db.Time
	if err := tx.QueryRow(ctx, `SELECT coalesce(min(s.from_at), 0) FROM phone_shifts s JOIN memberships m ON m.agent_id = s.agent_id WHERE m.store_id = $1`, c.Store).Scan(&since); err != nil {
		return d, err
	}
	var days []past
	for _, n := range []int{7, 1, 2, 3, 4, 5, 6} { // the same day of the week first
		back := time.Duration(n) * aDay
		begin := from.Add(-back)
		day, err := shifts(ctx, tx, c.Store, begin, begin.Add(deskAhead), now)
		if err != nil {
			return d, err
		}
		for i := range day {
			day[i].From, day[i].To = day[i].From.Add(back), day[i].To.Add(back)
		}
		if len(day) == 0 {
			continue
		}
		whole := since != 0 && !since.Time().After(begin) && !begin.Add(aShift).After(now)
		if n == 7 && !whole {
			continue
		}
		days = append(days, past{day, whole})
		if n == 7 {
			break
		}
	}
	d.There = ordinary(days, from)
	crew, err := p.crew(ctx, tx, c.Store, db.At(from))
	if err != nil {
		return d, err
	}
	d.Each = crew.Each
	if from.Sub(now) < time.Hour { // who is there now is known better than who was last week
		d.There = slices.DeleteFunc(d.There, func(x span) bool { return !x.From.After(now) })
		for i := range crew.There {
			x := span{now, now.Add(2 * time.Hour)}
			if i >= crew.Free {
				x.From = now.Add(d.Each / 2)
			}
			d.There = append(d.There, x)
		}
	}
	rows, err := tx.Query(ctx, `SELECT due_at FROM callbacks WHERE store_id = $1 AND closed_at = 0 AND state IN ('waiting', 'due') AND id <> $2 AND due_at <= $3 AND reason NOT IN ('stock_gone', 'stock_promised') ORDER BY due_at DESC LIMIT 1000`, c.Store, c.ID, db.At(from))
	if err != nil {
		return d, err
	}
	defer rows.Close()
	for rows.Next() {
		var t db.Time
		if err := rows.Scan(&t); err != nil {
			return d, err
		}
		d.Before = append(d.Before, later(t.Time(), now))
	}
	return d, rows.Err()
}

// shifts are the stretches of a store's agents between two moments, cut to them.
func shifts(ctx context.Context, q db.Querier, store int64, from, to, now time.Time) ([]span, error) {
	rows, err := q.Query(ctx, `SELECT s.from_at, s.to_at FROM phone_shifts s WHERE (s.to_at = 0 OR s.to_at > $2) AND s.from_at < $3
AND EXISTS (SELECT 1 FROM memberships m WHERE m.agent_id = s.agent_id AND m.store_id = $1 AND m.role IN ('administrator', 'supervisor', 'agent'))`, store, db.At(from), db.At(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []span
	for rows.Next() {
		var a, b db.Time
		if err := rows.Scan(&a, &b); err != nil {
			return nil, err
		}
		x := span{later(a.Time(), from), now}
		if b != 0 {
			x.To = b.Time()
		}
		if x.To.After(to) {
			x.To = to
		}
		if x.To.After(x.From) {
			out = append(out, x)
		}
	}
	return out, rows.Err()
}

// atDesk keeps when an agent comes to the telephone and leaves it.
func (p *Phone) atDesk(ctx context.Context, tx *db.Tx, agent int64) error {
	var there, known bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM phone_agents a JOIN presences r ON r.agent_id = a.agent_id WHERE a.agent_id = $1 AND a.reachable AND r.state = 'ready'),
EXISTS (SELECT 1 FROM phone_shifts WHERE agent_id = $1 AND to_at = 0)`, agent).Scan(&there, &known)
	if err != nil || there == known {
		return err
	}
	if there {
		_, err = tx.Exec(ctx, `INSERT INTO phone_shifts (id, agent_id, from_at) VALUES ($1, $2, $3) ON CONFLICT (agent_id) WHERE to_at = 0 DO NOTHING`, tx.ID(), agent, db.At(tx.Now))
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE phone_shifts SET to_at = $1 WHERE agent_id = $2 AND to_at = 0`, db.At(tx.Now), agent)
	return err
}

// forgetShifts drops what is too old to tell who will be there.
func forgetShifts(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM phone_shifts WHERE to_at > 0 AND to_at < $1`, db.At(tx.Now.Add(-shiftsKept)))
	return err
}
