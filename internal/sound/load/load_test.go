package load_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"testing"
	"time"

	"opeka/internal/sound/load"
)

// TestMain is the half that is measured when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("OPEKA_SOUND_SERVE") != "" {
		if profile := os.Getenv("OPEKA_SOUND_PROFILE"); profile != "" { // of this half alone, for who wants to make it faster
			if f, err := os.Create(profile); err == nil && pprof.StartCPUProfile(f) == nil {
				defer pprof.StopCPUProfile()
			}
		}
		if err := load.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func self(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "OPEKA_SOUND_SERVE=1")
	return cmd
}

// A few calls of each kind: that sound goes through, is recorded, and that the figures are figures. How fast it is, a quiet machine tells
// with the benchmark.
func TestLoad(t *testing.T) {
	for _, o := range []load.Options{{Calls: 4}, {Calls: 4, Browser: true, Record: true}} {
		o.For, o.Dir = time.Second, t.TempDir()
		f, err := load.Measure(t.Context(), o, self)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(f)
		if f.Calls != 4 || f.CPU <= 0 || f.Ticks < 100 || f.Heard < 4*5 || f.Heard > f.Sent+100 {
			t.Errorf("%v; heard %d of %d", f, f.Heard, f.Sent)
		}
		if (f.Recorded > 4*16000) != o.Record {
			t.Errorf("recorded %d bytes", f.Recorded)
		}
	}
}

func BenchmarkCalls(b *testing.B) {
	for _, o := range []load.Options{{Calls: 150}, {Calls: 150, Record: true}, {Calls: 150, Browser: true, Record: true}} {
		b.Run(fmt.Sprintf("browser=%v,record=%v", o.Browser, o.Record), func(b *testing.B) {
			o.For, o.Dir = 20*time.Second, b.TempDir()
			for range b.N {
				f, err := load.Measure(b.Context(), o, self)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(100*f.CPU, "%core/call")
				b.ReportMetric(100*f.LateShare(), "%late")
				b.ReportMetric(float64(f.Worst.Microseconds())/1000, "worst-ms")
				b.ReportMetric(float64(f.Lost), "lost")
				b.ReportMetric(f.Memory/1024, "KB/call")
			}
		})
	}
}
