package phone

import (
	"context"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
)

// replan decides about a callback that this transaction has in hand and does what was decided. What is due goes to an agent at once, if there is one.
func (p *Phone) replan(ctx context.Context, tx *db.Tx, c *callback) ([]Why, error) {
	plan, err := p.decide(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	if plan.State == Due {
		return plan.Why, p.dispatch(ctx, tx, []int64{c.Store})
	}
	return plan.Why, nil
}

// decide plans a callback and writes the plan down.
func (p *Phone) decide(ctx context.Context, tx *db.Tx, c *callback) (Plan, error) {
	s, pol, err := p.situation(ctx, tx, c, tx.Now)
	if err != nil {
		return Plan{}, err
	}
	plan := MakePlan(s, pol, tx.Now)
	if c.LateAt == 0 && !plan.State.Closed() && !plan.State.inHand() {
		if plan, err = p.vow(ctx, tx, c, &s, pol, plan); err != nil {
			return Plan{}, err
		}
	}
	return plan, p.apply(ctx, tx, c, plan)
}

// vow settles until when a callback is in time, from those who will be at the telephone and what comes before it; it stands until the customer has been tried or names another time.
func (p *Phone) vow(ctx context.Context, tx *db.Tx, c *callback, s *Situation, pol Policy, plan Plan) (Plan, error) {
	d, err := p.deskAt(ctx, tx, c, plan.Due)
	if err != nil {
		return plan, err
	}
	s.Late = s.until(plan.Due, pol, d)
	if c.vowed != 0 && c.vowed.Time().Before(s.Late) {
		s.Late = c.vowed.Time()
	}
	if s.Attempts == 0 { // what is promised must not expire before
		s.Expires = later(s.Expires, s.Late.Add(seconds(pol.LateAfter)))
	}
	c.LateAt, c.Expires = db.At(s.Late), db.At(s.Expires)
	return MakePlan(*s, pol, tx.Now), nil
}

func (p *Phone) apply(ctx context.Context, tx *db.Tx, c *callback, plan Plan) error {
	if c.State.Closed() || c.State.inHand() {
		return nil
	}
	before := c.State
	news := before != plan.State || c.Reason != plan.Why[0].Code
	c.Expires = db.At(plan.Expires)
	if plan.State.Closed() {
		return p.end(ctx, tx, c, plan.State, plan.Why)
	}
	if !plan.Due.IsZero() && (before != Due || plan.State != Due) {
		c.Due = db.At(plan.Due)
	}
	if before == Due && plan.State == Due { // the reason why nobody has it yet stays
		news = false
	} else {
		c.State, c.Reason = plan.State, plan.Why[0].Code
	}
	if plan.Late {
		c.Late = c.Reason
		decided(tx, c, why("late", "reason", c.Reason), db.At(plan.At))
		if err := p.emit(ctx, tx, care.EventCallbackLate, c); err != nil {
			return err
		}
	}
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	if news {
		decided(tx, c, plan.Why, db.At(plan.At))
		p.changed(tx, c)
	}
	tx.Enqueue(db.Job{Store: c.Store, Kind: JobPlan, Key: itoa(c.ID), Move: true, RunAt: plan.At, Payload: callbackPayload{c.ID}})
	return nil
}

// noteLate keeps why a callback is late that wasn't tried in time, once.
func (p *Phone) noteLate(ctx context.Context, tx *db.Tx, c *callback) error {
	if c.Late != "" || c.Attempts > 0 || c.LateAt == 0 || !tx.Now.After(c.LateAt.Time()) {
		return nil
	}
	c.Late = c.Reason
	decided(tx, c, why("late", "reason", c.Reason), 0)
	return p.emit(ctx, tx, care.EventCallbackLate, c)
}

// closings are the events by which a callback ends.
var closings = map[State]string{Done: care.EventCallbackDone, Declined: care.EventCallbackDeclined, Written: care.EventCallbackWritten, Expired: care.EventCallbackExpired, Cancelled: care.EventCallbackCancelled}

// end closes a callback. Goods that were meant for its customer go to who asked after him, unless he was told of them.
func (p *Phone) end(ctx context.Context, tx *db.Tx, c *callback, state State, reasons []Why) error {
	c.State, c.Reason, c.Closed = state, reasons[0].Code, db.At(tx.Now)
	if err := p.noteLate(ctx, tx, c); err != nil {
		return err
	}
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	tx.CancelJob(JobPlan, itoa(c.ID))
	decided(tx, c, reasons, 0)
	p.changed(tx, c)
	if err := p.emit(ctx, tx, closings[state], c); err != nil {
		return err
	}
	return p.release(ctx, tx, c)
}

// planned is the job at the time for which a callback was planned.
func (p *Phone) planned(ctx context.Context, tx *db.Tx, id int64) error {
	c, err := loadCallback(ctx, tx, id, true)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.replan(ctx, tx, &c)
	return err
}

type callbackPayload struct {
	Callback int64 `json:"callback_id"`
}
