// Package sound carries speech: it owns frames, the legs that give and take them, the bridges in which legs meet, and the
// clock that drives all bridges. It knows nothing of shops, of calls or of how a call is set up: who is joined with whom,
// and what is played to whom, is for others to say. It never blocks in a tick, and a frame that isn't there is silence.
package sound

import (
	"slices"
	"time"
)

// Everything in here is 8 kHz, mono, 16 bit, in steps of 20 ms: what G.711 carries, which every telephone and every browser speaks.
const (
	Rate    = 8000
	Period  = 20 * time.Millisecond
	Samples = 160
)

// Frame is 20 ms of sound.
type Frame [Samples]int16

// Leg is one party of a bridge: a telephone, a browser, a player. Its methods are called once per tick by the bridge that holds
// it, never by two at a time, and must not wait for anything.
type Leg interface {
	// Read puts the next frame of what the party says into f. False means that there is none in this tick; f is then of no use.
	Read(f *Frame) bool
	// Write gives the party the next frame to hear. f is the bridge's own and changes after the call.
	Write(f *Frame)
}

// Lossy is a Leg that counts the frames that should have come and didn't.
type Lossy interface {
	Lost() uint64
}

// Keyed is a Leg that hears keys of a telephone.
type Keyed interface {
	// OnDTMF names who is told of keys 0-9, *, #, A-D; one at a time and in order, beside the tick. There is one; nil ends it.
	OnDTMF(f func(key rune))
}

// Silence is a leg that says nothing and hears nothing.
type Silence struct{}

// Read implements Leg.
func (Silence) Read(*Frame) bool { return false }

// Write implements Leg.
func (Silence) Write(*Frame) {}

var silent Frame

// fadeIn makes a sound that starts in the middle of a wave start softly: 5 ms, too short to swallow a consonant.
func fadeIn(s []int16) {
	const n = Rate / 200
	for i := range min(n, len(s)) {
		s[i] = int16(int32(s[i]) * int32(i) / n)
	}
}

// tail makes an end for a sound that stopped after f: f backwards and fading, which begins at the very sample at which f ended.
func tail(f *Frame, out *Frame) {
	const n = Samples / 2
	*out = Frame{}
	for i := range n {
		out[i] = int16(int32(f[Samples-1-i]) * int32(n-i) / n)
	}
}

// Loud tells how loud a frame is: its mean square.
func Loud(f *Frame) int64 {
	var sum int64
	for _, v := range f {
		sum += int64(v) * int64(v)
	}
	return sum / Samples
}

func remove[T comparable](list []T, item T) []T {
	if i := slices.Index(list, item); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
