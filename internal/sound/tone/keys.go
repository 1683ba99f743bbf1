package tone

import "strings"

// The tones of a telephone's keys: a row and a column each.
var (
	rows    = [4]float64{697, 770, 852, 941}
	columns = [4]float64{1209, 1336, 1477, 1633}
)

const keys = "123A456B789C*0#D"

// Key returns the source of a key's two tones; nil when there is no such key.
func Key(key rune) *Source {
	i := strings.IndexRune(keys, key)
	if i < 0 {
		return nil
	}
	return New(8000, rows[i/4], columns[i%4])
}

// Keys hears keys in the sound itself, for trunks that send them so.
type Keys struct {
	candidate, current byte
	misses             int
}

// block is how much is looked at at once: 20 ms, in which neighbouring tones stand apart well enough. A key counts when two
// blocks running agree, which at least 40 ms of tone give; speech hardly ever does.
const block = 160

// Hear looks at the next 20 ms and returns a key when one begins, else 0.
func (k *Keys) Hear(samples []int16) rune {
	found := find(samples)
	if k.current != 0 {
		if found == k.current {
			k.misses = 0
			return 0
		}
		if k.misses++; k.misses < 2 {
			return 0
		}
		k.current, k.misses = 0, 0
	}
	if found != 0 && found == k.candidate {
		k.current, k.candidate = found, 0
		return rune(found)
	}
	k.candidate = found
	return 0
}

// find names the key whose tones these samples are; 0 when they are something else.
func find(samples []int16) byte {
	if len(samples) != block {
		return 0
	}
	var energy float64
	for _, v := range samples {
		energy += float64(v) * float64(v)
	}
	const faint = 200 * 200 * block // about -44 dBm0
	if energy < faint {
		return 0
	}
	row, r, second := strongest(samples, &rows)
	column, c, other := strongest(samples, &columns)
	const (
		twist  = 6.3 // the two tones may differ by 8 dB
		apart  = 4.0 // and each stands 6 dB above its neighbours
		mostly = 0.7 // and the two are most of what is heard
	)
	switch {
	case r > twist*c || c > twist*r:
		return 0
	case r < apart*second || c < apart*other:
		return 0
	case 2*(r+c)/(energy*block) < mostly:
		return 0
	}
	return keys[4*row+column]
}

func strongest(samples []int16, of *[4]float64) (at int, most, second float64) {
	for i, hz := range of {
		switch p := goertzel(samples, hz); {
		case p > most:
			at, most, second = i, p, most
		case p > second:
			second = p
		}
	}
	return at, most, second
}
