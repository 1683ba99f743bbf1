package sound_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
)

const (
	customerHz = 440
	agentHz    = 650
	otherHz    = 870
	fourthHz   = 1110
)

// cast are parties in one bridge, with a clock that the test moves.
type cast struct {
	*testing.T
	mixer  *sound.Mixer
	bridge *sound.Bridge
}

func newCast(t *testing.T) *cast {
	m := sound.NewStill()
	return &cast{t, m, m.Bridge()}
}

func (c *cast) add(hz float64, role sound.Role) *soundtest.Party {
	c.Helper()
	p := soundtest.Says(hz)
	if err := c.bridge.Add(p, role); err != nil {
		c.Fatal(err)
	}
	return p
}

func (c *cast) run(d time.Duration) {
	for range d / sound.Period {
		c.mixer.Step()
	}
}

// hears checks everything that a party hears now, and that it hears nothing else.
func (c *cast) hears(who string, p *soundtest.Party, want ...float64) {
	c.Helper()
	for _, hz := range []float64{customerHz, agentHz, otherHz, fourthHz} {
		if got := p.Hears(hz); got != slices.Contains(want, hz) {
			c.Errorf("%s hears %v Hz: %v", who, hz, got)
		}
	}
}

func TestWhoHearsWhom(t *testing.T) {
	for _, x := range []struct {
		role            sound.Role
		hears           []float64
		customer, agent bool // hear it
	}{
		{sound.Customer, []float64{customerHz, agentHz}, true, true},
		{sound.Agent, []float64{customerHz, agentHz}, true, true},
		{sound.Listen, []float64{customerHz, agentHz}, false, false},
		{sound.Whisper, []float64{customerHz, agentHz}, false, true},
		{sound.Barge, []float64{customerHz, agentHz}, true, true},
		{sound.Consult, []float64{agentHz}, false, true},
		{sound.Prompt, nil, true, true},
	} {
		t.Run(x.role.String(), func(t *testing.T) {
			c := newCast(t)
			customer, agent, third := c.add(customerHz, sound.Customer), c.add(agentHz, sound.Agent), c.add(otherHz, x.role)
			c.run(400 * time.Millisecond)
			toCustomer, toAgent := []float64{agentHz}, []float64{customerHz}
			if x.customer {
				toCustomer = append(toCustomer, otherHz)
			}
			if x.agent {
				toAgent = append(toAgent, otherHz)
			}
			c.hears("customer", customer, toCustomer...)
			c.hears("agent", agent, toAgent...)
			c.hears("third", third, x.hears...)
		})
	}
}

// Not a sample of the whisper reaches the customer, from its first to its last tick.
func TestCustomerHearsNothingOfAWhisper(t *testing.T) {
	c := newCast(t)
	customer := soundtest.Says(0)
	customer.Keep()
	if err := c.bridge.Add(customer, sound.Customer); err != nil {
		t.Fatal(err)
	}
	agent := c.add(0, sound.Agent)
	supervisor := c.add(otherHz, sound.Listen)
	c.run(200 * time.Millisecond)
	if err := c.bridge.SetRole(supervisor, sound.Whisper); err != nil {
		t.Fatal(err)
	}
	c.run(300 * time.Millisecond)
	c.hears("agent", agent, otherHz)
	if err := c.bridge.SetRole(supervisor, sound.Listen); err != nil {
		t.Fatal(err)
	}
	c.run(300 * time.Millisecond)
	c.hears("agent", agent)
	if i := slices.IndexFunc(customer.Heard(), func(v int16) bool { return v != 0 }); i >= 0 {
		t.Errorf("the customer heard sample %d", i)
	}
	if err := c.bridge.SetRole(supervisor, sound.Barge); err != nil {
		t.Fatal(err)
	}
	c.run(300 * time.Millisecond)
	c.hears("customer", customer, otherHz)
}

func TestHoldMuteConsultAndHandOver(t *testing.T) {
	c := newCast(t)
	customer, agent := c.add(customerHz, sound.Customer), c.add(agentHz, sound.Agent)
	if err := c.bridge.Mute(agent, true); err != nil {
		t.Fatal(err)
	}
	c.run(400 * time.Millisecond)
	c.hears("customer, agent muted", customer)
	c.hears("muted agent", agent, customerHz)
	must(t, c.bridge.Mute(agent, false), c.bridge.Hold(customer, soundtest.Says(fourthHz)))
	colleague := c.add(otherHz, sound.Consult)
	c.run(400 * time.Millisecond)
	c.hears("held customer", customer, fourthHz)
	c.hears("agent", agent, otherHz)
	c.hears("colleague", colleague, agentHz)
	must(t, c.bridge.Resume(customer), c.bridge.SetRole(colleague, sound.Agent), c.bridge.Remove(agent))
	c.run(400 * time.Millisecond)
	c.hears("customer handed over", customer, otherHz)
	c.hears("colleague", colleague, customerHz)
	if err := c.bridge.Remove(agent); err != sound.ErrNoLeg {
		t.Errorf("removing a leg twice: %v", err)
	}
	if got := c.bridge.Parties(); len(got) != 2 || got[0].Role != sound.Customer || got[0].Held {
		t.Errorf("parties %+v", got)
	}
}

// A step between two samples is a click. With tones of this loudness the steepest natural step is known.
func TestChangesDontClick(t *testing.T) {
	c := newCast(t)
	customer := soundtest.Says(customerHz)
	customer.Keep()
	must(t, c.bridge.Add(customer, sound.Customer))
	agent, supervisor := c.add(agentHz, sound.Agent), c.add(otherHz, sound.Listen)
	music := soundtest.Says(150)
	second := c.mixer.Bridge()
	other := soundtest.Says(150)
	must(t, second.Add(other, sound.Agent))
	for i, step := range []func() error{
		func() error { return c.bridge.SetRole(supervisor, sound.Barge) },
		func() error { return c.bridge.Mute(agent, true) },
		func() error { return c.bridge.Mute(agent, false) },
		func() error { return c.bridge.Hold(customer, music) },
		func() error { return c.bridge.Resume(customer) },
		func() error { return c.bridge.SetRole(supervisor, sound.Listen) },
		func() error { return c.bridge.Remove(agent) },
		func() error { return c.bridge.Add(agent, sound.Agent) },
		func() error { return sound.Move(customer, c.bridge, second, sound.Customer) },
		func() error { return sound.Move(customer, second, c.bridge, sound.Customer) },
		func() error { agent.Quiet(true); return nil },
	} {
		c.run(time.Duration(3+i)*sound.Period + sound.Period)
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	c.run(400 * time.Millisecond)
	steepest := 0.0
	for _, hz := range []float64{agentHz, otherHz, 150} {
		steepest += 6000 * 2 * math.Pi * hz / sound.Rate
	}
	heard := customer.Heard()
	for i := 1; i < len(heard); i++ {
		if d := math.Abs(float64(heard[i]) - float64(heard[i-1])); d > steepest {
			t.Errorf("a click of %.0f at sample %d of tick %d (at most %.0f is natural)", d, i%sound.Samples, i/sound.Samples, steepest)
		}
	}
	c.hears("customer at the end", customer)
}

func TestLoudVoicesAreClippedNotWrapped(t *testing.T) {
	c := newCast(t)
	listener := c.add(0, sound.Agent)
	for range 3 {
		must(t, c.bridge.Add(new(loud), sound.Customer))
	}
	c.run(100 * time.Millisecond)
	heard := listener.Heard()
	if got := heard[len(heard)-1]; got != math.MaxInt16 {
		t.Errorf("three loud voices became %d", got)
	}
}

type loud struct{ _ [1]byte }

func (*loud) Read(f *sound.Frame) bool {
	for i := range f {
		f[i] = 30000
	}
	return true
}
func (*loud) Write(*sound.Frame) {}

type tap struct{ left, right []int16 }

func (t *tap) Tap(left, right *sound.Frame) {
	for _, x := range []struct {
		f  *sound.Frame
		to *[]int16
	}{{left, &t.left}, {right, &t.right}} {
		if x.f == nil {
			x.f = &sound.Frame{}
		}
		*x.to = append(*x.to, x.f[:]...)
	}
}

func TestTapHasCustomersLeftAndWhomTheyHearRight(t *testing.T) {
	c := newCast(t)
	customer, agent := c.add(customerHz, sound.Customer), c.add(agentHz, sound.Agent)
	c.add(otherHz, sound.Whisper)
	var rec tap
	c.bridge.Record(&rec)
	c.run(400 * time.Millisecond)
	for _, x := range []struct {
		side string
		s    []int16
		hz   float64
		want bool
	}{
		{"left", rec.left, customerHz, true}, {"left", rec.left, agentHz, false}, {"left", rec.left, otherHz, false},
		{"right", rec.right, agentHz, true}, {"right", rec.right, customerHz, false}, {"right", rec.right, otherHz, false},
	} {
		if got := soundtest.Holds(x.s, x.hz); got != x.want {
			t.Errorf("%s holds %v Hz: %v", x.side, x.hz, got)
		}
	}
	must(t, c.bridge.Hold(customer, nil), c.bridge.Mute(agent, true))
	c.run(400 * time.Millisecond)
	if soundtest.Holds(rec.left, customerHz) || soundtest.Holds(rec.right, agentHz) {
		t.Error("a held customer or a muted agent is recorded")
	}
	n := len(rec.left)
	c.bridge.Record(nil)
	c.run(100 * time.Millisecond)
	if len(rec.left) != n {
		t.Error("recorded after the end")
	}
}

func TestBridgeHasLimitsAndAnEnd(t *testing.T) {
	c := newCast(t)
	first := c.add(customerHz, sound.Customer)
	if err := c.bridge.Add(first, sound.Agent); err == nil {
		t.Error("a leg was added twice")
	}
	for range sound.MaxLegs - 1 {
		c.add(0, sound.Agent)
	}
	if err := c.bridge.Add(soundtest.Says(0), sound.Agent); err != sound.ErrFull {
		t.Errorf("one too many: %v", err)
	}
	if n := c.mixer.Counters(); n.Legs != sound.MaxLegs || n.Bridges != 1 {
		t.Errorf("counters %+v", n)
	}
	c.bridge.Close()
	c.bridge.Close()
	c.run(40 * time.Millisecond)
	if err := c.bridge.Add(first, sound.Customer); err != sound.ErrClosed {
		t.Errorf("adding to a closed bridge: %v", err)
	}
	if n := c.mixer.Counters(); n.Legs != 0 || n.Bridges != 0 || n.Ticks != 0 {
		t.Errorf("counters after the end %+v", n)
	}
}

// A call that comes and goes takes all places again and again.
func TestPlacesAreUsedAgain(t *testing.T) {
	c := newCast(t)
	listener := c.add(0, sound.Agent)
	for range 200 {
		p := c.add(customerHz, sound.Customer)
		c.mixer.Step()
		c.mixer.Step()
		must(t, c.bridge.Remove(p))
		c.mixer.Step()
	}
	c.run(400 * time.Millisecond)
	c.hears("listener", listener)
}

// The clock itself: bridges are driven at 50 ticks a second, each shard by its own phase, and stop when it closes.
func TestMixerTicks(t *testing.T) {
	m := sound.NewMixer()
	ticked := make(chan struct{}, 1000)
	for range 10 {
		b := m.Bridge()
		must(t, b.Add(signal(ticked), sound.Agent))
	}
	for range 100 {
		select {
		case <-ticked:
		case <-time.After(time.Minute):
			t.Fatal("no tick")
		}
	}
	m.Close()
	if c := m.Counters(); c.Ticks < 90 || c.Bridges != 10 || c.Legs != 10 {
		t.Errorf("counters %+v", c)
	}
}

type signal chan struct{}

func (s signal) Read(*sound.Frame) bool { return false }
func (s signal) Write(*sound.Frame) {
	select {
	case s <- struct{}{}:
	default:
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkTick(b *testing.B) {
	m := sound.NewStill()
	bridge := m.Bridge()
	_ = bridge.Add(&babbler{1}, sound.Customer)
	_ = bridge.Add(&babbler{2}, sound.Agent)
	_ = bridge.Add(&babbler{3}, sound.Whisper)
	b.ReportAllocs()
	for b.Loop() {
		m.Step()
	}
}

type babbler struct{ v int16 }

func (l *babbler) Read(f *sound.Frame) bool { f[0] = l.v; return true }
func (l *babbler) Write(*sound.Frame)       {}
