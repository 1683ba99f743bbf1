package sound

import "math/bits"

// mix adds up what an ear hears in this tick. With one speaker who spoke before, as in most ticks of most calls, there is nothing to add.
func (b *Bridge) mix(e *ear, audible uint64, of *member) *Frame {
	starting, ending := audible&^e.heard, e.heard&^audible
	e.heard = audible
	switch {
	case starting|ending != 0 || e.tail:
	case audible == 0:
		e.last = &silent
		return e.last
	case audible&(audible-1) == 0:
		e.last = &b.voice(uint(bits.TrailingZeros64(audible)), of).frames[b.now]
		return e.last
	}
	b.sum = [Samples]int32{}
	var f Frame
	if e.tail {
		tail(&e.out, &f)
		b.addFrame(&f)
		e.tail = false
	}
	for rest := audible; rest != 0; rest &= rest - 1 {
		slot := uint(bits.TrailingZeros64(rest))
		v := &b.voice(slot, of).frames[b.now]
		if starting&(1<<slot) != 0 {
			f = *v
			fadeIn(f[:])
			v = &f
		}
		b.addFrame(v)
	}
	for rest := ending; rest != 0; rest &= rest - 1 {
		// A voice that ended had a frame in the tick before, if only it is still here.
		if v := b.voice(uint(bits.TrailingZeros64(rest)), of); v != nil && v.has[b.now^1] {
			tail(&v.frames[b.now^1], &f)
			b.addFrame(&f)
		}
	}
	for i, v := range b.sum {
		e.out[i] = clip(v)
	}
	e.last = &e.out
	return e.last
}

func (b *Bridge) voice(slot uint, of *member) *voice {
	if slot == musicSlot {
		return &of.music
	}
	for _, m := range b.members {
		if m.slot == slot {
			return &m.said
		}
	}
	return nil
}

func (b *Bridge) addFrame(f *Frame) {
	for i, v := range f {
		b.sum[i] += int32(v)
	}
}

// clip keeps a sum within 16 bits: two who shout at once are heard loud, not as the crackle of numbers that wrap around.
func clip(v int32) int16 {
	const most, least = 1<<15 - 1, -1 << 15
	return int16(min(max(v, least), most))
}
