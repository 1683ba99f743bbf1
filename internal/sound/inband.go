package sound

import (
	"sync"

	"opeka/internal/sound/tone"
)

// Inband is a leg whose keys are heard in its sound, for trunks that send no events. It stands for the leg in bridges.
type Inband struct {
	Leg
	keys  tone.Keys
	aside Aside

	mu    sync.Mutex
	onKey func(key rune)
}

// HearKeys returns a leg that listens for keys in what the other one says.
func HearKeys(leg Leg) *Inband { return &Inband{Leg: leg} }

// OnDTMF implements Keyed.
func (l *Inband) OnDTMF(f func(key rune)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onKey = f
}

// Read implements Leg.
func (l *Inband) Read(f *Frame) bool {
	if !l.Leg.Read(f) {
		l.keys.Hear(silent[:])
		return false
	}
	if key := l.keys.Hear(f[:]); key != 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		if tell := l.onKey; tell != nil {
			l.aside.Do(func() { tell(key) })
		}
	}
	return true
}

// Lost implements Lossy.
func (l *Inband) Lost() uint64 {
	if lossy, ok := l.Leg.(Lossy); ok {
		return lossy.Lost()
	}
	return 0
}
