package wav

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
)

// MaxBytes is how large a file may be: half an hour of CD sound.
const MaxBytes = 320 << 20

// Read makes 8 kHz mono samples of a file: of any usual rate, of several channels, of integers, floats or G.711.
func Read(r io.Reader) ([]int16, error) { return read(r, false) }

// Piped is Read of what a program writes while it makes it: the header's length, written before anybody knew it, means nothing.
func Piped(r io.Reader) ([]int16, error) { return read(r, true) }

func read(r io.Reader, piped bool) ([]int16, error) {
	l, err := scan(r)
	if err != nil {
		return nil, err
	}
	size := l.size
	if piped || size == 0 || size == unknown { // or a file that was never finished
		size = MaxBytes
	} else if size > MaxBytes {
		return nil, ErrLong
	}
	mono, err := decode(io.LimitReader(r, size), l.format)
	if err != nil {
		return nil, err
	}
	return Resample(mono, l.format.Rate, sound.Rate), nil
}

// Channels reads a recording of calls: each channel by itself, as it was recorded.
func Channels(r io.Reader) (channels [][]int16, rate int, err error) {
	l, err := scan(r)
	if err != nil {
		return nil, 0, err
	}
	size := l.size
	if size == 0 || size > MaxBytes {
		size = MaxBytes
	}
	channels = make([][]int16, l.format.Channels)
	err = blocks(io.LimitReader(r, size), l.format, func(s []float32) {
		for i, v := range s {
			channels[i] = append(channels[i], round(v))
		}
	})
	return channels, l.format.Rate, err
}

func decode(r io.Reader, f Format) (mono []float32, err error) {
	share := 1 / float32(f.Channels)
	err = blocks(r, f, func(s []float32) {
		var sum float32
		for _, v := range s {
			sum += v
		}
		mono = append(mono, sum*share)
	})
	return mono, err
}

// blocks calls f with one sample of each channel after the other, in -1..1. A block cut off at the end is left out.
func blocks(r io.Reader, f Format, each func(s []float32)) error {
	size, width := f.block(), f.Bits/8
	buf := make([]byte, size*4096)
	s := make([]float32, f.Channels)
	for {
		n, err := io.ReadFull(r, buf)
		for at := 0; at+size <= n; at += size {
			for c := range s {
				s[c] = sample(buf[at+c*width:], f)
			}
			each(s)
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return fmt.Errorf("wav: %w", err)
		}
	}
}

func sample(b []byte, f Format) float32 {
	le := binary.LittleEndian
	switch f.Coding {
	case ALaw, MuLaw:
		law := g711.A
		if f.Coding == MuLaw {
			law = g711.Mu
		}
		var v [1]int16
		law.Decode(v[:], b[:1])
		return float32(v[0]) / (1 << 15)
	case float:
		v := float64(math.Float32frombits(le.Uint32(b)))
		if f.Bits == 64 {
			v = math.Float64frombits(le.Uint64(b))
		}
		if math.IsNaN(v) {
			return 0
		}
		return float32(max(min(v, 1), -1))
	}
	switch f.Bits {
	case 8:
		return (float32(b[0]) - 128) / (1 << 7)
	case 16:
		return float32(int16(le.Uint16(b))) / (1 << 15)
	case 24:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	}
	return float32(int32(le.Uint32(b))) / (1 << 31)
}

func round(v float32) int16 {
	return int16(max(min(math.Round(float64(v)*(1<<15)), math.MaxInt16), math.MinInt16))
}

// Resample changes the rate of samples. What the new rate can't carry is filtered out before, or it would come back as noise.
func Resample(in []float32, from, to int) []int16 {
	if from == to {
		out := make([]int16, len(in))
		for i, v := range in {
			out[i] = round(v)
		}
		return out
	}
	const zeros = 16 // of the filter, to each side: about 80 dB
	g := gcd(from, to)
	up, down := to/g, from/g
	cut := 0.94 * min(1, float64(to)/float64(from))
	half := int(math.Ceil(zeros / cut))
	phases := make([][]float32, up) // made when first needed: some rates have thousands
	out := make([]int16, int(int64(len(in))*int64(to)/int64(from)))
	for n := range out {
		at := int64(n) * int64(down)
		base, phase := int(at/int64(up)), int(at%int64(up))
		taps := phases[phase]
		if taps == nil {
			taps = filter(float64(phase)/float64(up), cut, half)
			phases[phase] = taps
		}
		var sum float32
		first := base - half + 1
		for i, t := range taps {
			if k := first + i; k >= 0 && k < len(in) {
				sum += in[k] * t
			}
		}
		out[n] = round(sum)
	}
	return out
}

// filter is a windowed sinc around a point between two samples.
func filter(fraction, cut float64, half int) []float32 {
	taps := make([]float32, 2*half)
	var sum float64
	for i := range taps {
		x := float64(i-half+1) - fraction
		v := cut
		if x != 0 {
			v = math.Sin(math.Pi*cut*x) / (math.Pi * x)
		}
		w := x / float64(half)
		v *= 0.42 + 0.5*math.Cos(math.Pi*w) + 0.08*math.Cos(2*math.Pi*w) // Blackman
		taps[i] = float32(v)
		sum += v
	}
	for i := range taps {
		taps[i] /= float32(sum)
	}
	return taps
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
