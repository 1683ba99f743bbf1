package rtp

import (
	"math"

	"opeka/internal/sound"
)

// jitter is a buffer in which packets wait for their turn: as long as the network makes it necessary, and no longer. It is a ring of
// samples, each at the place of its timestamp; so packets of any length, doubled and out of order, fall where they belong.
//
// It grows by standing still when it runs dry (the packet is late, not lost: the next one isn't there either), and shrinks by
// laying two frames over each other when for two seconds there was always more in it than needed.
type jitter struct {
	ring    [ringSize]int16
	play    uint32 // timestamp of the next sample to be heard
	head    uint32 // timestamp after the newest sample
	state   state
	waited  int // ticks in which it was filling
	last    sound.Frame
	gap     int // samples made up since the last true one
	dry     int // ticks in which it ran dry, in a row
	low     int // the least that was left after a tick, in this window
	ticks   int // of this window
	surplus int // ticks since which there is too much; 0: there isn't
	lost    uint64
	late    uint64
}

type state uint8

const (
	idle    state = iota // nothing comes
	filling              // the first packets wait for more
	playing
)

const (
	ringSize  = 8192 // a second
	none      = math.MinInt16
	prefill   = 2 * sound.Samples
	most      = 20 * sound.Samples    // 400 ms; more is left out at once
	window    = 100                   // ticks
	spare     = sound.Samples * 3 / 2 // what may be left over
	giveUp    = 5                     // dry ticks after which the speaker is taken to have stopped
	made      = 2 * sound.Samples     // of how much a gap is covered with what was heard before it
	blend     = sound.Rate / 200      // over which true sound takes over again
	quietness = 200 * 200
)

// nothingYet is what stands in the ring where nothing came.
var nothingYet = func() (f [sound.Samples]int16) {
	for i := range f {
		f[i] = none
	}
	return f
}()

func (j *jitter) reset(ts uint32) {
	for i := range j.ring {
		j.ring[i] = none
	}
	j.play, j.head, j.state, j.waited, j.dry, j.surplus = ts, ts, filling, 0, 0, 0
	j.low, j.ticks = math.MaxInt, 0
}

// push puts samples at their time; false means that they came after it.
func (j *jitter) push(ts uint32, samples []int16) bool {
	if j.state == idle {
		j.reset(ts)
	}
	offset := int(int32(ts - j.play))
	if offset < 0 && j.state == filling && offset > -ringSize/4 {
		j.play, offset = ts, 0
	}
	if offset < -ringSize/2 || offset+len(samples) > ringSize {
		j.reset(ts) // the speaker's clock jumped
		offset = 0
	}
	if offset+len(samples) <= 0 {
		j.late++
		return false
	}
	if j.dry > 0 { // it was waited for this one
		j.lost += uint64(j.dry)
		if hole := int(int32(ts-j.head)) / sound.Samples; hole > 0 && j.state == playing {
			skip := min(j.dry, hole) * sound.Samples // what was waited for will never come
			j.play += uint32(skip)
			offset -= skip
		}
		j.dry = 0
	}
	early := samples[max(0, -offset):] // what isn't too late of it
	at := (ts + uint32(len(samples)-len(early))) % ringSize
	copy(j.ring[:], early[copy(j.ring[at:], early):])
	if end := ts + uint32(len(samples)); int32(end-j.head) > 0 {
		j.head = end
	}
	return true
}

func (j *jitter) level() int { return int(int32(j.head - j.play)) }

// read takes the next frame; false when nobody speaks.
func (j *jitter) read(f *sound.Frame) bool {
	switch j.state {
	case idle:
		return false
	case filling:
		if j.waited++; j.level() < prefill && j.waited < 4 {
			return false
		}
		j.state, j.last, j.gap = playing, sound.Frame{}, 0
	}
	if j.level() < sound.Samples {
		return j.wait(f)
	}
	if j.level() > most {
		j.drop(j.level() - prefill)
	}
	j.take(f)
	if j.surplus > 0 && j.level() >= sound.Samples {
		if j.surplus++; j.surplus > window/2 || sound.Loud(f) < quietness {
			var next sound.Frame
			j.take(&next)
			for i := range f {
				f[i] = int16((int32(f[i])*int32(sound.Samples-i) + int32(next[i])*int32(i)) / sound.Samples)
			}
			j.surplus = 0
		}
	}
	if j.gap == 0 {
		j.last = *f
	}
	j.low = min(j.low, j.level())
	if j.ticks++; j.ticks >= window {
		if j.low >= spare && j.surplus == 0 {
			j.surplus = 1
		}
		j.low, j.ticks = math.MaxInt, 0
	}
	return true
}

// wait covers a tick for which nothing has come yet.
func (j *jitter) wait(f *sound.Frame) bool {
	j.low = 0
	if j.dry++; j.dry > giveUp {
		j.state = idle
		return false
	}
	j.cover(f)
	j.gap += sound.Samples
	return true
}

// take moves a frame out of the ring and covers what is missing in it.
func (j *jitter) take(f *sound.Frame) {
	missing := 0
	at := int(j.play % ringSize)
	n := copy(f[:], j.ring[at:])
	copy(j.ring[at:], nothingYet[:n])
	copy(j.ring[:], nothingYet[:copy(f[n:], j.ring[:])])
	for _, v := range f {
		if v == none {
			missing++
		}
	}
	j.play += sound.Samples
	if missing == 0 && j.gap == 0 {
		return
	}
	var cover sound.Frame
	j.cover(&cover)
	if missing == 0 { // the first true frame after a gap
		for i := range blend {
			f[i] = int16((int32(cover[i])*int32(blend-i) + int32(f[i])*int32(i)) / blend)
		}
		j.gap = 0
		return
	}
	for i, v := range f {
		if v == none {
			f[i] = cover[i]
		}
	}
	if j.gap += sound.Samples; missing < sound.Samples {
		j.gap = 0 // there was something true in it
	}
	if missing >= sound.Samples/2 {
		j.lost++
	}
}

// cover makes up sound for a gap: what was heard last, backwards and then forwards, fading.
func (j *jitter) cover(f *sound.Frame) {
	for i := range f {
		at := j.gap + i
		if at >= made {
			f[i] = 0
			continue
		}
		v := j.last[at%sound.Samples]
		if at < sound.Samples {
			v = j.last[sound.Samples-1-at]
		}
		f[i] = int16(int32(v) * int32(made-at) / made)
	}
}

func (j *jitter) drop(n int) {
	n -= n % sound.Samples
	for i := range n {
		j.ring[(j.play+uint32(i))%ringSize] = none
	}
	j.play += uint32(n)
}
