package phone

import (
	"context"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// lifeLease is how long a process may be silent before its calls count as lost.
const (
	lifeLease = 30 * time.Second
	lifeBeat  = 10 * time.Second
)

// Start gives this process a life under which it holds calls, closes what earlier lives left behind, and goes on doing so.
func (p *Phone) Start(ctx context.Context) error {
	p.life = p.db.ID()
	err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		if p.db.Engine == db.SQLite { // one process: all other lives are over
			if _, err := tx.Exec(ctx, `UPDATE phone_lives SET lease_until_at = 0`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO phone_lives (id, node_id, lease_until_at) VALUES ($1, $2, $3)`, p.life, p.db.Node(), db.At(tx.Now.Add(lifeLease)))
		return err
	})
	if err != nil {
		return err
	}
	p.cancels = append(p.cancels, p.bus.Subscribe(topicLines, func(topic string, what []byte) {
		if id, err := strconv.ParseInt(strings.TrimPrefix(topic, topicLines), 10, 64); err == nil {
			p.lines.do(id, string(what))
		}
	}))
	p.cancels = append(p.cancels, p.bus.Subscribe(topicKeep, func(topic string, _ []byte) {
		if id, err := strconv.ParseInt(strings.TrimPrefix(topic, topicKeep), 10, 64); err == nil {
			p.keepHere(id)
		}
	}))
	if err := p.sweep(ctx); err != nil {
		return err
	}
	if err := p.leftovers(ctx); err != nil {
		return err
	}
	p.work.Go(p.beat)
	if err := p.openHandsets(ctx); err != nil {
		return err
	}
	if t, ok := p.network.(*Trunks); ok {
		return t.Start(p.Ring)
	}
	return nil
}

func (p *Phone) beat() {
	for {
		timer, stop := p.db.Clock.Timer(p.db.Now().Add(lifeBeat))
		select {
		case <-timer:
			stop()
		case <-p.ctx.Done():
			stop()
			return
		}
		if err := p.sweep(p.ctx); err != nil && p.ctx.Err() == nil {
			p.log.Error("calls of lost nodes", "err", err)
		}
	}
}

// sweep renews our own life and closes the calls of those that ended: what rang is unknown, what was talked on broke off.
func (p *Phone) sweep(ctx context.Context) error {
	var dead []int64
	err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		dead = nil
		if _, err := tx.Exec(ctx, `UPDATE phone_lives SET lease_until_at = $1 WHERE id = $2`, db.At(tx.Now.Add(lifeLease)), p.life); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT id FROM phone_lives WHERE lease_until_at < $1`, db.At(tx.Now))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			dead = append(dead, id)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, life := range dead {
		lost, err := callsBy(ctx, p.db.Read(), `c.life_id = $1 AND c.state NOT IN ('ended', 'wrapup') ORDER BY c.id`, life)
		if err != nil {
			return err
		}
		for _, c := range lost {
			if err := p.change(ctx, c.ID, func(tx *db.Tx, c *call) error { return p.lost(ctx, tx, c, life) }); err != nil {
				return err
			}
		}
		err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
			if err := p.orphans(ctx, tx, life); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DELETE FROM phone_lives WHERE id = $1 AND lease_until_at < $2`, life, db.At(tx.Now))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lost closes a call whose process is gone.
func (p *Phone) lost(ctx context.Context, tx *db.Tx, c *call, life int64) error {
	if c.Life != life || c.State == CallEnded || c.State == CallWrapUp {
		return nil
	}
	switch {
	case c.handed():
		return p.unanswered(ctx, tx, c, care.CauseNetwork)
	case c.Answered != 0:
		return p.ended(ctx, tx, c, ResultDropped, tx.Now.Sub(c.Answered.Time()))
	case c.Direction == "in":
		return p.unanswered(ctx, tx, c, care.CauseNetwork)
	}
	return p.ended(ctx, tx, c, ResultUnknown, 0)
}
