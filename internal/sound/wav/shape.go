package wav

import (
	"io"
	"time"
)

// Shape is what a recording looks like: how long it is, and how loud each channel gets in each of equal parts of it.
type Shape struct {
	Length time.Duration
	Peaks  [][]int // by channel; 0..100
}

// Shaped reads a recording once, from beginning to end, and holds no more of it than its shape.
func Shaped(r io.Reader, parts int) (s Shape, err error) {
	l, err := scan(r)
	if err != nil {
		return s, err
	}
	if l.size == unknown || l.size > MaxBytes {
		return s, ErrLong
	}
	samples := l.size / int64(l.format.block())
	each := max(1, (samples+int64(parts)-1)/int64(parts))
	s.Peaks = make([][]int, l.format.Channels)
	top, n := make([]float32, l.format.Channels), int64(0)
	flush := func() {
		for c := range top {
			s.Peaks[c] = append(s.Peaks[c], int(min(top[c], 1)*100+0.5))
			top[c] = 0
		}
	}
	err = blocks(io.LimitReader(r, l.size), l.format, func(v []float32) {
		for c, x := range v {
			top[c] = max(top[c], x, -x)
		}
		if n++; n%each == 0 {
			flush()
		}
	})
	if n%each != 0 {
		flush()
	}
	s.Length = time.Duration(n) * time.Second / time.Duration(l.format.Rate)
	return s, err
}
