package record_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/record"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/wav"
)

const (
	customerHz = 440
	agentHz    = 650
)

// talk makes a bridge with two who speak and a recording of them.
func talk(t *testing.T, o record.Options) (m *sound.Mixer, r *record.Recorder, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "call.wav")
	r, err := record.Create(path, o)
	if err != nil {
		t.Fatal(err)
	}
	m = sound.NewStill()
	b := m.Bridge()
	if err := errors.Join(b.Add(soundtest.Says(customerHz), sound.Customer), b.Add(soundtest.Says(agentHz), sound.Agent)); err != nil {
		t.Fatal(err)
	}
	b.Record(r)
	return m, r, path
}

func run(m *sound.Mixer, d time.Duration) {
	for range d / sound.Period {
		m.Step()
	}
}

func channels(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := wav.Channels(bytes.NewReader(b))
	if err != nil || len(c) != 2 {
		t.Fatalf("%d channels, %v", len(c), err)
	}
	return c[0], c[1]
}

func check(t *testing.T, what string, left, right []int16, talking bool) {
	t.Helper()
	for _, x := range []struct {
		side string
		s    []int16
		hz   float64
		want bool
	}{{"left", left, customerHz, talking}, {"left", left, agentHz, false}, {"right", right, agentHz, talking}, {"right", right, customerHz, false}} {
		if got := soundtest.Holds(x.s, x.hz); got != x.want {
			t.Errorf("%s: %s holds %v Hz: %v", what, x.side, x.hz, got)
		}
	}
}

func TestCustomerLeftAgentRightSilenceInPauses(t *testing.T) {
	for name, c := range map[string]struct {
		coding wav.Coding
		size   int64 // of a second
	}{"A-law": {0, 16000}, "mu-law": {wav.MuLaw, 16000}, "PCM": {wav.PCM, 32000}} {
		t.Run(name, func(t *testing.T) {
			m, r, path := talk(t, record.Options{Coding: c.coding})
			run(m, 2*time.Second)
			r.Pause()
			run(m, time.Second)
			r.Resume()
			run(m, 1100*time.Millisecond)
			sum, err := r.Close()
			if err != nil || sum.Length != 4100*time.Millisecond || sum.Paused != time.Second || sum.Missed != 0 {
				t.Errorf("%+v, %v", sum, err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Size() != sum.Size || sum.Size < c.size*41/10 || sum.Size > c.size*41/10+64 {
				t.Errorf("size %v, want %d, %v", info, sum.Size, err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("others may read it: %v", info.Mode())
			}
			left, right := channels(t, path)
			if len(left) != 4100*8 {
				t.Fatalf("%d samples", len(left))
			}
			check(t, "before", left[:2*8000], right[:2*8000], true)
			for i, v := range left[2*8000 : 3*8000] {
				if v > 8 || v < -8 || right[2*8000+i] > 8 || right[2*8000+i] < -8 {
					t.Fatalf("card data at sample %d of the pause", i)
				}
			}
			check(t, "after", left, right, true)
			if repaired, err := wav.Repair(path); repaired || err != nil {
				t.Errorf("a recording that was closed needs repair: %v", err)
			}
			run(m, time.Second) // the bridge needn't know that it is closed
			if _, err := r.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("closing twice: %v", err)
			}
		})
	}
}

// The program dies: what was said up to a second before is there after Repair.
func TestRecordingSurvivesACrash(t *testing.T) {
	m, r, path := talk(t, record.Options{})
	run(m, 3*time.Second+500*time.Millisecond)
	r.Flushed()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "left.wav")
	if err := os.WriteFile(left, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if repaired, err := wav.Repair(left); !repaired || err != nil {
		t.Fatal(repaired, err)
	}
	l, rt := channels(t, left)
	if len(l) != 3*8000 {
		t.Errorf("%d samples are left of 3.5 s", len(l))
	}
	check(t, "after the crash", l, rt, true)
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Create(path, record.Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a recording was begun over another: %v", err)
	}
}
