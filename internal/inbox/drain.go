package inbox

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
)

// waiting is an unassigned conversation whose customer waits.
type waiting struct {
	id       int64
	since    db.Time
	topic    string
	declined int64
}

// line is those of a queue who need the same: one channel, one language. They are read in pages, oldest first.
type line struct {
	queue             int64
	channel, language string
	need              need
	page              []waiting
	ended             bool
}

const linePage = 100

// Drain gives the waiting conversations of a store to the agents who are free, the oldest first over all
// queues. It is safe to run on several nodes at once: each claim compares and sets.
func (i *Inbox) Drain(ctx context.Context, store int64) error {
	q := i.db.Read()
	var ready bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM memberships m JOIN presences p ON p.agent_id = m.agent_id WHERE m.store_id = $1 AND p.state = 'ready')`, store).Scan(&ready)
	if err != nil || !ready {
		return err
	}
	lines, err := linesOf(ctx, q, store)
	if err != nil {
		return err
	}
	crew := map[string][]candidate{} // by channel
	for _, l := range lines {
		if _, known := crew[l.channel]; !known {
			if crew[l.channel], err = candidatesIn(ctx, q, store, l.channel); err != nil {
				return err
			}
		}
	}
	for {
		var first *line
		for _, l := range lines {
			// Nobody for any of them: a long line that can't be served costs nothing.
			if l.ended && len(l.page) == 0 || len(decide(l.need, crew[l.channel]).Offer) == 0 {
				continue
			}
			if len(l.page) == 0 {
				if err := l.read(ctx, q, store, waiting{}); err != nil {
					return err
				}
			}
			if len(l.page) > 0 && (first == nil || l.page[0].before(first.page[0])) {
				first = l
			}
		}
		if first == nil {
			return nil
		}
		w, err := first.take(ctx, q, store)
		if err != nil {
			return err
		}
		n := first.need
		n.Topic, n.Declined = w.topic, w.declined
		d := decide(n, crew[first.channel])
		if len(d.Offer) == 0 {
			continue
		}
		agent, full, err := i.give(ctx, w.id, d.Offer)
		if err != nil {
			return err
		}
		for n := range crew[first.channel] {
			c := &crew[first.channel][n]
			if c.Agent == agent {
				c.Open++
			} else if slices.Contains(full, c.Agent) {
				c.Open = c.Capacity // or no longer ready; the change of that brings its own Drain
			}
		}
	}
}

// linesOf finds which lines there are, by leaping from one to the next in the index.
func linesOf(ctx context.Context, q db.Querier, store int64) ([]*line, error) {
	settings, err := queuesByID(ctx, q, store)
	if err != nil {
		return nil, err
	}
	var out []*line
	at := line{queue: -1}
	for {
		var l line
		err := q.QueryRow(ctx, `SELECT queue_id, channel, language FROM conversations WHERE store_id = $1 AND assignee_id = 0 AND status = 'open' AND waiting_since_at > 0
AND (queue_id, channel, language) > ($2, $3, $4) ORDER BY queue_id, channel, language LIMIT 1`, store, at.queue, at.channel, at.language).Scan(&l.queue, &l.channel, &l.language)
		if errors.Is(err, db.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		s := settings[l.queue]
		l.need = need{Channel: l.channel, Language: l.language, Skills: s.Skills, Team: s.Team}
		out = append(out, &l)
		at = l
	}
}

// take removes the head of the line and reads on when the page is used up.
func (l *line) take(ctx context.Context, q db.Querier, store int64) (waiting, error) {
	w := l.page[0]
	l.page = l.page[1:]
	if len(l.page) > 0 || l.ended {
		return w, nil
	}
	return w, l.read(ctx, q, store, w)
}

func (w waiting) before(o waiting) bool {
	return w.since < o.since || w.since == o.since && w.id < o.id
}

func (l *line) read(ctx context.Context, q db.Querier, store int64, after waiting) error {
	rows, err := q.Query(ctx, `SELECT c.id, c.waiting_since_at, coalesce(t.name, ''), c.declined_id FROM conversations c LEFT JOIN topics t ON t.id = c.topic_id
WHERE c.store_id = $1 AND c.queue_id = $2 AND c.channel = $3 AND c.language = $4 AND c.assignee_id = 0 AND c.status = 'open' AND c.waiting_since_at > 0
AND (c.waiting_since_at, c.id) > ($5, $6) ORDER BY c.waiting_since_at, c.id LIMIT $7`, store, l.queue, l.channel, l.language, after.since, after.id, int64(linePage))
	if err != nil {
		return err
	}
	l.page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waiting, err error) {
		return w, row.Scan(&w.id, &w.since, &w.topic, &w.declined)
	})
	l.ended = len(l.page) < linePage
	return err
}

// give lets the first of the agents who still has a place take the conversation. agent is 0 when nobody
// has, or when somebody else took it; missed are those who turned out to have no place.
func (i *Inbox) give(ctx context.Context, id int64, offer []candidate) (agent int64, missed []int64, err error) {
	_, err = i.change(ctx, db.System, func(q db.Querier, lock bool) (conversation, error) { return load(ctx, q, lock, byID, id) }, func(e *edit) error {
		agent, missed = 0, nil
		if e.now.Assignee != 0 || e.now.Status != Open || e.now.WaitingSince == 0 {
			return nil
		}
		for _, c := range offer {
			got, err := e.claim(c)
			if err != nil {
				return err
			}
			if got {
				agent = c.Agent
				return nil
			}
			missed = append(missed, c.Agent)
		}
		return nil
	})
	if errors.Is(err, care.NotFound("")) {
		return 0, nil, nil
	}
	return agent, missed, err
}

// giveBack returns the unanswered conversations of an agent who has been offline for long to their queues.
func (i *Inbox) giveBack(ctx context.Context, agent int64) error {
	q := i.db.Read()
	var state string
	var since db.Time
	err := q.QueryRow(ctx, `SELECT state, since_at FROM presences WHERE agent_id = $1`, agent).Scan(&state, &since)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	if err == nil && !gone(state, since, db.At(i.db.Now())) {
		return nil
	}
	stores, err := storesOf(ctx, q, agent)
	if err != nil {
		return err
	}
	for _, store := range stores {
		his, err := ids(q.Query(ctx, `SELECT id FROM conversations WHERE store_id = $1 AND assignee_id = $2 AND status = 'open' AND waiting_since_at > 0 ORDER BY waiting_since_at, id`, store, agent))
		if err != nil {
			return err
		}
		for _, id := range his {
			_, err := i.change(ctx, db.System, func(q db.Querier, lock bool) (conversation, error) { return load(ctx, q, lock, byID, id) }, func(e *edit) error {
				if e.now.Assignee == agent && e.now.Status == Open && e.now.WaitingSince > 0 {
					e.unassign(SystemReturned)
					e.drain()
				}
				return nil
			})
			if err != nil && !errors.Is(err, care.NotFound("")) {
				return err
			}
		}
	}
	return nil
}

// ids collects a query's only column.
func ids(rows pgx.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
