package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"opeka/internal/app"
)

// Machine is what the figures were measured on; without it they mean nothing.
type Machine struct {
	CPU         string    `json:"cpu"`
	Cores       int       `json:"cores"`
	MemoryMB    int64     `json:"memory_mb"`
	Kernel      string    `json:"kernel"`
	Go          string    `json:"go"`
	Opeka       string    `json:"opeka"`
	At          time.Time `json:"at"`
	LoadAtStart float64   `json:"load_at_start"` // average of the last minute
	LoadAtEnd   float64   `json:"load_at_end"`
	Busy        bool      `json:"busy"` // with something else, when the run began
}

func machine() Machine {
	m := Machine{CPU: valueIn("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Go: runtime.Version(), Opeka: app.Version, At: time.Now().UTC().Truncate(time.Second), LoadAtStart: loadAverage()}
	kb, _ := strconv.ParseInt(strings.TrimSuffix(valueIn("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	m.MemoryMB = kb >> 10
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = runtime.GOOS + " " + strings.TrimSpace(string(release))
	m.Busy = m.LoadAtStart > 0.3*float64(m.Cores)
	return m
}

func (m *Machine) print(w io.Writer, quick bool) {
	fmt.Fprintf(w, "Opeka %s on %d x %s, %d MB, %s, %s, %s\n", m.Opeka, m.Cores, m.CPU, m.MemoryMB, m.Kernel, m.Go, m.At.Format(time.RFC3339))
	if m.Busy {
		fmt.Fprintf(w, "WARNING: the machine is busy with something else (load average %.2f on %d cores): the figures are worse than it can do.\n", m.LoadAtStart, m.Cores)
	}
	if quick {
		fmt.Fprintln(w, "QUICK RUN: small seeds and short loads. These figures show that everything works; they aren't those that were promised.")
	}
	fmt.Fprintln(w)
}

// loadAverage is that of the last minute; 0 where it can't be told.
func loadAverage() float64 {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// valueIn finds "name : value" in a file of /proc.
func valueIn(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
