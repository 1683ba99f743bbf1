package wav_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"opeka/internal/sound/wav"
)

// Two seconds: loud left in the first, half as loud right in the second.
func TestAShapeShowsWhoSpokeWhen(t *testing.T) {
	f := wav.Format{Coding: wav.PCM, Channels: 2, Rate: 8000, Bits: 16}
	var body []byte
	for i := range 16000 {
		left, right := 0, 0
		if i < 8000 {
			left = 32000
		} else {
			right = -16384
		}
		body = append(body, byte(left), byte(left>>8), byte(right), byte(right>>8))
	}
	s, err := wav.Shaped(bytes.NewReader(append(wav.Header(f, int64(len(body))), body...)), 10)
	if err != nil || s.Length != 2*time.Second || len(s.Peaks) != 2 || len(s.Peaks[0]) != 10 {
		t.Fatalf("%+v, %v", s, err)
	}
	for i := range 10 {
		left, right := 98, 0
		if i >= 5 {
			left, right = 0, 50
		}
		if s.Peaks[0][i] != left || s.Peaks[1][i] != right {
			t.Errorf("part %d: %d and %d, want %d and %d", i, s.Peaks[0][i], s.Peaks[1][i], left, right)
		}
	}
	if _, err := wav.Shaped(bytes.NewReader(wav.Header(f, -1)), 10); !errors.Is(err, wav.ErrLong) {
		t.Errorf("one whose length nobody knows: %v", err)
	}
	if s, err := wav.Shaped(bytes.NewReader(wav.Header(f, 0)), 10); err != nil || s.Length != 0 {
		t.Errorf("an empty one: %+v, %v", s, err)
	}
}
