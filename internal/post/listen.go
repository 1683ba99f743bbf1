package post

import (
	"context"
	"errors"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

const (
	listenFor   = 45 * time.Second // a lease
	renewEvery  = 15 * time.Second
	listenAgain = 5 * time.Second
)

// listening is a listener of this node.
type listening struct {
	version int64
	stop    context.CancelFunc
	ended   chan struct{}
	again   time.Time // not before
	fails   int64
	pushed  bool // the service pushes: nothing to listen to at this version
	began   time.Time
	well    bool // it was noted that it has held
}

// listenAll keeps the listeners of all connections open, each on one node at a time: a lease in its row says on which.
func (p *Post) listenAll(ctx context.Context) {
	mine := map[int64]*listening{}
	defer func() {
		for id, l := range mine {
			l.stop()
			<-l.ended
			p.giveUp(context.WithoutCancel(ctx), id)
		}
	}()
	for {
		if err := p.lookAfter(ctx, mine); err != nil && ctx.Err() == nil {
			p.o.Log.Error("listeners can't be looked after", "err", err)
		}
		timer, stop := p.db.Clock.Timer(p.db.Now().Add(renewEvery))
		select {
		case <-ctx.Done():
			stop()
			return
		case <-timer:
		case <-p.wake:
		}
		stop()
	}
}

func (p *Post) lookAfter(ctx context.Context, mine map[int64]*listening) error {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return err
	}
	wanted := map[int64]bool{}
	for _, c := range all {
		if p.plugs[c.Plug] == nil || c.State == account.StatePaused {
			continue
		}
		s, err := p.session(c)
		if err != nil {
			continue // shown by the job of the connection
		}
		if !listens(s.channel) {
			continue
		}
		wanted[c.ID] = true
		l := mine[c.ID]
		if l != nil && l.version != c.Version {
			l.stop()
			<-l.ended
			delete(mine, c.ID)
			l = nil
		}
		if l != nil && l.pushed {
			continue
		}
		has, err := p.lease(ctx, c.ID, c.Store)
		if err != nil {
			return err
		}
		switch {
		case !has && l != nil: // we were silent for too long and another node took over
			l.stop()
			<-l.ended
			delete(mine, c.ID)
		case has && l == nil:
			mine[c.ID] = p.startListening(ctx, live{c, s}, &listening{version: c.Version})
		case has:
			select {
			case <-l.ended:
				if !l.pushed && !p.db.Now().Before(l.again) {
					mine[c.ID] = p.startListening(ctx, live{c, s}, &listening{version: c.Version, fails: l.fails})
				}
			default:
				if !l.well && p.db.Now().Sub(l.began) >= renewEvery {
					l.well = true
					err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
						_, err := p.note(ctx, tx, live{c, s}, nil)
						return err
					})
					if err != nil {
						return err
					}
				}
			}
		}
	}
	for id, l := range mine {
		if !wanted[id] {
			l.stop()
			<-l.ended
			delete(mine, id)
			p.giveUp(ctx, id)
		}
	}
	return nil
}

func (p *Post) startListening(ctx context.Context, c live, l *listening) *listening {
	within, stop := context.WithCancel(ctx)
	l.stop, l.ended, l.began = stop, make(chan struct{}), p.db.Now()
	p.running.Go(func() {
		defer close(l.ended)
		defer stop()
		err := p.listen(within, c)
		if errors.Is(err, care.ErrPushed) {
			l.pushed = true
			return
		}
		if within.Err() != nil {
			return
		}
		if p.db.Now().Sub(l.began) > 5*time.Minute {
			l.fails = 0
		}
		wait := max(listenAgain, backoff(l.fails))
		l.fails++
		var auth *care.AuthError
		if errors.As(err, &auth) {
			wait = max(wait, 5*time.Minute)
		}
		l.again = p.db.Now().Add(wait)
		if err == nil {
			err = errors.New("the connection was closed")
		}
		if e := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
			_, err := p.note(ctx, tx, c, err)
			return err
		}); e != nil && ctx.Err() == nil {
			p.o.Log.Error("a channel's failure couldn't be noted", "connection", c.ID, "err", e)
		}
	})
	return l
}

// lease takes or renews this node's right to listen.
func (p *Post) lease(ctx context.Context, connection, store int64) (has bool, err error) {
	node := p.db.Node()
	err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO post_channels (connection_id, store_id) VALUES ($1, $2) ON CONFLICT (connection_id) DO NOTHING`, connection, store); err != nil {
			return err
		}
		expired := tx.Now
		if p.db.Engine == db.SQLite {
			expired = tx.Now.Add(2 * listenFor) // the file has one program: whoever else held the lease was killed
		}
		tag, err := tx.Exec(ctx, `UPDATE post_channels SET listener_node = $1, listener_until_at = $2 WHERE connection_id = $3 AND (listener_node = $1 OR listener_until_at < $4)`,
			node, db.At(tx.Now.Add(listenFor)), connection, db.At(expired))
		has = err == nil && tag.RowsAffected() > 0
		return err
	})
	return has, err
}

func (p *Post) giveUp(ctx context.Context, connection int64) {
	err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tx.Defer(`UPDATE post_channels SET listener_until_at = 0 WHERE connection_id = $1 AND listener_node = $2`, connection, p.db.Node())
		return nil
	})
	if err != nil {
		p.o.Log.Warn("a listener's lease couldn't be given up; it will run out", "connection", connection, "err", err)
	}
}
