package sound

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// late is how much a tick may come after its time before it counts as late; a jitter buffer at the far end covers that much.
const late = 5 * time.Millisecond

// Mixer is the clock that drives all bridges: a few goroutines, each with its share of bridges and its own phase within the 20 ms.
type Mixer struct {
	shards  []*shard
	stop    chan struct{}
	done    sync.WaitGroup
	next    atomic.Uint64
	bridges atomic.Int64
	legs    atomic.Int64
	ticks   atomic.Uint64
	late    atomic.Uint64
	lost    atomic.Uint64 // of legs that have left
	worst   atomic.Int64
}

// Counters are what a mixer has done so far.
type Counters struct {
	Bridges, Legs int
	Ticks, Late   uint64        // of bridges; late by more than 5 ms
	Lost          uint64        // frames that should have come to legs and didn't
	Worst         time.Duration // delay of a tick since the counters were last asked for
}

// NewMixer starts a mixer.
func NewMixer() *Mixer {
	m := NewStill()
	m.stop = make(chan struct{})
	start := time.Now()
	for i, s := range m.shards {
		phase := Period * time.Duration(i) / time.Duration(len(m.shards))
		m.done.Go(func() { s.run(m, start.Add(phase)) })
	}
	return m
}

// NewStill returns a mixer whose clock stands: Step moves it, for tests.
func NewStill() *Mixer {
	m := &Mixer{}
	for range max(4, 2*runtime.GOMAXPROCS(0)) {
		m.shards = append(m.shards, &shard{wake: make(chan struct{}, 1)})
	}
	return m
}

// Step makes one tick of every bridge.
func (m *Mixer) Step() {
	for _, s := range m.shards {
		for _, b := range *s.load() {
			b.tick()
			m.ticks.Add(1)
		}
	}
}

// Bridge makes an empty bridge.
func (m *Mixer) Bridge() *Bridge {
	n := m.next.Add(1)
	s := m.shards[n%uint64(len(m.shards))]
	b := &Bridge{mixer: m, shard: s, order: n}
	m.bridges.Add(1)
	s.add(b)
	return b
}

// Counters tells what the mixer has done.
func (m *Mixer) Counters() Counters {
	c := Counters{
		Bridges: int(m.bridges.Load()), Legs: int(m.legs.Load()), Ticks: m.ticks.Load(), Late: m.late.Load(), Lost: m.lost.Load(),
		Worst: time.Duration(m.worst.Swap(0)),
	}
	for _, s := range m.shards {
		for _, b := range *s.load() {
			c.Lost += b.lost()
		}
	}
	return c
}

func (b *Bridge) lost() (n uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members {
		if l, ok := m.leg.(Lossy); ok && !m.gone {
			n += l.Lost()
		}
	}
	return n
}

// Close stops the clock. Bridges and legs stay as they are.
func (m *Mixer) Close() {
	if m.stop != nil {
		close(m.stop)
		m.done.Wait()
	}
}

// shard is a share of the bridges. The list is copied when it changes, so that a tick holds no lock on it.
type shard struct {
	mu      sync.Mutex
	bridges atomic.Pointer[[]*Bridge]
	wake    chan struct{}
}

func (s *shard) load() *[]*Bridge {
	if l := s.bridges.Load(); l != nil {
		return l
	}
	return &[]*Bridge{}
}

func (s *shard) add(b *Bridge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append(slices.Clone(*s.load()), b)
	s.bridges.Store(&list)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard) remove(b *Bridge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := remove(slices.Clone(*s.load()), b)
	s.bridges.Store(&list)
	b.mixer.bridges.Add(-1)
}

// run ticks until the mixer closes. It sleeps while there is no bridge, and gives up ticks that are long past (a machine that was suspended).
func (s *shard) run(m *Mixer, due time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		list := *s.load()
		if len(list) == 0 {
			select {
			case <-m.stop:
				return
			case <-s.wake:
			}
			due = catchUp(due, time.Now())
			continue
		}
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-m.stop:
				return
			case <-timer.C:
			}
		} else {
			select {
			case <-m.stop:
				return
			default:
			}
		}
		for _, b := range list {
			behind := time.Since(due)
			if behind > late {
				m.late.Add(1)
			}
			if int64(behind) > m.worst.Load() {
				m.worst.Store(int64(behind))
			}
			b.tick()
		}
		m.ticks.Add(uint64(len(list)))
		due = due.Add(Period)
		if now := time.Now(); now.Sub(due) > 10*Period {
			next := catchUp(due, now)
			missed := uint64(next.Sub(due)/Period) * uint64(len(list))
			m.ticks.Add(missed)
			m.late.Add(missed)
			due = next
		}
	}
}

// catchUp is the first tick after now that keeps the phase.
func catchUp(due, now time.Time) time.Time {
	if behind := now.Sub(due); behind > 0 {
		due = due.Add((behind/Period + 1) * Period)
	}
	return due
}
