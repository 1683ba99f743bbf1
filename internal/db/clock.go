package db

import (
	"sync"
	"time"
)

// Clock tells the time and wakes sleepers. The program runs on RealClock; tests and the
// preview of policies move a MovableClock instead of sleeping.
type Clock interface {
	Now() time.Time
	// Timer sends once on the channel when the clock reaches at; stop frees it.
	Timer(at time.Time) (c <-chan time.Time, stop func())
}

// RealClock is the machine's clock.
type RealClock struct{}

// Now returns the time in UTC, to the microsecond, as it will be stored.
func (RealClock) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Timer implements Clock.
func (RealClock) Timer(at time.Time) (<-chan time.Time, func()) {
	t := time.NewTimer(time.Until(at))
	return t.C, func() { t.Stop() }
}

// MovableClock runs like the real clock, shifted by what Move added. Timers that a move
// passes fire at once, so a journey can live through a week without sleeping.
type MovableClock struct {
	mu     sync.Mutex
	offset time.Duration
	moved  chan struct{}
}

// NewMovableClock returns a clock that now shows start and runs on from there.
func NewMovableClock(start time.Time) *MovableClock {
	return &MovableClock{offset: time.Until(start), moved: make(chan struct{})}
}

// Now implements Clock.
func (c *MovableClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset).UTC().Truncate(time.Microsecond)
}

// Move sets the clock ahead by d and wakes every timer that this passes.
func (c *MovableClock) Move(d time.Duration) {
	c.mu.Lock()
	c.offset += d
	close(c.moved)
	c.moved = make(chan struct{})
	c.mu.Unlock()
}

// Timer implements Clock.
func (c *MovableClock) Timer(at time.Time) (<-chan time.Time, func()) {
	out := make(chan time.Time, 1)
	quit := make(chan struct{})
	var once sync.Once
	go func() {
		for {
			c.mu.Lock()
			moved := c.moved
			c.mu.Unlock()
			t := time.NewTimer(at.Sub(c.Now()))
			select {
			case <-t.C:
				out <- c.Now()
				return
			case <-moved:
				t.Stop()
			case <-quit:
				t.Stop()
				return
			}
		}
	}()
	return out, func() { once.Do(func() { close(quit) }) }
}
