// Package phone is people with telephones, for tests and for the demo: they ring, are rung, take it off or don't, press keys, say a tone of
// their own and remember which tones they heard. They speak real SIP and RTP. A Phone is an agent's own telephone that registers; the
// customers at the other end of a trunk are made by package trunk, with the same Call.
package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
)

// Patience is how long the waiting verbs wait before they fail.
const Patience = time.Minute

// Call is one call of such a person.
type Call struct {
	line  care.Line
	party *soundtest.Party
	mixer *sound.Mixer

	mu      sync.Mutex
	state   State
	cause   care.LineCause
	code    int
	held    bool
	keys    []rune
	changed chan struct{}
}

// State is how far a call is.
type State string

// The states.
const (
	Ringing State = "ringing"
	Talking State = "talking"
	Ended   State = "ended"
)

// mixer is one per program: one tick drives all calls.
var mixer = sync.OnceValue(sound.NewMixer)

// Take makes a Call of a line, saying a tone as soon as it is answered; hz 0 is silence.
func Take(l care.Line, hz float64) *Call {
	c := &Call{line: l, party: soundtest.Says(hz), mixer: mixer(), state: Ringing, changed: make(chan struct{})}
	go c.follow()
	return c
}

func (c *Call) follow() {
	var bridge *sound.Bridge
	for e := range c.line.Events() {
		switch e.Kind {
		case care.LineAnswered:
			bridge = c.mixer.Bridge()
			_ = bridge.Add(c.party, sound.Agent)
			if leg, ok := c.line.Media().(sound.Leg); ok {
				_ = bridge.Add(leg, sound.Customer)
			}
		case care.LineEnded:
			if bridge != nil {
				bridge.Close()
			}
		}
		c.mu.Lock()
		switch e.Kind {
		case care.LineAnswered:
			c.state = Talking
		case care.LineHeld:
			c.held = true
		case care.LineResumed:
			c.held = false
		case care.LineDigit:
			c.keys = append(c.keys, e.Digit)
		case care.LineEnded:
			c.state, c.cause, c.code = Ended, e.Cause, e.Code
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
	}
}

// until waits for a condition on the call.
func (c *Call) until(what string, f func() bool) error {
	for over := time.After(Patience); ; {
		c.mu.Lock()
		ok, changed, state := f(), c.changed, c.state
		c.mu.Unlock()
		if ok {
			return nil
		}
		if state == Ended {
			return fmt.Errorf("the call ended (%s, %d) before: %s", c.cause, c.code, what)
		}
		select {
		case <-changed:
		case <-over:
			return fmt.Errorf("not within %v: %s", Patience, what)
		}
	}
}

// From is the caller's number.
func (c *Call) From() string { return c.line.From() }

// To is the number that was dialled.
func (c *Call) To() string { return c.line.To() }

// Display is the caller's name.
func (c *Call) Display() string { return c.line.Display() }

// State is how far the call is.
func (c *Call) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Ring says that it rings here; a person who doesn't answer does this and nothing else.
func (c *Call) Ring() error { return c.line.Ringing() }

// Answer takes the call off the hook.
func (c *Call) Answer() error {
	if err := c.line.Answer(context.Background()); err != nil {
		return err
	}
	return c.Answered()
}

// Busy refuses because of another call.
func (c *Call) Busy() error { return c.line.Reject(care.CauseBusy) }

// Reject presses the red button.
func (c *Call) Reject() error { return c.line.Reject(care.CauseRejected) }

// Refuse refuses with any cause.
func (c *Call) Refuse(cause care.LineCause) error { return c.line.Reject(cause) }

// Hangup puts the receiver down.
func (c *Call) Hangup() error { return c.line.Hangup() }

// Drop loses the call without a word, as a telephone does that loses its power.
func (c *Call) Drop() {
	if l, ok := c.line.(interface{ Vanish() }); ok {
		l.Vanish()
	}
}

// Answered waits until both talk.
func (c *Call) Answered() error {
	return c.until("answered", func() bool { return c.state == Talking })
}

// Over waits until the call has ended and says why.
func (c *Call) Over() (care.LineCause, error) {
	err := c.until("over", func() bool { return c.state == Ended })
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause, err
}

// Press presses keys.
func (c *Call) Press(keys string) error { return c.line.SendDTMF(context.Background(), keys) }

// Pressed waits until these keys were heard from the other side.
func (c *Call) Pressed(keys string) error {
	return c.until("keys "+keys, func() bool { return string(c.keys) == keys })
}

// Hold puts the other side on hold, or takes it back.
func (c *Call) Hold(on bool) error { return c.line.Hold(on) }

// Held waits until the other side has put us on hold, or taken us back.
func (c *Call) Held(on bool) error { return c.until("hold", func() bool { return c.held == on }) }

// Mute stops saying the tone, or goes on with it.
func (c *Call) Mute(on bool) { c.party.Quiet(on) }

// Hears waits until a tone is heard.
func (c *Call) Hears(hz float64) bool { return c.party.Await(hz, true) }

// Misses waits until a tone isn't heard any more.
func (c *Call) Misses(hz float64) bool { return c.party.Await(hz, false) }

// HearsNow tells whether a tone is heard in this moment.
func (c *Call) HearsNow(hz float64) bool { return c.party.Hears(hz) }

// Heard is what was heard last, at 8 kHz.
func (c *Call) Heard() []int16 { return c.party.Heard() }

// Line is the call as the carrier sees it.
func (c *Call) Line() care.Line { return c.line }

// Phone is an agent's own telephone that registers at the program.
type Phone struct {
	stack *sip.Stack
	trunk care.Trunk
	tone  float64
	calls chan *Call
	stop  context.CancelFunc
}

// Register connects a telephone: server is where the program's SIP listens, tone what its owner says. It returns when it is registered.
func Register(server, name, password string, tone float64) (*Phone, error) {
	p := &Phone{stack: sip.NewStack(sip.Options{Listen: []string{"127.0.0.1:0"}}), tone: tone, calls: make(chan *Call, 100)}
	set, _ := json.Marshal(map[string]any{"mode": "register", "server": server, "user": name, "keepalive": 0})
	sec, _ := json.Marshal(map[string]string{"password": password})
	var err error
	if p.trunk, err = sip.New(p.stack).OpenTrunk(care.Connection{ID: 1, Name: name, Settings: set, Secrets: sec}, nil); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	up := make(chan care.TrunkState, 10)
	if err := p.trunk.Start(ctx, func(l care.Line) { p.calls <- Take(l, tone) }, func(s care.TrunkState) { up <- s }); err != nil {
		p.Close()
		return nil, err
	}
	select {
	case s := <-up:
		if s.Up {
			return p, nil
		}
		err = errors.New(s.Reason)
	case <-time.After(Patience):
		err = errors.New("no answer to the registration")
	}
	p.Close()
	return nil, err
}

// Next waits for the next call that rings in.
func (p *Phone) Next() (*Call, error) { return Next(p.calls) }

// Call rings a number.
func (p *Phone) Call(to string) (*Call, error) {
	l, err := p.trunk.Dial(context.Background(), care.Dialing{To: to, Ring: time.Minute})
	if err != nil {
		return nil, err
	}
	return Take(l, p.tone), nil
}

// Close signs the telephone out and hangs up.
func (p *Phone) Close() {
	p.stop()
	_ = p.stack.Close()
}

// Next waits for the next of some calls.
func Next(calls <-chan *Call) (*Call, error) {
	select {
	case c := <-calls:
		return c, nil
	case <-time.After(Patience):
		return nil, errors.New("nothing rang")
	}
}
