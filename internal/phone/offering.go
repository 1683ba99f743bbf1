package phone

import (
	"context"
	"slices"
	"time"

	"opeka/internal/cal"
	"opeka/internal/db"
)

// Offering is what a store can honestly offer to a shopper who wants to be rung.
type Offering struct {
	Calls  bool      `json:"calls"`   // whether it rings people at all
	FromAt db.Time   `json:"from_at"` // when it would ring him, did he ask now
	ToAt   db.Time   `json:"to_at"`
	Reason string    `json:"reason"` // why not at once: phone.why.<reason>; empty: at once
	Slots  []db.Time `json:"slots"`  // beginnings of the hours that he may choose instead
	Writes []string  `json:"writes"` // sms, email: how it can write to somebody who has no talk with it
}

// crew is who is at the telephone, and what is before them.
type crew struct {
	There int64         // agents at it
	Free  int64         // of whom nobody has anything in hand
	Ahead int64         // callers and callbacks that come first
	Talk  time.Duration // how long a conversation lasts with what follows
	Each  time.Duration // how long an attempt holds an agent, on the average of those that reached somebody and those that didn't
}

const (
	slotLength = time.Hour
	slotDays   = 3
	maxSlots   = 24
	usualTalk  = 4 * time.Minute  // where nothing is known yet
	between    = 30 * time.Second // from one call to the next: a look at the case
)

// Offering tells what can be offered now.
func (p *Phone) Offering(ctx context.Context, store int64) (Offering, error) {
	return p.offering(ctx, p.db.Read(), store, p.db.Now())
}

func (p *Phone) offering(ctx context.Context, q db.Querier, store int64, now time.Time) (o Offering, err error) {
	set, err := settings(ctx, q, store)
	if err != nil {
		return o, err
	}
	rule := set.rule(TriggerAsked)
	o = Offering{Calls: rule.Active, Slots: []db.Time{}}
	if o.Writes, err = p.canWrite(ctx, q, store); err != nil {
		return o, err
	}
	if n, ok := p.network.(interface{ Has(store int64) bool }); !o.Calls || ok && !n.Has(store) {
		o.Calls = false
		return o, nil
	}
	facts, err := p.store(ctx, q, store)
	if err != nil {
		return o, err
	}
	zone, err := time.LoadLocation(facts.Zone)
	if err != nil {
		zone = time.UTC
	}
	first := now.Add(seconds(rule.Delay))
	plan := MakePlan(Situation{State: Waiting, Triggers: []Trigger{TriggerAsked}, Asked: now, Earliest: first, Late: first.Add(seconds(set.Policy.LateAfter)), Expires: first.Add(seconds(rule.Window)),
		MaxAttempts: rule.MaxAttempts, Zone: zone, Opening: facts.Calendar}, set.Policy, now)
	c, err := p.crew(ctx, q, store, db.At(plan.Due))
	if err != nil {
		return o, err
	}
	w := promise(plan.State, plan.Due, time.Time{}, plan.Expires, set.Policy, c, now)
	o.FromAt, o.ToAt = db.At(w.From), db.At(w.To)
	switch {
	case plan.State != Due:
		o.Reason = plan.Why[0].Code
	case c.There == 0 || c.Free <= c.Ahead:
		o.Reason = "no_agent"
	}
	o.Slots = slots(set.Policy, facts.Calendar, zone, now)
	return o, nil
}

func (p *Phone) crew(ctx context.Context, q db.Querier, store int64, due db.Time) (c crew, err error) {
	err = q.QueryRow(ctx, `SELECT count(*), CAST(coalesce(sum(CASE WHEN a.state = 'free' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM phone_agents a
JOIN memberships m ON m.agent_id = a.agent_id AND m.store_id = $1 JOIN presences r ON r.agent_id = a.agent_id WHERE a.reachable AND r.state = 'ready'`, store).Scan(&c.There, &c.Free)
	if err != nil {
		return c, err
	}
	err = q.QueryRow(ctx, `SELECT (SELECT count(*) FROM callbacks WHERE store_id = $1 AND state = 'due' AND due_at < $2) + (SELECT count(*) FROM calls WHERE store_id = $1 AND state = 'waiting')`, store, due).Scan(&c.Ahead)
	if err != nil {
		return c, err
	}
	var talk int64
	err = q.QueryRow(ctx, `SELECT CAST(coalesce(avg(t), 0) AS BIGINT) FROM (SELECT ended_at - answered_at + wrap_ms * 1000 AS t FROM calls WHERE store_id = $1 AND state = 'ended' AND answered_at > 0 ORDER BY id DESC LIMIT 20) AS last`, store).Scan(&talk)
	if c.Talk = time.Duration(talk) * time.Microsecond; c.Talk == 0 {
		c.Talk = usualTalk
	}
	if err != nil {
		return c, err
	}
	err = q.QueryRow(ctx, `SELECT CAST(coalesce(avg(t), 0) AS BIGINT) FROM (SELECT least(ended_at - created_at + wrap_ms * 1000, 900000000) AS t FROM calls WHERE store_id = $1 AND state = 'ended' AND direction = 'out' AND counts ORDER BY id DESC LIMIT 50) AS last`, store).Scan(&talk)
	if c.Each = time.Duration(talk)*time.Microsecond + between; talk == 0 {
		c.Each = usualTalk
	}
	return c, err
}

// window is when somebody is rung: not a minute more exact than is known.
type window struct{ From, To time.Time }

// promise tells when a callback will ring, as far as anybody can: by its time while that lies ahead, else by those at the telephone and what is before them. With nobody at the
// telephone only its end is sure.
func promise(s State, due, promised, expires time.Time, p Policy, c crew, now time.Time) window {
	w := window{From: later(due, now)}
	switch {
	case !promised.IsZero() && promised.After(now):
		w.From = later(promised, w.From)
		w.To = w.From.Add(slotLength)
	case s != Due || due.After(now):
		w.To = w.From.Add(max(slotLength/2, seconds(p.LateAfter)))
	case c.There == 0:
		w.To = expires
	default:
		wait := time.Minute
		if c.Ahead >= c.Free {
			wait = time.Duration(c.Ahead-c.Free+1) * c.Talk / time.Duration(c.There)
		}
		w.To = w.From.Add(2 * wait)
	}
	const step = 5 * time.Minute
	w.To = w.To.Truncate(step).Add(step)
	return w
}

// slots are the hours that a shopper may choose: the store is open and its policy lets people be rung from beginning to end.
func slots(p Policy, opening *cal.Calendar, zone *time.Location, now time.Time) []db.Time {
	out := []db.Time{}
	s := Situation{Zone: zone}
	allowed := func(t time.Time) bool {
		at, _ := s.hours(p, t)
		return at.Equal(t) && (opening == nil || opening.Open(t))
	}
	local := now.In(zone)
	t := time.Date(local.Year(), local.Month(), local.Day(), local.Hour()+1, 0, 0, 0, zone)
	if t.Sub(now) < 10*time.Minute {
		t = t.Add(slotLength)
	}
	for end := onDay(local, slotDays, 0); t.Before(end) && len(out) < maxSlots; t = t.Add(slotLength) {
		if allowed(t) && allowed(t.Add(slotLength-time.Minute)) && !slices.Contains(out, db.At(t)) {
			out = append(out, db.At(t))
		}
	}
	return out
}
