// Package town is the telephone network of the demo: a provider of real SIP and RTP on this machine, at which Opeka's trunk registers like at any other, and people with
// telephones. They take it off or don't, are in a call already, hang up; who talks says a few sentences and listens. It knows nothing of Opeka but the wire.
package town

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/internal/sound"
)

// Mood is what somebody does when his telephone rings.
type Mood string

// The moods.
const (
	Answers Mood = "answers" // after a moment, and talks
	Out     Mood = "out"     // it rings and rings
	Busy    Mood = "busy"
	Hurried Mood = "hurried" // takes it off and hangs up again
	Myself  Mood = "myself"  // whoever tries the demo decides
)

// Moods lists them.
var Moods = []Mood{Answers, Out, Busy, Hurried, Myself}

// Person is somebody with a telephone.
type Person struct {
	Number   string // E.164
	Name     string
	Language string
	Mood     Mood
}

// Town is the network. It is safe for concurrent use.
type Town struct {
	stack    *sip.Stack
	mixer    *sound.Mixer
	speech   *speech
	account  string
	password string
	log      *slog.Logger

	mu     sync.Mutex
	people map[string]*Person // by number
	calls  []*Call
	count  int64
	done   sync.WaitGroup
}

// Open opens the network on an address, with one account for the trunk.
func Open(listen, account, password string, log *slog.Logger) (*Town, error) {
	t := &Town{mixer: sound.NewMixer(), speech: newSpeech(), account: account, password: password, log: log, people: map[string]*Person{}}
	t.stack = sip.NewStack(sip.Options{Listen: []string{listen}, Phones: book{t}, PerSecond: 100, Log: slog.New(slog.DiscardHandler)})
	return t, t.stack.Start()
}

type book struct{ t *Town }

// Password implements sip.PhoneBook.
func (b book) Password(name string) (string, bool) { return b.t.password, name == b.t.account }

// Calls implements sip.PhoneCaller: the trunk rings somebody.
func (b book) Calls(_ string, l care.Line) { b.t.rings(l) }

// Addr is where the network listens.
func (t *Town) Addr() string { return t.stack.Addr("udp").String() }

// Registered tells whether the trunk is signed in.
func (t *Town) Registered() bool { return len(t.stack.Phones()) > 0 }

// Close hangs everything up.
func (t *Town) Close() {
	_ = t.stack.Close()
	t.done.Wait()
	t.mixer.Close()
}

// Settle makes people known to the network.
func (t *Town) Settle(people ...Person) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range people {
		if t.people[p.Number] == nil {
			t.people[p.Number] = &p
		}
	}
}

// Person returns somebody by his number.
func (t *Town) Person(number string) (Person, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[number]; p != nil {
		return *p, true
	}
	return Person{}, false
}

// SetMood says what somebody does with calls from now on.
func (t *Town) SetMood(number string, m Mood) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[number]
	if p == nil || !slices.Contains(Moods, m) {
		return false
	}
	p.Mood = m
	return true
}

const (
	thinks    = 2 * time.Second // before somebody takes his telephone off
	remembers = 20              // calls that are over
)

func (t *Town) rings(l care.Line) {
	t.mu.Lock()
	p := t.people[l.To()]
	if p == nil {
		t.mu.Unlock()
		_ = l.Reject(care.CauseWrongNumber)
		return
	}
	c := t.begin(l, *p, true)
	t.mu.Unlock()
	t.done.Go(c.follow)
	if p.Mood == Busy {
		_ = l.Reject(care.CauseBusy)
		return
	}
	_ = l.Ringing()
	if p.Mood == Answers || p.Mood == Hurried {
		time.AfterFunc(thinks, func() { _ = c.Answer() })
	}
}

// begin makes a call of a line. The lock is held.
func (t *Town) begin(l care.Line, p Person, toHim bool) *Call {
	t.count++
	c := &Call{town: t, line: l, ID: t.count, Person: p, ToHim: toHim, Since: time.Now(), state: Ringing, ear: newEar(t.speech, p.Language, toHim)}
	c.ear.enough = func() { _ = c.Hangup() }
	t.calls = append(t.calls, c)
	for i := 0; len(t.calls) > remembers && i < len(t.calls); i++ {
		if t.calls[i].over() {
			t.calls = slices.Delete(t.calls, i, i+1)
			i--
		}
	}
	return c
}

// ErrNobody means that a number belongs to nobody, or its owner talks already.
var ErrNobody = errors.New("town: nobody can ring from that number now")

// Call has somebody ring the number of the trunk.
func (t *Town) Call(from, to string) (*Call, error) {
	t.mu.Lock()
	p := t.people[from]
	engaged := slices.ContainsFunc(t.calls, func(c *Call) bool { return c.Person.Number == from && !c.over() })
	t.mu.Unlock()
	if p == nil || engaged {
		return nil, ErrNobody
	}
	l, err := t.stack.DialAt(context.Background(), t.account, care.Dialing{To: to, CallerID: from, Name: p.Name, Ring: time.Minute})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	c := t.begin(l, *p, false)
	t.mu.Unlock()
	t.done.Go(c.follow)
	return c, nil
}

// Calls are those that go on, and the last ones that did, the newest first.
func (t *Town) Calls() []*Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := slices.Clone(t.calls)
	slices.Reverse(out)
	return out
}

// Find returns a call by its id, or nil.
func (t *Town) Find(id int64) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.IndexFunc(t.calls, func(c *Call) bool { return c.ID == id }); i >= 0 {
		return t.calls[i]
	}
	return nil
}

// State is how far a call is.
type State string

// The states of a call.
const (
	Ringing State = "ringing"
	Talking State = "talking"
	Over    State = "over"
)

// Call is one call of somebody's telephone.
type Call struct {
	ID     int64
	Person Person
	ToHim  bool // he is rung; else he rings
	Since  time.Time

	town *Town
	line care.Line
	ear  *ear

	mu    sync.Mutex
	state State
	cause care.LineCause
	keys  string
}

// State tells how far the call is, why it ended, and which keys were pressed.
func (c *Call) State() (s State, cause care.LineCause, keys string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.cause, c.keys
}

func (c *Call) over() bool {
	s, _, _ := c.State()
	return s == Over
}

// follow lives through a call.
func (c *Call) follow() {
	var bridge *sound.Bridge
	for e := range c.line.Events() {
		switch e.Kind {
		case care.LineAnswered:
			bridge = c.town.mixer.Bridge()
			leg, ok := c.line.Media().(sound.Leg)
			if err := bridge.Add(c.ear, sound.Agent); err != nil || !ok {
				c.town.log.Warn("demo telephone: no sound", "err", err)
			} else if err := bridge.Add(leg, sound.Customer); err != nil {
				c.town.log.Warn("demo telephone: no sound", "err", err)
			}
			c.ear.begin()
			c.set(Talking, "")
			if c.ToHim && c.Person.Mood == Hurried {
				time.AfterFunc(thinks/2, func() { _ = c.Hangup() })
			}
		case care.LineEnded:
			c.set(Over, e.Cause)
		}
	}
	if bridge != nil {
		bridge.Close()
	}
	c.ear.close()
	c.set(Over, "")
}

func (c *Call) set(s State, cause care.LineCause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
	if cause != "" {
		c.cause = cause
	}
}

// Answer takes the telephone off.
func (c *Call) Answer() error { return c.line.Answer(context.Background()) }

// Hangup hangs up, or doesn't want the call.
func (c *Call) Hangup() error {
	if s, _, _ := c.State(); c.ToHim && s == Ringing {
		return c.line.Reject(care.CauseRejected)
	}
	return c.line.Hangup()
}

// Press presses a key.
func (c *Call) Press(key rune) error {
	c.mu.Lock()
	c.keys += string(key)
	c.mu.Unlock()
	c.ear.silence() // a machine listens: he says nothing more
	return c.line.SendDTMF(context.Background(), string(key))
}

// Listen gives what he hears from now on, 20 ms at a time, until the call is over or stop is called.
func (c *Call) Listen() (heard <-chan sound.Frame, stop func()) { return c.ear.listen() }

// Said is the sentence that he said last.
func (c *Call) Said() string { return c.ear.saying() }

// Heard tells how much sound other than silence he has heard.
func (c *Call) Heard() time.Duration { return c.ear.heardFor() }
