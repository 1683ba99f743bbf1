package phone

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
)

// What may become of a caller beyond a queue's limits.
const (
	OverflowCallback  = "callback"
	OverflowHangup    = "hangup"
	OverflowQueue     = "queue"
	OverflowVoicemail = "voicemail"
	OverflowNumber    = "number"
)

// overflow does with a caller beyond the limits what the queue says. It tells whether he has left.
func (c *caller) overflow(ctx context.Context) bool {
	switch c.queue.Overflow {
	case OverflowQueue:
		if left, done := c.toQueue(ctx); done {
			return left
		}
	case OverflowHangup:
		c.leave(ctx, PromptBusy, ResultMissed)
		return true
	case OverflowVoicemail:
		c.voicemail(ctx)
		return true
	case OverflowNumber:
		c.passOut(ctx)
		return true
	}
	c.leave(ctx, PromptQueued, ResultQueued)
	return true
}

// toQueue has him wait in another queue; done is false where there is none.
func (c *caller) toQueue(ctx context.Context) (left, done bool) {
	all, err := queuesOf(ctx, c.p.db.Read(), []int64{c.queue.Store})
	if err != nil {
		return false, false
	}
	for _, other := range all {
		if other.ID != c.queue.OverflowTo {
			continue
		}
		if other.Overflow == OverflowQueue { // not round in circles
			other.Overflow = OverflowCallback
		}
		other.MaxWait = max(other.MaxWait, 60)
		c.queue = other
		err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
			if k.State != CallWaiting && k.State != CallAnnouncing {
				return nil
			}
			k.Queue = other.ID
			k.State = CallWaiting
			if k.Queued == 0 {
				k.Queued = db.At(tx.Now)
			}
			if err := k.save(ctx, tx); err != nil {
				return err
			}
			if err := c.p.callEvent(tx, care.EventCallMoved, k); err != nil {
				return err
			}
			c.p.widenLater(tx, k, other)
			return c.p.dispatch(ctx, tx, []int64{k.Store})
		})
		return err != nil, true
	}
	return false, false
}

// passOut connects him with a number outside. When nobody takes it there he is rung back.
func (c *caller) passOut(ctx context.Context) {
	var ring int64
	var own string
	allowed := false
	err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
		if k.State != CallWaiting && k.State != CallAnnouncing || k.Answered != 0 {
			return errCallMoved
		}
		set, err := settings(ctx, tx, k.Store)
		if err != nil {
			return err
		}
		ring, own = set.Policy.Ring, set.Policy.CallerID
		_, refused := c.p.outside(ctx, tx, k.Store, c.queue.OverflowNo) // the rules of dialling may have changed since the queue was set up
		allowed = refused == nil
		k.State, k.Result = CallAnnouncing, ResultQueued // should it come to nothing
		c.p.callChanged(tx, k)
		return k.save(ctx, tx)
	})
	if err != nil {
		return
	}
	c.bye.Store(true)
	if allowed {
		line, _, err := c.p.network.Dial(ctx, c.queue.Store, care.Dialing{Key: "overflow:" + itoa(c.id), To: c.queue.OverflowNo, CallerID: own, Ring: seconds(ring)})
		if err == nil && c.through(ctx, line) {
			_ = c.h.line.Hangup()
			return
		}
	}
	c.h.stage.hush()
	c.speak(ctx, PromptQueued, nil)
	_ = c.h.line.Hangup()
}

// through follows the line outside until it or the caller's ends; it tells whether they talked.
func (c *caller) through(ctx context.Context, line care.Line) (talked bool) {
	gone := c.done
	for {
		select {
		case e, open := <-line.Events():
			if !open {
				return talked
			}
			switch e.Kind {
			case care.LineAnswered:
				talked = true
				err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
					k.Result = ResultOverflow
					if err := k.save(ctx, tx); err != nil {
						return err
					}
					return c.p.callEvent(tx, care.EventCallMoved, k)
				})
				if err != nil {
					c.p.log.Error("call", "call", c.id, "err", err)
				}
				if leg, ok := line.Media().(sound.Leg); ok {
					c.h.stage.outside(leg)
				}
			case care.LineEnded:
				if talked {
					return true
				}
			}
		case <-gone: // he has hung up: so do we, and wait until that is so
			gone = nil
			_ = line.Hangup()
		}
	}
}

// outside lets a caller and somebody outside hear each other.
func (s *stage) outside(leg sound.Leg) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = true
	s.player.Stop()
	s.player.Music(nil)
	_ = s.bridge.Add(leg, sound.Agent)
}

// widenLater has a caller offered to others than his queue's own agents once he has waited as long as the queue says.
func (p *Phone) widenLater(tx *db.Tx, k *call, q Queue) {
	if q.Team != 0 && q.Widen > 0 {
		tx.Enqueue(db.Job{Store: k.Store, Kind: JobWiden, Key: itoa(k.ID), Move: true, RunAt: k.Queued.Time().Add(seconds(q.Widen)), Payload: callPayload{k.ID}})
	}
}

// widened is that time.
func (p *Phone) widened(ctx context.Context, tx *db.Tx, id int64) error {
	c, err := loadCall(ctx, tx, id, false)
	if err != nil || c.State != CallWaiting {
		return ignoreMissing(err)
	}
	return p.dispatch(ctx, tx, []int64{c.Store})
}
