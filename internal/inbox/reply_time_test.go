package inbox

import (
	"testing"
	"time"
)

func TestWhatIsUsual(t *testing.T) {
	minutes := func(n ...int) (out []time.Duration) {
		for _, x := range n {
			out = append(out, time.Duration(x)*time.Minute)
		}
		return out
	}
	for _, c := range []struct {
		took []time.Duration
		want int64
	}{
		{nil, 0},
		{minutes(1, 1, 1, 1), 0}, // too few to say
		{minutes(0, 0, 0, 0, 0), 1},
		{minutes(9, 2, 1, 1, 3, 2, 600, 2), 3},
		{minutes(7, 7, 7, 7, 7), 10},
		{minutes(21, 22, 23, 24, 25), 30},
		{minutes(61, 70, 80, 85, 300), 90},
		{minutes(300, 300, 300, 1, 300), 0}, // hours aren't told in minutes
	} {
		if got := usually(c.took); got != c.want {
			t.Errorf("%v: %d, want %d", c.took, got, c.want)
		}
	}
}
