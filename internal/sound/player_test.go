package sound_test

import (
	"math"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/tone"
)

func beep(hz float64, d time.Duration) []int16 {
	s := make([]int16, sound.Rate*d/time.Second)
	tone.New(6000, hz).Fill(s)
	return s
}

type ended struct {
	name  string
	whole bool
}

func listen(p *sound.Player, d time.Duration) (out []int16) {
	for range d / sound.Period {
		var f sound.Frame
		if !p.Read(&f) {
			f = sound.Frame{}
		}
		out = append(out, f[:]...)
	}
	return out
}

func TestAnnouncementsComeInOrderOverMusic(t *testing.T) {
	p := sound.NewPlayer(beep(440, 8*time.Second))
	done := make(chan ended, 10)
	tell := func(name string, whole bool) { done <- ended{name, whole} }
	if !soundtest.Holds(listen(p, 300*time.Millisecond), 440) {
		t.Error("no music")
	}
	p.Play(
		sound.Item{Name: "place", Sound: beep(650, 300*time.Millisecond), Done: tell},
		sound.Item{Name: "number", Sound: beep(870, 150*time.Millisecond), Times: 2, Done: tell},
		sound.Item{Name: "goodbye", Sound: beep(1110, 300*time.Millisecond), Pause: 300 * time.Millisecond, Done: tell},
	)
	if name, ok := p.Playing(); name != "place" || !ok {
		t.Errorf("plays %q", name)
	}
	for _, hz := range []float64{650, 870, 0, 1110, 440} {
		s := listen(p, 300*time.Millisecond)
		for _, other := range []float64{440, 650, 870, 1110} {
			if got := soundtest.Holds(s, other); got != (other == hz) {
				t.Errorf("while %v Hz was due, %v was heard: %v", hz, other, got)
			}
		}
	}
	for _, want := range []string{"place", "number", "goodbye"} {
		if got := <-done; got != (ended{want, true}) {
			t.Errorf("ended %+v, want %s", got, want)
		}
	}
}

func TestAnnouncementsAreCutShort(t *testing.T) {
	p := sound.NewPlayer(nil)
	if p.Read(new(sound.Frame)) {
		t.Error("a player without anything speaks")
	}
	done := make(chan ended, 10)
	tell := func(name string, whole bool) { done <- ended{name, whole} }
	p.Play(sound.Item{Name: "one", Sound: beep(440, time.Second), Done: tell},
		sound.Item{Name: "two", Sound: beep(650, time.Second), Done: tell},
		sound.Item{Name: "three", Sound: beep(870, time.Second), Done: tell})
	heard := listen(p, 210*time.Millisecond)
	p.Skip()
	heard = append(heard, listen(p, 310*time.Millisecond)...)
	if !soundtest.Holds(heard, 650) {
		t.Error("the second isn't heard after the first was skipped")
	}
	p.Stop()
	heard = append(heard, listen(p, 300*time.Millisecond)...)
	if soundtest.Holds(heard, 650) || soundtest.Holds(heard, 870) {
		t.Error("something is heard after all was stopped")
	}
	for _, want := range []string{"one", "two", "three"} {
		if got := <-done; got != (ended{want, false}) {
			t.Errorf("ended %+v, want %s cut short", got, want)
		}
	}
	for i := 1; i < len(heard); i++ {
		if d := math.Abs(float64(heard[i]) - float64(heard[i-1])); d > 6000*2*math.Pi*650/sound.Rate+200 {
			t.Errorf("a click of %.0f at sample %d", d, i)
		}
	}
	if _, ok := p.Playing(); ok {
		t.Error("something plays after Stop")
	}
	p.Play(sound.Item{Name: "empty", Done: tell})
	listen(p, 20*time.Millisecond)
	if got := <-done; got != (ended{"empty", true}) {
		t.Errorf("an empty sound ended %+v", got)
	}
}

func TestSignalsAndMusic(t *testing.T) {
	if s := tone.Ringing(); len(s) != 5*sound.Rate || !soundtest.Holds(s[:sound.Rate], 425) || soundtest.Holds(s, 425) {
		t.Error("the ringing tone is wrong")
	}
	s := tone.Music()
	var f sound.Frame
	loud := int64(0)
	for i := 0; i+sound.Samples <= len(s); i += sound.Samples {
		copy(f[:], s[i:])
		loud = max(loud, sound.Loud(&f))
	}
	if level := math.Sqrt(float64(loud)); level < 1000 || level > 8000 {
		t.Errorf("the music is %.0f loud", level)
	}
	if d := math.Abs(float64(s[0]) - float64(s[len(s)-1])); d > 800 {
		t.Errorf("a click of %.0f where the music begins anew", d)
	}
}

// A trunk that sends keys as tones: they are heard while the caller is in a bridge, and go on to whoever hears him.
func TestKeysAreHeardInTheSound(t *testing.T) {
	m := sound.NewStill()
	b := m.Bridge()
	var press []int16
	for _, key := range "42#" {
		s := make([]int16, 800)
		tone.Key(key).Fill(s)
		press = append(append(press, s...), make([]int16, 800)...)
	}
	caller := sound.NewPlayer(nil)
	caller.Play(sound.Item{Sound: press})
	leg := sound.HearKeys(caller)
	keys := make(chan rune, 10)
	leg.OnDTMF(func(key rune) { keys <- key })
	must(t, b.Add(leg, sound.Customer))
	for range 50 {
		m.Step()
	}
	for _, want := range "42#" {
		if got := <-keys; got != want {
			t.Errorf("key %q, want %q", got, want)
		}
	}
	if leg.Lost() != 0 {
		t.Error("a player lost frames")
	}
}
