package tone

import "math"

// Signal returns a tone that comes and goes once, to be played over and over: 425 Hz, a second on and four off, is what Europe hears while it rings.
func Signal(on, off int, hz ...float64) []int16 {
	s := make([]int16, rate*(on+off)/1000)
	New(5000, hz...).Fill(s[:rate*on/1000])
	soften(s[:rate*on/1000])
	return s
}

// Ringing is heard while the other side's telephone rings.
func Ringing() []int16 { return Signal(1000, 4000, 425) }

// Busy is heard when it is busy.
func Busy() []int16 { return Signal(500, 500, 425) }

// Beep is heard before a message is taken.
func Beep() []int16 { return Signal(300, 0, 1000) }

func soften(s []int16) {
	const n = rate / 200
	for i := range min(n, len(s)/2) {
		s[i] = int16(int(s[i]) * i / n)
		s[len(s)-1-i] = int16(int(s[len(s)-1-i]) * i / n)
	}
}

// Music is quiet music to wait by, of nobody's composing, for stores that have none of their own: four slow broken chords, 16 seconds, to be
// played over and over.
func Music() []int16 {
	const beat = rate / 2
	chords := [4][4]float64{{261.63, 329.63, 392, 523.25}, {220, 261.63, 329.63, 440}, {174.61, 220, 349.23, 440}, {196, 246.94, 293.66, 392}}
	order := [8]int{0, 1, 2, 3, 2, 1, 3, 2}
	out := make([]float64, 4*8*beat)
	for c, chord := range chords {
		for i, note := range order {
			begin := (c*8 + i) * beat
			for n := range 3 * beat { // a note rings on under those after it
				t := float64(n) / rate
				v := math.Exp(-2.2*t) * min(t*100, 1) * (math.Sin(2*math.Pi*chord[note]*t) + 0.3*math.Sin(4*math.Pi*chord[note]*t))
				out[(begin+n)%len(out)] += 2200 * v * min(1, float64(3*beat-n)/400)
			}
		}
	}
	s := make([]int16, len(out))
	for i, v := range out {
		s[i] = int16(max(min(v, math.MaxInt16), math.MinInt16))
	}
	return s
}
