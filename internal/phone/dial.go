package phone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// attempt writes down that the customer is going to be rung, and makes the job that does it: written first, so that no crash can make it happen unseen.
func (p *Phone) attempt(ctx context.Context, tx *db.Tx, c *callback, pol Policy) error {
	if err := p.noteLate(ctx, tx, c); err != nil { // it may have become so while an agent looked at it
		return err
	}
	id := tx.ID()
	_, err := tx.Exec(ctx, `INSERT INTO calls (id, store_id, direction, state, number, own_number, display, customer_id, conversation_id, callback_id, agent_id, language, created_at)
VALUES ($1, $2, 'out', 'written', $3, $4, $5, $6, $7, $8, $9, $10, $11)`, id, c.Store, c.Number, pol.CallerID, c.Name, c.Customer, c.Conversation, c.ID, c.Agent, c.Language, db.At(tx.Now))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'reserved', call_id = $1, until_at = 0 WHERE agent_id = $2 AND callback_id = $3`, id, c.Agent, c.ID); err != nil {
		return err
	}
	c.State, c.Reason, c.Call = Reserved, "reserved", id
	tx.Enqueue(db.Job{Store: c.Store, Kind: JobDial, Payload: callPayload{id}, MaxAttempts: 5})
	return c.save(ctx, tx)
}

type callPayload struct {
	Call int64 `json:"call_id"`
}

// dial is the job that rings the customer. Only the first to turn the call from written to dialing may: a job that comes again finds an attempt whose
// outcome nobody knows, which the sweep of dead lives closes.
func (p *Phone) dial(ctx context.Context, j job.Job) (job.Done, error) {
	var in callPayload
	if err := j.Decode(&in); err != nil {
		return nil, err
	}
	var c call
	begun, ring, patience, device := false, int64(0), int64(0), ""
	err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		var err error
		begun = false
		if c, err = loadCall(ctx, tx, in.Call, true); err != nil || c.State != CallWritten {
			return err
		}
		set, err := settings(ctx, tx, c.Store)
		if err != nil {
			return err
		}
		ring, patience = set.Policy.Ring, set.Policy.Offer
		if device, err = deviceOf(ctx, tx, c.Agent); err != nil {
			return err
		}
		here, err := p.kept(ctx, tx, &c)
		if err != nil {
			return err
		}
		if !here {
			return p.ended(ctx, tx, &c, ResultAgentDeclined, 0)
		}
		if allowed, err := p.mayRing(ctx, tx, &c); err != nil || !allowed {
			return err
		}
		c.State, c.Life = CallDialing, p.life
		if err := c.save(ctx, tx); err != nil {
			return err
		}
		begun = true
		if err := p.callEvent(tx, care.EventCallStarted, &c); err != nil {
			return err
		}
		return p.carry(ctx, tx, &c, func(cb *callback) error {
			cb.State, cb.Reason = Dialing, "dialing"
			p.changed(tx, cb)
			return cb.save(ctx, tx)
		})
	})
	if errors.Is(err, care.NotFound("")) {
		return nil, nil
	}
	if err != nil || !begun {
		return nil, err
	}
	if device == "" {
		return nil, p.rings(ctx, &c, seconds(ring), nil)
	}
	// An agent at a telephone of his own takes that off first; it would hold up the others' calls to wait for him here.
	p.lines.run(func() {
		ctx := context.WithoutCancel(p.ctx)
		x, lifted := p.callByPhone(ctx, &c, device, seconds(patience))
		var err error
		if lifted {
			err = p.rings(ctx, &c, seconds(ring), x)
		} else {
			err = p.change(ctx, c.ID, func(tx *db.Tx, c *call) error {
				if err := p.unreachable(ctx, tx, c.Agent, "no_reply"); err != nil {
					return err
				}
				return p.ended(ctx, tx, c, ResultAgentDeclined, 0)
			})
		}
		if err != nil {
			p.log.Error("call", "call", c.ID, "err", err)
		}
	})
	return nil, nil
}

// rings asks the network to ring the customer; x is the agent's own telephone, if he talks by one.
func (p *Phone) rings(ctx context.Context, c *call, ring time.Duration, x *extension) error {
	line, connection, err := p.network.Dial(ctx, c.Store, care.Dialing{Key: itoa(c.ID), To: c.Number, CallerID: c.Own, Ring: ring})
	if err != nil {
		p.log.Warn("no trunk took a call", "call", c.ID, "store", c.Store, "err", err)
		if x != nil {
			x.leaveWaiting()
			_ = x.line.Hangup()
		}
		return p.change(ctx, c.ID, func(tx *db.Tx, c *call) error { return p.ended(ctx, tx, c, ResultNetwork, 0) })
	}
	p.hold(c.ID, connection, line, c.Agent, x)
	return nil
}

// kept tells whether the agent for whom the call was written is still there for it.
func (p *Phone) kept(ctx context.Context, tx *db.Tx, c *call) (bool, error) {
	if c.Agent == 0 {
		return true, nil
	}
	var n int64
	err := tx.QueryRow(ctx, `SELECT count(*) FROM phone_agents a JOIN presences p ON p.agent_id = a.agent_id WHERE a.agent_id = $1 AND a.call_id = $2 AND p.state <> 'offline'`, c.Agent, c.ID).Scan(&n)
	return n > 0, err
}

// mayRing tells whether what the call was written for still holds: a program that was down between writing it and ringing may have come up at night. If not,
// the call is closed without an attempt, and its callback planned anew.
func (p *Phone) mayRing(ctx context.Context, tx *db.Tx, c *call) (bool, error) {
	ok := true
	err := p.carry(ctx, tx, c, func(cb *callback) error {
		plan, err := p.still(ctx, tx, cb)
		if err != nil || plan.State == Due {
			return err
		}
		ok = false
		decided(tx, cb, plan.Why, db.At(plan.At))
		return p.ended(ctx, tx, c, ResultAgentDeclined, 0)
	})
	return ok, err
}

// carry does something to the callback that a call belongs to, if it belongs to one that still means this call.
func (p *Phone) carry(ctx context.Context, tx *db.Tx, c *call, do func(*callback) error) error {
	if c.Callback == 0 {
		return nil
	}
	cb, err := loadCallback(ctx, tx, c.Callback, true)
	if err != nil || cb.Call != c.ID || cb.State.Closed() {
		return err
	}
	return do(&cb)
}

// change reads a call under its lock, lets fn change it and saves what fn saved. What this process learned from the network must get into the
// database: a refusal of the database is tried again for a while.
func (p *Phone) change(ctx context.Context, id int64, fn func(tx *db.Tx, c *call) error) (err error) {
	for try := range 10 {
		err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
			c, err := loadCall(ctx, tx, id, true)
			if err != nil {
				return err
			}
			return fn(tx, &c)
		})
		var refused *care.Error
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(50 * time.Millisecond << min(try, 6))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return err
}

// heard is what the network says of a line that we hold.
func (p *Phone) heard(ctx context.Context, id int64, e care.LineEvent) error {
	return p.change(ctx, id, func(tx *db.Tx, c *call) error {
		if c.State == CallEnded || c.State == CallWrapUp {
			return nil
		}
		switch e.Kind {
		case care.LineRinging:
			if c.State == CallDialing {
				c.State, c.Rang = CallRinging, db.At(tx.Now)
				p.callChanged(tx, c)
				return c.save(ctx, tx)
			}
		case care.LineAnswered:
			if c.Direction == "out" && c.Picked == 0 {
				return p.picked(ctx, tx, c)
			}
		case care.LineEnded:
			c.Code = int64(e.Code)
			return p.over(ctx, tx, c, e.Cause)
		}
		return nil
	})
}

// picked joins the agent: he was reserved for this.
func (p *Phone) picked(ctx context.Context, tx *db.Tx, c *call) error {
	c.State, c.Picked, c.Answered = CallTalking, db.At(tx.Now), db.At(tx.Now)
	c.Counts = true
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	if c.Agent != 0 {
		if _, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'talking', since_at = $1 WHERE agent_id = $2 AND call_id = $3`, db.At(tx.Now), c.Agent, c.ID); err != nil {
			return err
		}
		p.agentChanged(ctx, tx, c.Agent, "talking")
		p.hintAgent(tx, c.Agent, map[string]any{"t": "phone", "event": "answered", "call_id": c.ID, "callback_id": c.Callback})
	}
	if err := p.callEvent(tx, care.EventCallAnswered, c); err != nil {
		return err
	}
	return p.carry(ctx, tx, c, func(cb *callback) error {
		cb.State, cb.Reason = Talking, "talking"
		cb.Attempts++
		decided(tx, cb, why("talking"), 0)
		p.changed(tx, cb)
		return cb.save(ctx, tx)
	})
}

// over says what the end of a line means.
func (p *Phone) over(ctx context.Context, tx *db.Tx, c *call, cause care.LineCause) error {
	switch {
	case c.Direction == "in" && c.Answered == 0: // an agent who was asked is let go by the end
		return p.unanswered(ctx, tx, c, cause)
	case c.handed():
		return p.unanswered(ctx, tx, c, cause)
	case c.Picked == 0:
		result := c.Result // somebody of us hung up, and said why
		if result == "" {
			result = resultOf(cause)
		}
		return p.ended(ctx, tx, c, result, 0)
	}
	talk := tx.Now.Sub(c.Answered.Time())
	broke := cause == care.CauseNetwork || cause == care.CauseMedia
	if broke || talk < dropAfter && cause == care.CauseHangup {
		return p.ended(ctx, tx, c, ResultDropped, talk)
	}
	return p.ended(ctx, tx, c, ResultAnswered, talk)
}

// unanswered is an inbound call that ended before an agent talked.
func (p *Phone) unanswered(ctx context.Context, tx *db.Tx, c *call, cause care.LineCause) error {
	result := c.Result
	if result == "" {
		result = ResultAbandoned
		if cause != care.CauseHangup { // it wasn't he who ended it
			result = ResultDropped
		}
	}
	return p.ended(ctx, tx, c, result, 0)
}

// ended closes a call with its result, and goes on with what it belonged to. A conversation leads to wrap-up; anything else lets the agent go.
func (p *Phone) ended(ctx context.Context, tx *db.Tx, c *call, result Result, talk time.Duration) error {
	if c.State == CallEnded || c.State == CallWrapUp {
		return nil
	}
	set, err := settings(ctx, tx, c.Store)
	if err != nil {
		return err
	}
	spoke := c.Answered != 0 && !c.handed() && (result == ResultAnswered || result == ResultDropped && talk >= dropAfter)
	agent := c.Agent
	c.Result, c.Ended, c.Counts = result, db.At(tx.Now), after(result, set.Policy).Counts || result == ResultAnswered
	c.unhold(tx.Now)
	c.State = CallEnded
	wrap := spoke && agent != 0
	if wrap && c.Disposition == "" {
		c.State = CallWrapUp
		until := tx.Now.Add(seconds(set.Policy.WrapUp))
		if _, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'wrapup', since_at = $1, until_at = $2 WHERE agent_id = $3 AND call_id = $4`, db.At(tx.Now), db.At(until), agent, c.ID); err != nil {
			return err
		}
		p.agentChanged(ctx, tx, agent, "wrapup")
		// If the agent never says what came of it, the customer must not be forgotten with him.
		tx.Enqueue(db.Job{Store: c.Store, Kind: JobUnsaid, Key: itoa(c.ID), Move: true, RunAt: tx.Now.Add(seconds(set.Policy.WrapUp) + unsaidAfter), Payload: callPayload{c.ID}})
	}
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	p.callChanged(tx, c)
	if err := p.callEvent(tx, endEvent(c), c); err != nil {
		return err
	}
	if c.Answered != 0 || c.Picked != 0 {
		if err := p.leaveAll(ctx, tx, c.ID); err != nil {
			return err
		}
	}
	if c.State == CallEnded && agent != 0 {
		if err := p.free(ctx, tx, agent, 0, c.ID); err != nil {
			return err
		}
	}
	if c.Callback == 0 {
		return p.owedAfter(ctx, tx, c)
	}
	return p.carry(ctx, tx, c, func(cb *callback) error {
		cb.LastResult = result
		if spoke {
			if c.Disposition != "" {
				return p.dispose(ctx, tx, cb, c.Disposition, db.Time(0))
			}
			cb.State, cb.Reason = WrapUp, "wrapup"
			p.changed(tx, cb)
			return cb.save(ctx, tx)
		}
		return p.tried(ctx, tx, cb, c, set.Policy)
	})
}

const unsaidAfter = 10 * time.Minute

// endEvent is how a call's end is told.
func endEvent(c *call) string {
	switch {
	case c.Result == ResultAbandoned:
		return care.EventCallAbandoned
	case c.Result == ResultMissed || c.Result == ResultClosed:
		return care.EventCallMissed
	case c.Result == ResultVoicemail:
		return care.EventCallVoicemail
	case c.Result == ResultDropped:
		return care.EventCallDropped
	}
	return care.EventCallEnded
}

// tried is an attempt that reached nobody: the callback waits for the next one, or is over.
func (p *Phone) tried(ctx context.Context, tx *db.Tx, cb *callback, c *call, pol Policy) error {
	k := after(c.Result, pol)
	cb.Retry = 0
	if k.Counts && c.Picked == 0 { // one that was picked was counted then
		cb.Attempts++
	}
	if k.Retry > 0 {
		cb.Retry = db.At(tx.Now.Add(k.Retry))
	}
	if c.Result == ResultAgentDeclined {
		cb.LastResult = ""
	}
	cb.State, cb.Reason, cb.Agent = Waiting, "after_"+string(c.Result), 0
	decided(tx, cb, why("after_"+string(c.Result), "attempts", cb.Attempts), cb.Retry)
	if err := p.emit(ctx, tx, care.EventCallbackTried, cb); err != nil {
		return err
	}
	_, err := p.replan(ctx, tx, cb)
	return err
}

// owedAfter makes the callback that a customer's own call, or the loss of one, leads to.
func (p *Phone) owedAfter(ctx context.Context, tx *db.Tx, c *call) error {
	trigger := map[Result]Trigger{ResultAbandoned: TriggerAbandoned, ResultMissed: TriggerMissed, ResultDropped: TriggerDropped, ResultVoicemail: TriggerVoicemail, ResultQueued: TriggerAsked}[c.Result]
	if trigger == "" || c.Direction == "out" && c.Answered == 0 && c.Result != ResultDropped || c.Number == "" {
		return nil
	}
	asked := c.Queued // who waited keeps his place
	if asked == 0 {
		asked = c.Made
	}
	_, err := p.Owe(ctx, tx, Cause{Store: c.Store, Trigger: trigger, Source: fmt.Sprintf("call:%d", c.ID), Customer: c.Customer, Number: c.Number, Name: c.Display, Language: c.Language,
		Conversation: c.Conversation, SubjectKind: "call", Subject: c.ID, Asked: asked.Time()})
	return err
}
