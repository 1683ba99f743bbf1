package phone

import (
	"context"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/text"
)

type offerPayload struct {
	Callback int64 `json:"callback_id"`
	Agent    int64 `json:"agent_id"`
}

// passFor is how long an agent who said "not me" isn't asked again for the same customer.
const passFor = 15 * time.Minute

var errTaken = care.Conflict("phone.callback_moved_on")

// act changes a callback on behalf of the caller.
func (p *Phone) act(ctx context.Context, s care.Scope, id int64, fn func(tx *db.Tx, c *callback) error) (out Callback, err error) {
	err = p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		c, err := loadCallback(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := allow(s, c.Store, care.PermPhone, "callback"); err != nil {
			return err
		}
		return fn(tx, &c)
	})
	if err != nil {
		return out, err
	}
	return p.Callback(ctx, s, id)
}

// Accept is an agent's yes to a case that he was offered: now the customer is rung, unless it has meanwhile become wrong to: then it is planned anew, and
// the agent is free.
func (p *Phone) Accept(ctx context.Context, s care.Scope, id int64) (Callback, error) {
	return p.act(ctx, s, id, func(tx *db.Tx, c *callback) error {
		if c.State != Offered || c.Agent != s.Agent {
			return errTaken
		}
		set, err := settings(ctx, tx, c.Store)
		if err != nil {
			return err
		}
		if plan, err := p.still(ctx, tx, c); err != nil {
			return err
		} else if plan.State != Due {
			return p.takeBack(ctx, tx, c, s.Agent, plan.Why[0].Code, false)
		}
		tx.CancelJob(JobOffer, itoa(c.ID))
		if err := p.attempt(ctx, tx, c, set.Policy); err != nil {
			return err
		}
		decided(tx, c, why("accepted", "agent", s.Agent), 0)
		p.changed(tx, c)
		return nil
	})
}

// still decides about a callback that is in an agent's hands as if it weren't: hours end, customers ring in and change their minds while he looks at it.
func (p *Phone) still(ctx context.Context, tx *db.Tx, c *callback) (Plan, error) {
	s, pol, err := p.situation(ctx, tx, c, tx.Now)
	if err != nil {
		return Plan{}, err
	}
	s.State = Due
	return MakePlan(s, pol, tx.Now), nil
}

// Decline is an agent's no, before the customer has answered. It is no attempt: the callback goes to somebody else at once.
func (p *Phone) Decline(ctx context.Context, s care.Scope, id int64, reason string) (Callback, error) {
	return p.act(ctx, s, id, func(tx *db.Tx, c *callback) error {
		if c.Agent != s.Agent || c.State != Offered && c.State != Reserved && c.State != Dialing {
			return errTaken
		}
		if reason != "" {
			c.Note = clip(text.MaskCards(reason), 1000)
		}
		return p.takeBack(ctx, tx, c, s.Agent, "declined_by_agent", true)
	})
}

// takeBack takes a callback from an agent before anybody talked. A line that rings is hung up; the attempt doesn't count.
func (p *Phone) takeBack(ctx context.Context, tx *db.Tx, c *callback, agent int64, code string, remember bool) error {
	if remember {
		c.Passed = slices.DeleteFunc(c.Passed, func(x pass) bool { return x.Agent == agent || !x.Until.After(tx.Now) })
		c.Passed = append(c.Passed, pass{agent, tx.Now.Add(passFor)})
	}
	tx.CancelJob(JobOffer, itoa(c.ID))
	decided(tx, c, why(code, "agent", agent), 0)
	if c.State == Dialing || c.State == Reserved {
		if err := c.save(ctx, tx); err != nil {
			return err
		}
		k, err := loadCall(ctx, tx, c.Call, true)
		if err != nil {
			return err
		}
		id := k.ID
		tx.AfterCommit(func() { p.hangUp(id) })
		return p.ended(ctx, tx, &k, ResultAgentDeclined, 0)
	}
	c.State, c.Reason, c.Agent = Waiting, code, 0
	if err := p.free(ctx, tx, agent, c.ID, 0); err != nil {
		return err
	}
	_, err := p.replan(ctx, tx, c)
	return err
}

// unheeded is an offer that nobody answered.
func (p *Phone) unheeded(ctx context.Context, tx *db.Tx, in offerPayload) error {
	c, err := loadCallback(ctx, tx, in.Callback, true)
	if err != nil || c.State != Offered || c.Agent != in.Agent {
		return err
	}
	if err := p.unreachable(ctx, tx, in.Agent, "no_reply"); err != nil {
		return err
	}
	return p.takeBack(ctx, tx, &c, in.Agent, "no_reply", true)
}

// Next gives the caller the most urgent callback of a store that he can take, to look at before he accepts it.
func (p *Phone) Next(ctx context.Context, s care.Scope, store int64) (Callback, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return Callback{}, err
	}
	var id int64
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		agents, err := freeAgents(ctx, tx, []int64{store})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(agents, func(a idle) bool { return a.Agent == s.Agent })
		if i < 0 {
			return care.Conflict("phone.not_ready")
		}
		set, err := settings(ctx, tx, store)
		if err != nil {
			return err
		}
		due, err := callbacksBy(ctx, tx, `c.store_id = $1 AND c.state = 'due' ORDER BY c.due_at, c.id LIMIT 500 FOR UPDATE`, store)
		if err != nil {
			return err
		}
		list := make([]ready, len(due))
		for n, c := range due {
			list[n] = ready{ID: c.ID, Store: c.Store, Language: c.Language, Owner: c.Owner, Promised: c.Promised.Time(), Priority: c.Priority, Asked: c.Asked.Time(), Due: c.Due.Time(), Passed: c.Passed}
		}
		pairs, _ := match(list, agents[i:i+1], set.Policy.ownerFirst(), tx.Now)
		if len(pairs) == 0 {
			return care.NotFound("callback")
		}
		id = pairs[0].ID
		n := slices.IndexFunc(due, func(c callback) bool { return c.ID == id })
		return p.preview(ctx, tx, &due[n], s.Agent, set.Policy)
	})
	if err != nil {
		return Callback{}, err
	}
	return p.Callback(ctx, s, id)
}

// preview offers a callback to an agent who took it himself; he has longer to look than one who was asked.
func (p *Phone) preview(ctx context.Context, tx *db.Tx, c *callback, agent int64, pol Policy) error {
	mode := c.Mode
	c.Mode, pol.Offer = AgentFirst, max(pol.Offer, 300)
	got, err := p.reserve(ctx, tx, c, agent, pol)
	if err != nil {
		return err
	}
	if !got {
		return care.Conflict("phone.not_ready")
	}
	c.Mode = mode
	return c.save(ctx, tx)
}

// Reschedule moves a callback to the time that the customer named.
func (p *Phone) Reschedule(ctx context.Context, s care.Scope, id int64, at time.Time, note string) (Callback, error) {
	return p.act(ctx, s, id, func(tx *db.Tx, c *callback) error {
		if c.State.Closed() || c.State.inHand() {
			return errTaken
		}
		if note != "" {
			c.Note = clip(text.MaskCards(note), 1000)
		}
		return p.move(ctx, tx, c, at)
	})
}

const maxAhead = 90 * 24 * time.Hour

// move sets the time that a customer was promised; the callback begins anew with it.
func (p *Phone) move(ctx context.Context, tx *db.Tx, c *callback, at time.Time) error {
	if !at.After(tx.Now) {
		return care.Invalid("at", "time_past")
	}
	if at.After(tx.Now.Add(maxAhead)) {
		return care.Invalid("at", "phone.too_far")
	}
	window := c.Expires.Time().Sub(c.Earliest.Time())
	c.Promised, c.Earliest, c.Due, c.Retry, c.LastResult, c.Attempts = db.At(at), db.At(at), db.At(at), 0, "", 0
	c.LateAt, c.Late = 0, ""
	c.Expires = db.At(at.Add(max(window, time.Hour)))
	c.State, c.Reason, c.Agent = Waiting, "moved", 0
	decided(tx, c, why("moved", "at", db.At(at)), db.At(at))
	if err := p.emit(ctx, tx, care.EventCallbackMoved, c); err != nil {
		return err
	}
	_, err := p.replan(ctx, tx, c)
	return err
}

// Cancel ends a callback that isn't needed any more; the reason is kept.
func (p *Phone) Cancel(ctx context.Context, s care.Scope, id int64, reason string) (Callback, error) {
	return p.act(ctx, s, id, func(tx *db.Tx, c *callback) error {
		if c.State.Closed() || c.State.inHand() {
			return errTaken
		}
		c.Note = clip(text.MaskCards(reason), 1000)
		return p.end(ctx, tx, c, Cancelled, why("by_person", "agent", s.Agent))
	})
}

// Dispose is what the agent says came of a callback's call; at is for Later. Said while the call still goes on, it counts when it ends.
func (p *Phone) Dispose(ctx context.Context, s care.Scope, id int64, d Disposition, at time.Time, note string) (Callback, error) {
	if !slices.Contains(Dispositions, d) {
		return Callback{}, care.Invalid("disposition", "value_invalid")
	}
	if d == Later && at.IsZero() {
		return Callback{}, care.Invalid("at", "required")
	}
	return p.act(ctx, s, id, func(tx *db.Tx, c *callback) error {
		if c.State != Talking && c.State != WrapUp || c.Agent != s.Agent && !s.May(c.Store, care.PermSupervise) {
			return errTaken
		}
		k, err := loadCall(ctx, tx, c.Call, true)
		if err != nil {
			return err
		}
		k.Disposition, k.Note = d, clip(text.MaskCards(note), 4000)
		if k.State != CallWrapUp {
			if d == Later { // its time must not be lost until the line ends
				return care.Conflict("phone.still_talking")
			}
			return k.save(ctx, tx)
		}
		if err := p.wrapped(ctx, tx, &k); err != nil {
			return err
		}
		c.Note = k.Note
		return p.dispose(ctx, tx, c, d, db.At(at))
	})
}

// wrapped ends a call's wrap-up and lets its agent go.
func (p *Phone) wrapped(ctx context.Context, tx *db.Tx, k *call) error {
	k.State, k.Wrapped = CallEnded, db.At(tx.Now)
	k.WrapMS = tx.Now.Sub(k.Ended.Time()).Milliseconds()
	tx.CancelJob(JobUnsaid, itoa(k.ID))
	if err := k.save(ctx, tx); err != nil {
		return err
	}
	if err := p.callEvent(tx, care.EventCallWrapped, k); err != nil {
		return err
	}
	p.callChanged(tx, k)
	return p.free(ctx, tx, k.Agent, 0, k.ID)
}

// dispose does with a callback what its call led to.
func (p *Phone) dispose(ctx context.Context, tx *db.Tx, c *callback, d Disposition, at db.Time) error {
	c.Disposition = d
	if d == NoCalls && c.Customer != 0 {
		if err := p.customers.Consent(ctx, tx, c.Customer, customer.SubjectDoNotCall, true, "customer"); err != nil {
			return err
		}
	}
	if state, closed := d.closing(); closed {
		return p.end(ctx, tx, c, state, why("said_"+string(d), "agent", c.Agent))
	}
	c.State, c.Reason = Waiting, "said_"+string(d)
	if d == Later {
		return p.move(ctx, tx, c, at.Time())
	}
	set, err := settings(ctx, tx, c.Store)
	if err != nil {
		return err
	}
	c.LastResult, c.Agent = ResultMachine, 0
	c.Retry = db.At(tx.Now.Add(after(ResultMachine, set.Policy).Retry))
	_, err = p.replan(ctx, tx, c)
	return err
}

// unsaid closes a call of which the agent never said anything. A conversation that broke off is owed anew.
func (p *Phone) unsaid(ctx context.Context, tx *db.Tx, id int64) error {
	k, err := loadCall(ctx, tx, id, true)
	if err != nil || k.State != CallWrapUp {
		return err
	}
	k.Disposition = Unsaid
	if err := p.wrapped(ctx, tx, &k); err != nil {
		return err
	}
	return p.carry(ctx, tx, &k, func(c *callback) error {
		if k.Result != ResultDropped {
			return p.dispose(ctx, tx, c, Unsaid, 0)
		}
		c.State = Waiting
		set, err := settings(ctx, tx, c.Store)
		if err != nil {
			return err
		}
		return p.tried(ctx, tx, c, &k, set.Policy)
	})
}
