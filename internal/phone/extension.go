package phone

import (
	"context"
	"errors"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
	"opeka/internal/sound/tone"
)

// extension is an agent's own telephone in one call.
type extension struct {
	line care.Line
	up   bool
	wait *sound.Bridge // where he hears ringing until the customer answers
}

// deviceOf is the telephone at which an agent is; empty: his browser.
func deviceOf(ctx context.Context, q db.Querier, agent int64) (device string, err error) {
	err = q.QueryRow(ctx, `SELECT device FROM phone_agents WHERE agent_id = $1 AND reachable`, agent).Scan(&device)
	return device, ignoreNone(err)
}

// ringsAt has an agent's own telephone rung for a call that he is asked to take, if he is at one.
func (p *Phone) ringsAt(ctx context.Context, tx *db.Tx, c *call, agent int64) error {
	device, err := deviceOf(ctx, tx, agent)
	if err == nil && device != "" {
		id := c.ID
		tx.AfterCommit(func() { p.ask(id, "ring "+itoa(agent)+" "+device) })
	}
	return err
}

// ringExtension rings an agent's telephone for the call that a line is held of. Taking it off is his answer.
func (p *Phone) ringExtension(ctx context.Context, id int64, h *held, agent int64, device string) {
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil || p.exchange == nil {
		return
	}
	h.mu.Lock()
	_, rings := h.extensions[agent]
	h.mu.Unlock()
	if rings {
		return
	}
	line, err := p.exchange.DialPhone(ctx, care.Dialing{To: device, CallerID: c.Number, Name: c.Display, Ring: time.Minute})
	if err != nil {
		p.log.Info("an agent's telephone can't be rung", "agent", agent, "phone", device, "err", err)
		return
	}
	h.put(agent, &extension{line: line})
	p.lines.run(func() { p.followExtension(ctx, id, h, agent, line) })
}

func (h *held) put(agent int64, x *extension) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.extensions[agent] = x
}

// onlyExtensionsOf hangs up the telephones of agents who aren't in the call any more, or aren't asked any more.
func (h *held) onlyExtensionsOf(c *call, all []party) {
	here := map[int64]bool{c.Agent: c.State != CallWaiting && c.State != CallEnded && c.State != CallWrapUp}
	for _, t := range all {
		here[t.Agent] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for agent, x := range h.extensions {
		if !here[agent] {
			delete(h.extensions, agent)
			x.leaveWaiting()
			go func() { _ = x.line.Hangup() }()
		}
	}
}

// parked are the lines of agents who dialled at their own telephones, until their calls take them.
type parked struct {
	mu    sync.Mutex
	lines map[int64]care.Line
}

func (k *parked) put(id int64, l care.Line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lines == nil {
		k.lines = map[int64]care.Line{}
	}
	k.lines[id] = l
}

func (k *parked) take(id int64) care.Line {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.lines[id]
	delete(k.lines, id)
	return l
}

// as is what an agent may do in a call by his own telephone: no more than he could in his console.
func (p *Phone) as(ctx context.Context, agent, store int64) (s care.Scope, err error) {
	var n int64
	err = p.db.Read().QueryRow(ctx, `SELECT count(*) FROM memberships m JOIN agents g ON g.id = m.agent_id WHERE m.agent_id = $1 AND m.store_id = $2 AND g.active AND m.role IN ('administrator', 'supervisor', 'agent')`, agent, store).Scan(&n)
	if err == nil && n == 0 {
		err = care.Forbidden(care.PermPhone)
	}
	return care.Scope{Agent: agent, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermPhone}}}, err
}

// followExtension does what an agent does with his telephone: taking it off, keys, hold, transfer, hanging up.
func (p *Phone) followExtension(ctx context.Context, id int64, h *held, agent int64, line care.Line) {
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil {
		_ = line.Hangup()
		return
	}
	s, err := p.as(ctx, agent, c.Store)
	if err != nil {
		_ = line.Hangup()
		return
	}
	h.mu.Lock()
	up := h.extensions[agent] != nil && h.extensions[agent].up // he took it off before the customer was rung
	h.mu.Unlock()
	for e := range line.Events() {
		var err error
		switch e.Kind {
		case care.LineAnswered:
			up = true
			if err = p.lifted(ctx, s, id, h, line); err != nil {
				_ = line.Hangup()
			}
		case care.LineDigit:
			_, err = p.Keys(ctx, s, id, 0, string(e.Digit))
		case care.LineHeld, care.LineResumed:
			_, err = p.Hold(ctx, s, id, e.Kind == care.LineHeld)
		case care.LineReferred:
			err = p.refers(ctx, s, id, c.Store, line, e.Text)
		case care.LineEnded:
			h.drop(agent, line)
			err = p.putDown(ctx, s, id, up, e.Cause)
		}
		if err != nil {
			p.log.Info("what an agent did at his telephone had no effect", "call", id, "agent", agent, "event", e.Kind, "err", err)
		}
	}
}

func (h *held) drop(agent int64, line care.Line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x := h.extensions[agent]; x != nil && x.line == line {
		delete(h.extensions, agent)
		x.leaveWaiting()
	}
}

// lifted is an agent's taking off of his telephone: he answers what he was offered.
func (p *Phone) lifted(ctx context.Context, s care.Scope, id int64, h *held, line care.Line) error {
	h.put(s.Agent, &extension{line: line, up: true})
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil {
		return err
	}
	if c.Agent == s.Agent && c.stands() { // answered in the console meanwhile
		p.ask(id, "look")
		return nil
	}
	_, err = p.Answer(ctx, s, id)
	return err
}

// putDown is the end of an agent's telephone in a call: before he took it off he didn't want it; in the conversation he leaves it, and when the customer would be left alone it is over.
func (p *Phone) putDown(ctx context.Context, s care.Scope, id int64, up bool, cause care.LineCause) error {
	if cause == care.CauseOurs {
		return nil
	}
	if !up {
		if cause != care.CauseBusy && cause != care.CauseRejected {
			return nil // it rings out: the offer's own time ends it
		}
		_, err := p.DeclineCall(ctx, s, id)
		return err
	}
	_, err := p.CompleteConsult(ctx, s, id) // whoever asked somebody aside and hangs up hands over
	if errors.Is(err, errNoConsult) || errors.Is(err, errCallMoved) {
		_, err = p.Leave(ctx, s, id)
	}
	if errors.Is(err, errLastAgent) || errors.Is(err, errConference) || errors.Is(err, errCallMoved) {
		_, err = p.Hangup(ctx, s, id)
	}
	if errors.Is(err, errCallMoved) { // it was over before
		return nil
	}
	return err
}

// refers is a transfer by the agent's telephone (REFER): to a colleague's telephone or to an outside number that the store's rules allow. The bridge stays ours.
func (p *Phone) refers(ctx context.Context, s care.Scope, id, store int64, line care.Line, to string) error {
	target := Target{Number: to}
	var agent int64
	err := p.db.Read().QueryRow(ctx, `SELECT agent_id FROM handsets WHERE name = $1 AND store_id = $2 AND revoked_at = 0`, to, store).Scan(&agent)
	if err == nil {
		target = Target{Agent: agent}
	} else if ignoreNone(err) != nil {
		return err
	}
	_, err = p.Transfer(ctx, s, id, target)
	if t, ok := line.(care.Transferred); ok {
		_ = t.Referred(err == nil)
	}
	return err
}

// callByPhone brings the agent's own telephone into a call that he begins or that a callback has kept him for, before the customer is rung: nobody is rung for an
// empty chair. It tells whether he took it off.
func (p *Phone) callByPhone(ctx context.Context, c *call, device string, patience time.Duration) (*extension, bool) {
	line := p.parked.take(c.ID)
	if line != nil { // he dialled himself
		if err := line.Answer(ctx); err != nil {
			return nil, false
		}
	} else {
		var err error
		if line, err = p.exchange.DialPhone(ctx, care.Dialing{Key: "handset:" + itoa(c.ID), To: device, CallerID: c.Number, Name: c.Display, Ring: patience}); err != nil {
			return nil, false
		}
	}
	for e := range line.Events() {
		switch e.Kind {
		case care.LineAnswered:
			x := &extension{line: line, up: true}
			if leg, ok := line.Media().(sound.Leg); ok && p.booth.mixer != nil {
				x.wait = p.booth.mixer.Bridge()
				_ = x.wait.Add(leg, sound.Agent)
				_ = x.wait.Add(sound.NewPlayer(tone.Ringing()), sound.Prompt)
			}
			return x, true
		case care.LineEnded:
			return nil, false
		}
	}
	return nil, false
}

// leaveWaiting ends what an agent hears before the customer answers.
func (x *extension) leaveWaiting() {
	if x.wait != nil {
		x.wait.Close()
		x.wait = nil
	}
}

// FromHandset takes a call that an agent makes at his own telephone: the number is rung as if he had dialled it in the console, by the same rules.
func (p *Phone) FromHandset(name string, line care.Line) {
	p.lines.run(func() {
		ctx := context.WithoutCancel(p.ctx)
		var h Handset
		err := h.scan(p.db.Read().QueryRow(ctx, handsetView+` AND h.name = $1`, name))
		var s care.Scope
		if err == nil {
			s, err = p.as(ctx, h.Agent, h.Store)
		}
		if err == nil {
			_ = line.Ringing()
			err = p.dialFrom(ctx, s, h, line)
		}
		if err != nil {
			p.log.Info("an agent's telephone dialled in vain", "phone", name, "err", err)
			_ = line.Reject(care.CauseRejected)
		}
	})
}

func (p *Phone) dialFrom(ctx context.Context, s care.Scope, h Handset, line care.Line) error {
	device, err := deviceOf(ctx, p.db.Read(), h.Agent)
	if err != nil {
		return err
	}
	if device != h.Name { // he is at this telephone now, it says so itself
		if _, err := p.Reachable(ctx, s, true, h.Name); err != nil {
			return err
		}
	}
	_, err = p.dialWith(ctx, s, NewCall{Store: h.Store, Number: line.To()}, line)
	return err
}
