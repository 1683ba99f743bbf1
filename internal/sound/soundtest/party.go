// Package soundtest has parties for tests of calls: each says a tone of its own and remembers what it heard, so that a test can ask who
// hears whom. Equal tones cancel each other; give each party its own.
package soundtest

import (
	"sync"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/tone"
)

// Party is a sound.Leg that says one tone.
type Party struct {
	mu    sync.Mutex
	says  *tone.Source
	quiet bool
	heard []int16
	all   bool
	wake  chan struct{} // closed with each frame that is heard, when somebody waits
}

// Says returns a party that says a tone; 0 Hz is a party that says nothing.
func Says(hz float64) *Party {
	if hz == 0 {
		return &Party{}
	}
	return &Party{says: tone.New(6000, hz)}
}

// Read implements sound.Leg.
func (p *Party) Read(f *sound.Frame) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.says == nil || p.quiet {
		return false
	}
	p.says.Fill(f[:])
	return true
}

// Write implements sound.Leg.
func (p *Party) Write(f *sound.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) >= 2*sound.Rate && !p.all {
		p.heard = append(p.heard[:0], p.heard[sound.Rate:]...)
	}
	p.heard = append(p.heard, f[:]...)
	if p.wake != nil {
		close(p.wake)
		p.wake = nil
	}
}

// Await waits until a tone is heard, or isn't heard any more; false when that doesn't come about in a minute.
func (p *Party) Await(hz float64, heard bool) bool {
	for end := time.After(time.Minute); ; {
		p.mu.Lock()
		if p.wake == nil {
			p.wake = make(chan struct{})
		}
		wake := p.wake
		p.mu.Unlock()
		if p.Hears(hz) == heard {
			return true
		}
		select {
		case <-wake:
		case <-end:
			return false
		}
	}
}

// Quiet has the party stop its tone, or go on.
func (p *Party) Quiet(quiet bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = quiet
}

// Keep has the party remember everything from now on, not the last second or two alone.
func (p *Party) Keep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.heard = true, nil
}

// Forget begins the memory anew.
func (p *Party) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = nil
}

// Heard is what the party remembers.
func (p *Party) Heard() []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int16(nil), p.heard...)
}

// Hears tells whether a tone was in the last 200 ms that the party heard: a twentieth of full loudness at least.
func (p *Party) Hears(hz float64) bool { return Holds(p.Heard(), hz) }

// Holds tells whether a tone is in the last 200 ms of the samples.
func Holds(s []int16, hz float64) bool {
	const n = sound.Rate / 5
	if len(s) > n {
		s = s[len(s)-n:]
	}
	return len(s) == n && tone.Level(s, hz) > 1600
}

// Next waits for the next frame that the party hears, a second at most.
func (p *Party) Next() {
	p.mu.Lock()
	if p.wake == nil {
		p.wake = make(chan struct{})
	}
	wake := p.wake
	p.mu.Unlock()
	select {
	case <-wake:
	case <-time.After(time.Second):
	}
}
