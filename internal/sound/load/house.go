package load

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/sound/record"
	"opeka/internal/sound/rtp"
)

// house is what is measured: a mixer, a door for browsers, telephones, and recordings.
type house struct {
	mixer     *sound.Mixer
	door      *browser.Door
	phones    []*rtp.Session
	recorders []*record.Recorder
	bridges   []*sound.Bridge

	began  time.Time
	cpu    time.Duration
	before sound.Counters
}

func newHouse() (*house, error) {
	door, err := browser.New(browser.Options{Listen: netip.AddrPortFrom(loopback, 0)})
	if err != nil {
		return nil, err
	}
	return &house{mixer: sound.NewMixer(), door: door}, nil
}

func (h *house) close() {
	h.mixer.Close()
	for _, r := range h.recorders {
		_, _ = r.Close()
	}
	for _, p := range h.phones {
		_ = p.Close()
	}
	_ = h.door.Close()
}

func (h *house) do(q request) (response, error) {
	switch q.Op {
	case "call":
		return h.call(q)
	case "begin":
		h.began, h.cpu, h.before = time.Now(), cpu(), h.mixer.Counters()
		return response{}, nil
	case "end":
		return response{Figures: h.figures()}, nil
	}
	return response{}, fmt.Errorf("load: %q", q.Op)
}

func (h *house) phone(offer string) (*rtp.Session, string, error) {
	s, err := rtp.Listen(rtp.Options{IP: loopback, Ports: rtp.Range{Low: 50000, High: 59999}})
	if err != nil {
		return nil, "", err
	}
	h.phones = append(h.phones, s)
	answer, err := s.Answer([]byte(offer))
	return s, string(answer), err
}

func (h *house) call(q request) (a response, err error) {
	customer, answer, err := h.phone(q.Phone)
	if err != nil {
		return a, err
	}
	a.Phone = answer
	var agent sound.Leg
	if q.Browser {
		agent, a.Agent, err = h.door.Answer(q.Agent)
	} else {
		agent, a.Agent, err = h.phone(q.Agent)
	}
	if err != nil {
		return a, err
	}
	b := h.mixer.Bridge()
	h.bridges = append(h.bridges, b)
	if q.Record != "" {
		r, err := record.Create(q.Record, record.Options{})
		if err != nil {
			return a, err
		}
		h.recorders = append(h.recorders, r)
		b.Record(r)
	}
	return a, errors.Join(b.Add(customer, sound.Customer), b.Add(agent, sound.Agent))
}

func (h *house) figures() Figures {
	c, calls := h.mixer.Counters(), len(h.bridges)
	f := Figures{
		Calls: calls, CPU: float64(cpu()-h.cpu) / float64(time.Since(h.began)) / float64(max(calls, 1)),
		Ticks: c.Ticks - h.before.Ticks, Late: c.Late - h.before.Late, Worst: c.Worst, Lost: c.Lost - h.before.Lost,
		Memory: float64(resident()) / float64(max(calls, 1)),
	}
	for _, r := range h.recorders {
		sum, err := r.Close()
		if err == nil {
			f.Recorded += sum.Size
		}
	}
	h.recorders = nil
	return f
}

// cpu is what the process used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is how much memory the process has; 0 where the system doesn't tell.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.ParseInt(f[1], 10, 64)
	return n * int64(os.Getpagesize())
}
