package tone_test

import (
	"math/rand/v2"
	"testing"

	"opeka/internal/sound/tone"
)

func TestToneIsMeasured(t *testing.T) {
	s := make([]int16, 800)
	tone.New(6000, 440, 1000).Fill(s)
	for hz, want := range map[float64]float64{440: 6000, 1000: 6000, 700: 0, 1700: 0} {
		if got := tone.Level(s, hz); got < want-150 || got > want+150 {
			t.Errorf("%v Hz: level %.0f, want %.0f", hz, got, want)
		}
	}
	if p := tone.Power(s, 440); p < 0.45 || p > 0.55 {
		t.Errorf("440 Hz is %.2f of the whole", p)
	}
	if tone.Power(make([]int16, 160), 440) != 0 || tone.Level(nil, 440) != 0 {
		t.Error("silence has power")
	}
}

func TestSourceGoesOnWithoutABreak(t *testing.T) {
	whole, parts := make([]int16, 16000), make([]int16, 16000)
	tone.New(5000, 350, 440).Fill(whole)
	src := tone.New(5000, 350, 440)
	for i := 0; i < len(parts); i += 160 {
		src.Fill(parts[i : i+160])
	}
	for i := range whole {
		if d := int(whole[i]) - int(parts[i]); d > 1 || d < -1 {
			t.Fatalf("sample %d: %d and %d", i, whole[i], parts[i])
		}
	}
}

// heard plays samples to a listener and returns the keys it heard.
func heard(s []int16) (out string) {
	var k tone.Keys
	for i := 0; i+160 <= len(s); i += 160 {
		if r := k.Hear(s[i : i+160]); r != 0 {
			out += string(r)
		}
	}
	return out
}

func TestKeysAreHeard(t *testing.T) {
	const all = "0123456789*#ABCD0077"
	for offset := range 8 { // keys don't begin where blocks do
		s := make([]int16, offset*20)
		for _, key := range all {
			beep := make([]int16, 640) // 80 ms
			tone.Key(key).Fill(beep)
			s = append(append(s, beep...), make([]int16, 480)...)
		}
		r := rand.New(rand.NewPCG(1, uint64(offset)))
		for i := range s {
			s[i] += int16(r.IntN(601) - 300)
		}
		if got := heard(s); got != all {
			t.Errorf("offset %d: heard %q", offset*20, got)
		}
	}
}

func TestOtherSoundsAreNoKeys(t *testing.T) {
	noise := make([]int16, 80000)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range noise {
		noise[i] = int16(r.IntN(20000) - 10000)
	}
	dial := make([]int16, 80000)
	tone.New(8000, 350, 440).Fill(dial)
	one := make([]int16, 80000)
	tone.New(8000, 941).Fill(one)
	faint := make([]int16, 80000)
	tone.New(60, 697, 1209).Fill(faint)
	for name, s := range map[string][]int16{"noise": noise, "dial tone": dial, "one tone": one, "a key too faint": faint} {
		if got := heard(s); got != "" {
			t.Errorf("%s: heard %q", name, got)
		}
	}
	if tone.Key('x') != nil {
		t.Error("x is no key")
	}
}
