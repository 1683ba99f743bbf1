// Package tone makes and measures pure tones: the keys of a telephone in both directions, signals, and the tones by which tests prove
// who hears whom. It works on samples at 8 kHz and owns nothing.
package tone

import "math"

const rate = 8000

// Power tells how much of a tone is in the samples, as the share of the samples' own power: near 1 for the tone alone, near 0 without it. (Goertzel)
func Power(samples []int16, hz float64) float64 {
	var energy float64
	for _, v := range samples {
		energy += float64(v) * float64(v)
	}
	if energy == 0 || len(samples) == 0 {
		return 0
	}
	return 2 * goertzel(samples, hz) / (energy * float64(len(samples)))
}

// Level is the amplitude of a tone in the samples: 32767 for the loudest.
func Level(samples []int16, hz float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	return 2 * math.Sqrt(goertzel(samples, hz)) / float64(len(samples))
}

func goertzel(samples []int16, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/rate)
	return recursion(samples, c)
}

func recursion(samples []int16, c float64) float64 {
	var a, b float64
	for _, v := range samples {
		a, b = float64(v)+c*a-b, a
	}
	return a*a + b*b - c*a*b
}

// Source makes tones, without a break between calls.
type Source struct {
	hz        []float64
	amplitude float64
	at        int
}

// New returns a source of the sum of tones, each of the amplitude (32767 is the loudest).
func New(amplitude float64, hz ...float64) *Source { return &Source{hz: hz, amplitude: amplitude} }

// Fill puts the next samples into s.
func (t *Source) Fill(s []int16) {
	for i := range s {
		var v float64
		for _, hz := range t.hz {
			v += t.amplitude * math.Sin(2*math.Pi*hz*float64(t.at)/rate)
		}
		s[i] = int16(max(min(v, math.MaxInt16), math.MinInt16))
		t.at++
	}
	t.at %= rate // all tones of whole hertz are where they began
}
