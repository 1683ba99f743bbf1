package phone

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/text"
)

// caller is somebody who rang in, on the node that holds his line.
type caller struct {
	p      *Phone
	id     int64
	queue  Queue
	lang   string
	h      *held
	knows  bool        // which language he speaks
	number bool        // he has one by which he can be rung
	asking atomic.Bool // what he presses answers a question
	keys   chan rune
	asked  bool        // to be rung back
	bye    atomic.Bool // he is on his way out: what else was to be said to him isn't
	done   chan struct{}
}

// Ring takes what rings in on a trunk of a store: who he is and what he ordered is known before anybody says hello.
func (p *Phone) Ring(connection, store int64, line care.Line) {
	p.lines.run(func() {
		ctx := context.WithoutCancel(p.ctx)
		if err := p.take(ctx, connection, store, line); err != nil {
			p.log.Warn("a caller couldn't be taken", "store", store, "err", err)
			_ = line.Reject(care.CauseNetwork)
		}
	})
}

func (p *Phone) take(ctx context.Context, connection, store int64, line care.Line) error {
	queues, err := queuesOf(ctx, p.db.Read(), []int64{store})
	if err != nil {
		return err
	}
	queue, ok := queueFor(queues, line.To())
	if !ok { // the store takes no calls: said at once, without an answer that costs him
		return line.Reject(care.CauseRejected)
	}
	c := &caller{p: p, queue: queue, h: newHeld(line), keys: make(chan rune, 16)}
	c.done = c.h.done
	open, err := c.begin(ctx, connection, store)
	if err != nil {
		return err
	}
	p.lines.put(c.id, c.h)
	_ = line.Ringing()
	if err := line.Answer(ctx); err != nil {
		p.lines.drop(c.id)
		return p.change(ctx, c.id, func(tx *db.Tx, k *call) error { return p.unanswered(ctx, tx, k, care.CauseNetwork) })
	}
	c.h.stage = p.booth.put(line)
	if open {
		p.work.Go(func() { c.wait(ctx) })
	} else {
		p.work.Go(func() { c.closed(ctx) })
	}
	c.h.onKey(c.key)
	p.follow(ctx, c.id, c.h)
	return nil
}

// begin writes the call down, with its customer.
func (c *caller) begin(ctx context.Context, connection, store int64) (open bool, err error) {
	line := c.h.line
	number := text.ParsePhone(line.From(), "").E164
	err = c.p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		facts, err := c.p.store(ctx, tx, store)
		if err != nil {
			return err
		}
		open, c.lang, c.knows, c.number = c.p.openNow(c.queue, facts.Calendar, tx.Now), facts.Language, false, number != ""
		reasons := []Why{}
		k := call{ID: tx.ID(), Store: store, Direction: "in", State: CallAnnouncing, Life: c.p.life, Number: number, Own: clip(line.To(), 40), Display: clip(line.Display(), 200),
			Connection: connection, Line: clip(line.ID(), 200), Queue: c.queue.ID, Made: db.At(tx.Now)}
		if number != "" {
			ids := []care.Identity{{Kind: care.IdentityPhone, Value: number, Verified: true}}
			if k.Customer, _, err = c.p.customers.Resolve(ctx, tx, store, ids, customer.Hint{Name: k.Display}); err != nil {
				return err
			}
			var lang string
			if err := tx.QueryRow(ctx, `SELECT language FROM customers WHERE id = $1`, k.Customer).Scan(&lang); err != nil && !errors.Is(err, db.ErrNoRows) {
				return err
			}
			if lang != "" {
				c.lang, c.knows = lang, true
			}
			if k.Priority, reasons, err = weighed(ctx, tx, store, k.Customer, number); err != nil {
				return err
			}
		}
		k.Language = c.lang
		c.id = k.ID
		_, err = tx.Exec(ctx, `INSERT INTO calls (id, store_id, direction, state, life_id, number, own_number, display, connection_id, line, customer_id, queue_id, language, priority, priority_why, created_at, picked_at)
VALUES ($1, $2, 'in', 'announcing', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`, k.ID, store, k.Life, number, k.Own, k.Display, connection, k.Line, k.Customer, k.Queue, k.Language, k.Priority, asJSON(reasons), k.Made)
		if err != nil {
			return err
		}
		c.p.callChanged(tx, &k)
		return c.p.callEvent(tx, care.EventCallStarted, &k)
	})
	return open, err
}

// wait leads a caller into his queue and tells him where he stands until somebody takes him.
func (c *caller) wait(ctx context.Context) {
	c.welcome(ctx)
	full := false
	err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
		if k.State != CallAnnouncing {
			return nil
		}
		waiting, err := waitingIn(ctx, tx, c.queue.ID, db.Time(1<<62))
		if err != nil {
			return err
		}
		if full = c.queue.MaxLength > 0 && waiting >= c.queue.MaxLength; full {
			return nil
		}
		k.State, k.Queued = CallWaiting, db.At(tx.Now)
		if err := k.save(ctx, tx); err != nil {
			return err
		}
		c.p.callChanged(tx, k)
		if err := c.p.callEvent(tx, care.EventCallQueued, k); err != nil {
			return err
		}
		c.p.widenLater(tx, k, c.queue)
		return c.p.dispatch(ctx, tx, []int64{k.Store})
	})
	if err != nil {
		c.p.log.Error("call", "call", c.id, "err", err)
	}
	if full {
		c.overflow(ctx)
		return
	}
	c.h.stage.wait(c.p.musicOf(ctx, c.queue.Store, c.lang))
	c.h.waits.Store(true)
	c.linger(ctx)
}

// linger tells him where he stands, now and then, for as long as he waits.
func (c *caller) linger(ctx context.Context) {
	defer c.h.waits.Store(false)
	for c.tell(ctx) {
		timer, stop := c.p.db.Clock.Timer(c.p.db.Now().Add(seconds(max(c.queue.Announce, 15))))
		select {
		case <-timer:
			stop()
		case <-c.done:
			stop()
			return
		}
	}
}

// waitAgain is for a customer who was talked with and has been handed over: he is told where he stands like everybody who waits.
func (p *Phone) waitAgain(ctx context.Context, k *call, h *held) {
	c := &caller{p: p, id: k.ID, lang: k.Language, h: h, done: h.done}
	var err error
	if c.queue, err = p.queueOf(ctx, p.db.Read(), k.Store, k.Queue); err != nil {
		c.queue = Queue{Announce: 45}
	}
	if c.lang == "" {
		c.lang = p.language(ctx, k.Store, "")
	}
	h.onKey(c.key)
	c.linger(ctx)
}

// tell says place and expected wait, and sends on who has waited as long as he may. It tells whether he still waits.
func (c *caller) tell(ctx context.Context) bool {
	q := c.p.db.Read()
	k, err := loadCall(ctx, q, c.id, false)
	if err != nil || k.State == CallOffered {
		return err == nil
	}
	if k.State != CallWaiting {
		return false
	}
	if c.queue.MaxWait > 0 && k.Answered == 0 && c.p.db.Now().Sub(k.Queued.Time()) >= seconds(c.queue.MaxWait) {
		return !c.overflow(ctx)
	}
	ahead, err := waitingIn(ctx, q, k.Queue, k.Queued)
	if err != nil {
		return true
	}
	var talking, history int64
	_ = q.QueryRow(ctx, `SELECT (SELECT count(*) FROM phone_agents a JOIN memberships m ON m.agent_id = a.agent_id AND m.store_id = $1 WHERE a.state = 'talking'), wait_ms FROM phone_queues WHERE id = $2`, k.Store, k.Queue).Scan(&talking, &history)
	wait := expected(time.Duration(history)*time.Millisecond, 3*time.Minute, ahead, talking)
	c.play(ctx, "place", map[string]any{"n": ahead + 1})
	c.play(ctx, "minutes", map[string]any{"n": max(1, int64(wait.Round(time.Minute).Minutes()))})
	if k.Number != "" {
		c.play(ctx, "press", nil)
	}
	return true
}

// waitingIn is how many wait in a queue who came before a time.
func waitingIn(ctx context.Context, q db.Querier, queue int64, before db.Time) (n int64, err error) {
	err = q.QueryRow(ctx, `SELECT count(*) FROM calls WHERE queue_id = $1 AND state IN ('waiting', 'offered') AND direction = 'in' AND queued_at < $2`, queue, before).Scan(&n)
	return n, err
}

// key hears what the caller presses: 1 keeps his place and lets him hang up.
func (c *caller) key(k rune) {
	if c.asking.Load() {
		c.pressed(k)
		return
	}
	if k != '1' || c.asked {
		return
	}
	ctx := context.WithoutCancel(c.p.ctx)
	err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
		c.asked = k.State == CallWaiting && k.Number != ""
		if !c.asked {
			return nil
		}
		k.Result = ResultQueued
		return k.save(ctx, tx)
	})
	if err == nil && c.asked {
		c.p.work.Go(func() { c.leave(ctx, "queued", ResultQueued) })
	}
}

// leave says something and hangs up; the result says what becomes of it.
func (c *caller) leave(ctx context.Context, say string, result Result) {
	err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
		if k.State != CallWaiting && k.State != CallAnnouncing || k.Answered != 0 && !k.handed() {
			return errCallMoved
		}
		k.Result, k.State = result, CallAnnouncing
		return k.save(ctx, tx)
	})
	if err != nil {
		return
	}
	c.bye.Store(true)
	c.h.stage.hush()
	c.speak(ctx, say, nil)
	_ = c.h.line.Hangup()
}

// play says an announcement to a caller who waits.
func (c *caller) play(ctx context.Context, code string, args map[string]any) {
	if !c.bye.Load() {
		c.speak(ctx, code, args)
	}
}

// speak says an announcement and waits until it is said, or he is gone or taken.
func (c *caller) speak(ctx context.Context, code string, args map[string]any) {
	c.hear(ctx, c.p.prompt(ctx, c.queue.Store, c.lang, code, args))
}

// offerCallers gives those who wait on the line to agents who are free, before any callback.
func (p *Phone) offerCallers(ctx context.Context, tx *db.Tx, stores []int64) error {
	waiting, err := callsBy(ctx, tx, `c.store_id = ANY($1::bigint[]) AND c.state = 'waiting' ORDER BY c.queued_at, c.id LIMIT 200 FOR UPDATE`, stores)
	if err != nil || len(waiting) == 0 {
		return err
	}
	agents, err := freeAgents(ctx, tx, stores)
	if err != nil || len(agents) == 0 {
		return err
	}
	queues, err := queuesOf(ctx, tx, stores)
	if err != nil {
		return err
	}
	var list []ready
	rings := map[int64]int64{}
	for _, c := range waiting {
		if c.Result != "" { // on his way out
			continue
		}
		r := ready{ID: c.ID, Store: c.Store, Language: c.Language, Priority: c.Priority, Asked: c.Queued.Time(), Due: c.Queued.Time(), Caller: true}
		if i := slices.IndexFunc(queues, func(q Queue) bool { return q.ID == c.Queue }); i >= 0 {
			if q := queues[i]; q.Widen == 0 || tx.Now.Before(c.Queued.Time().Add(seconds(q.Widen))) { // after that the team's calls are everybody's
				r.Team = q.Team
			}
			rings[c.ID] = queues[i].Ring
			for _, s := range queues[i].Skills {
				r.Skills = append(r.Skills, skill{s.Kind, s.Value})
			}
		}
		list = append(list, r)
	}
	pairs, _ := match(list, agents, 0, tx.Now)
	for _, x := range pairs {
		c := &waiting[slices.IndexFunc(waiting, func(c call) bool { return c.ID == x.ID })]
		set, err := settings(ctx, tx, c.Store)
		if err != nil {
			return err
		}
		until := tx.Now.Add(seconds(cmp.Or(rings[c.ID], set.Policy.Offer)))
		tag, err := tx.Exec(ctx, `UPDATE phone_agents SET state = 'offered', call_id = $1, callback_id = 0, since_at = $2, until_at = $3
WHERE agent_id = $4 AND state = 'free' AND reachable AND EXISTS (SELECT 1 FROM presences p WHERE p.agent_id = $4 AND p.state = 'ready')`, c.ID, db.At(tx.Now), db.At(until), x.Agent)
		if err != nil || tag.RowsAffected() == 0 {
			if err != nil {
				return err
			}
			continue
		}
		c.State, c.Agent = CallOffered, x.Agent
		if err := c.save(ctx, tx); err != nil {
			return err
		}
		tx.Enqueue(db.Job{Store: c.Store, Kind: JobRing, Key: itoa(c.ID), Move: true, RunAt: until, Payload: ringPayload{c.ID, x.Agent}})
		p.callChanged(tx, c)
		p.hintAgent(tx, x.Agent, map[string]any{"t": "phone", "event": "ring", "call_id": c.ID, "store_id": c.Store, "customer_id": c.Customer, "number": c.Number, "queue_id": c.Queue, "until_at": db.At(until)})
		p.agentChanged(ctx, tx, x.Agent, "offered")
		if err := p.ringsAt(ctx, tx, c, x.Agent); err != nil {
			return err
		}
		if err := p.callEvent(tx, care.EventCallOffered, c); err != nil {
			return err
		}
	}
	return nil
}

type ringPayload struct {
	Call  int64 `json:"call_id"`
	Agent int64 `json:"agent_id"`
}

// Answer is an agent's lifting of the receiver for a caller whom he was offered, or for a colleague who asks him in.
func (p *Phone) Answer(ctx context.Context, s care.Scope, id int64) (Call, error) {
	return p.in(ctx, s, id, func(tx *db.Tx, c *call, mine *party) error {
		if mine != nil {
			return p.comesIn(ctx, tx, c, mine)
		}
		if c.State != CallOffered || c.Agent != s.Agent {
			return errCallMoved
		}
		tx.CancelJob(JobRing, itoa(id))
		first := c.Answered == 0
		if first {
			c.Answered = db.At(tx.Now)
		}
		c.unhold(tx.Now) // of one that was handed over
		c.State, c.PassedBy = CallTalking, 0
		if err := c.save(ctx, tx); err != nil {
			return err
		}
		if err := p.nowTalks(ctx, tx, s.Agent, id); err != nil {
			return err
		}
		if !first {
			return p.taken(ctx, tx, c)
		}
		// Half of what it was, half of what this one was: what the next callers are told.
		_, err := tx.Exec(ctx, `UPDATE phone_queues SET wait_ms = CASE WHEN wait_ms = 0 THEN $1 ELSE (wait_ms + $1) / 2 END WHERE id = $2`, tx.Now.Sub(c.Queued.Time()).Milliseconds(), c.Queue)
		if err != nil {
			return err
		}
		p.callChanged(tx, c)
		p.agentChanged(ctx, tx, s.Agent, "talking")
		p.lookAt(tx, id)
		return p.callEvent(tx, care.EventCallAnswered, c)
	})
}

// unheard is an offer of a caller that the agent didn't answer: the caller goes back to his place, and to somebody else.
func (p *Phone) unheard(ctx context.Context, tx *db.Tx, in ringPayload) error {
	c, err := loadCall(ctx, tx, in.Call, true)
	if err != nil || c.State != CallOffered || c.Agent != in.Agent {
		return err
	}
	if err := p.unreachable(ctx, tx, in.Agent, "no_reply"); err != nil {
		return err
	}
	return p.passOn(ctx, tx, &c, "no_reply")
}

// passOn takes an offered caller from an agent who doesn't take him: back to his place, and to somebody else. One who was handed over goes back to the agent
// who did that.
func (p *Phone) passOn(ctx context.Context, tx *db.Tx, c *call, why string) error {
	agent := c.Agent
	tx.CancelJob(JobRing, itoa(c.ID))
	if err := p.free(ctx, tx, agent, 0, c.ID); err != nil {
		return err
	}
	if c.handed() {
		return p.comesBack(ctx, tx, c, why)
	}
	c.State, c.Agent = CallWaiting, 0
	if err := c.save(ctx, tx); err != nil {
		return err
	}
	p.callChanged(tx, c)
	p.lookAt(tx, c.ID) // his own telephone is to ring no longer
	p.keep(tx, c, "not_taken", map[string]any{"agent_id": agent, "why": why}, agent)
	return p.dispatch(ctx, tx, []int64{c.Store})
}
