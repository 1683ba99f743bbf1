package rtp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"opeka/internal/sound"
	"opeka/internal/sound/tone"
)

// stream is a speaker's sound with the packets that carry it.
type stream struct {
	jitter
	src  *tone.Source
	ts   uint32
	size int
}

func newStream(size int) *stream {
	return &stream{src: tone.New(6000, 440), ts: 0xffffff00, size: size} // the timestamp wraps soon
}

func (s *stream) next() (uint32, []int16) {
	p := make([]int16, s.size)
	s.src.Fill(p)
	ts := s.ts
	s.ts += uint32(s.size)
	return ts, p
}

// hear plays n ticks; before each, arrive brings packets.
func (s *stream) hear(n int, arrive func(tick int)) (out []int16, silent int) {
	for i := range n {
		arrive(i)
		var f sound.Frame
		if !s.read(&f) {
			silent++
			f = sound.Frame{}
		}
		out = append(out, f[:]...)
	}
	return out, silent
}

func TestSteadyPacketsComeOutAsTheyWere(t *testing.T) {
	for _, size := range []int{80, 160, 240, 480} {
		s := newStream(size)
		whole := make([]int16, 16000)
		tone.New(6000, 440).Fill(whole)
		sent := 0
		out, _ := s.hear(90, func(tick int) {
			for ; sent <= tick*160; sent += size {
				s.push(s.next())
			}
		})
		first := slices.IndexFunc(out, func(v int16) bool { return v != 0 }) - 1 // the tone's first sample is 0
		if first < 0 || first > 4*160 || !slices.Equal(out[first:], whole[:len(out)-first]) || s.lost != 0 {
			t.Errorf("packets of %d: begins at %d, lost %d, or differs", size, first, s.lost)
		}
	}
}

func TestDisorderAndDoublesAreInvisible(t *testing.T) {
	s := newStream(160)
	whole := make([]int16, 16000)
	tone.New(6000, 440).Fill(whole)
	out, _ := s.hear(60, func(tick int) {
		if tick%2 == 0 { // pairs in the wrong order, both twice
			ts, p := s.next()
			ts2, p2 := s.next()
			s.push(ts2, p2)
			s.push(ts, p)
			s.push(ts2, p2)
			s.push(ts, p)
		}
	})
	first := slices.IndexFunc(out, func(v int16) bool { return v != 0 }) - 1
	if first < 0 || first > 320 || !slices.Equal(out[first:], whole[:len(out)-first]) || s.lost != 0 {
		t.Errorf("begins at %d, lost %d, late %d", first, s.lost, s.late)
	}
}

func TestLossIsCoveredAndCounted(t *testing.T) {
	s := newStream(160)
	r := rand.New(rand.NewPCG(3, 3))
	dropped := uint64(0)
	out, silent := s.hear(1000, func(tick int) {
		ts, p := s.next()
		if tick > 5 && tick < 990 && r.IntN(20) == 0 {
			dropped++
			return
		}
		s.push(ts, p)
	})
	if s.lost != dropped || silent > 2 {
		t.Errorf("lost %d of %d that were dropped; %d silent ticks", s.lost, dropped, silent)
	}
	for i := 1; i < len(out); i++ { // 440 Hz at 6000 makes steps of 2074
		if d := int(out[i]) - int(out[i-1]); d > 2600 || d < -2600 {
			t.Errorf("a click of %d at sample %d of tick %d", d, i%160, i/160)
		}
	}
	var power float64
	for i := 1600; i < len(out); i += 160 {
		power += tone.Power(out[i:i+160], 440) * 160 / float64(len(out)-1600)
	}
	if power < 0.95 {
		t.Errorf("the tone is %.2f of what is heard", power)
	}
}

// A network that becomes bad makes the buffer grow, and once it is good again the wait becomes short again.
func TestBufferGrowsAndShrinks(t *testing.T) {
	s := newStream(160)
	r := rand.New(rand.NewPCG(5, 5))
	type packet struct {
		ts uint32
		p  []int16
	}
	var held [][]packet
	deliver := func(spread int) func(int) {
		return func(int) {
			ts, p := s.next()
			d := 0
			if spread > 0 {
				d = r.IntN(spread)
			}
			for len(held) <= d {
				held = append(held, nil)
			}
			held[d] = append(held[d], packet{ts, p})
			for _, x := range held[0] {
				s.push(x.ts, x.p)
			}
			held = held[1:]
		}
	}
	s.hear(100, deliver(0))
	if s.level() > 2*160 {
		t.Errorf("on a good network sound waits for %d samples", s.level())
	}
	s.hear(500, deliver(6)) // up to 100 ms
	before := s.lost + s.late
	s.hear(1000, deliver(6))
	if more := s.lost + s.late - before; more > 15 {
		t.Errorf("with the buffer grown, %d frames of 1000 were still lost", more)
	}
	if s.level() < 3*160 {
		t.Errorf("the buffer grew to %d samples only", s.level())
	}
	s.hear(1500, deliver(0))
	if s.level() > 2*160 {
		t.Errorf("30 s later sound still waits for %d samples", s.level())
	}
}

func TestSpeakerStopsAndGoesOn(t *testing.T) {
	s := newStream(160)
	s.hear(50, func(int) { s.push(s.next()) })
	lost := s.lost
	_, silent := s.hear(50, func(int) {})
	if silent < 40 || s.state != idle || s.lost != lost {
		t.Errorf("%d silent ticks, state %d, %d lost", silent, s.state, s.lost-lost)
	}
	s.ts += 50 * 160
	if _, silent = s.hear(50, func(int) { s.push(s.next()) }); silent > 3 {
		t.Errorf("%d silent ticks after he went on", silent)
	}
	s.ts -= 1 << 30 // his clock jumps, as when another phone takes over
	if _, silent = s.hear(50, func(int) { s.push(s.next()) }); silent > 3 {
		t.Errorf("%d silent ticks after the jump", silent)
	}
}

// A clock that is 200 ppm too fast or slow costs a frame now and then, and no more.
func TestClocksDrift(t *testing.T) {
	for _, ppm := range []int{200, -200} {
		s := newStream(160)
		sent, silent := 0, 0
		s.hear(30000, func(tick int) { // ten minutes
			due := (tick + 1) * (1000000 + ppm) / 1000000
			for ; sent < due; sent++ {
				s.push(s.next())
			}
			if s.level() > 5*160 {
				t.Fatalf("%d ppm: waits for %d samples at tick %d", ppm, s.level(), tick)
			}
		})
		if silent > 0 || s.lost > 12 {
			t.Errorf("%d ppm: %d silent, %d lost", ppm, silent, s.lost)
		}
	}
}

func TestTooMuchAtOnceIsLeftOut(t *testing.T) {
	s := newStream(160)
	s.hear(10, func(int) { s.push(s.next()) })
	for range 40 {
		s.push(s.next())
	}
	s.read(new(sound.Frame))
	if s.level() > prefill {
		t.Errorf("%d samples wait", s.level())
	}
}

func BenchmarkJitter(b *testing.B) {
	s := newStream(160)
	_, p := s.next()
	var f sound.Frame
	b.ReportAllocs()
	for b.Loop() {
		s.push(s.ts, p)
		s.ts += 160
		s.read(&f)
	}
}
