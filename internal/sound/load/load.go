// Package load measures what bridged calls cost. The half that is measured runs in a process of its own, so that what the telephones and
// browsers at the other ends cost isn't counted; both share the machine, as a customer's machine is shared by what else it does.
package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/rtp"
	"opeka/internal/sound/soundtest/webpeer"
)

// Options are what is measured.
type Options struct {
	Calls   int
	Browser bool // the agent sits at a browser (WebRTC), else at a telephone (RTP)
	Record  bool
	Dir     string // for recordings
	For     time.Duration
}

// Figures are what was found.
type Figures struct {
	Calls       int
	CPU         float64 // of one core, per call: 0.0025 is a quarter of a percent
	Ticks, Late uint64  // of bridges, by more than 5 ms
	Worst       time.Duration
	Lost        uint64  // frames that had to be made up, on the way in
	Memory      float64 // of the process, per call, in bytes
	Recorded    int64   // bytes
	Heard       uint64  // packets that came back to telephones
	Sent        uint64  // packets that they sent
}

// LateShare is how many of the ticks came late.
func (f Figures) LateShare() float64 { return float64(f.Late) / float64(max(f.Ticks, 1)) }

func (f Figures) String() string {
	return fmt.Sprintf("%d calls: %.3f %% of a core each, %.3f %% of %d ticks late (worst %v), %d frames lost, %.0f KB each",
		f.Calls, 100*f.CPU, 100*f.LateShare(), f.Ticks, f.Worst.Round(time.Millisecond/10), f.Lost, f.Memory/1024)
}

// Exchange is the door's half of the conversation between the two processes: one line of JSON each.
type request struct {
	Op      string // call, begin, end
	Phone   string // offers
	Agent   string
	Browser bool
	Record  string // file
}

type response struct {
	Phone, Agent string // answers
	Figures      Figures
	Error        string
}

var loopback = netip.MustParseAddr("127.0.0.1")

// Measure makes calls through the process that command starts, which must call Serve with its input and output.
func Measure(ctx context.Context, o Options, command func(ctx context.Context) *exec.Cmd) (out Figures, err error) {
	cmd := command(ctx)
	in, err := cmd.StdinPipe()
	if err != nil {
		return out, err
	}
	reply, err := cmd.StdoutPipe()
	if err != nil {
		return out, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, in.Close(), cmd.Wait()) }()
	house := &remote{to: json.NewEncoder(in), from: json.NewDecoder(bufio.NewReader(reply))}

	far := sound.NewMixer()
	defer far.Close()
	phones := make([]*rtp.Session, o.Calls)
	defer func() {
		for _, p := range phones {
			if p != nil {
				_ = p.Close()
			}
		}
	}()
	var g errgroup.Group
	g.SetLimit(8) // hand-shakes at once
	for i := range o.Calls {
		g.Go(func() error {
			end, err := house.call(far, o, i)
			phones[i] = end
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	pause := func(d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	if err := pause(2 * time.Second); err != nil {
		return out, err
	}
	if _, err := house.ask(request{Op: "begin"}); err != nil {
		return out, err
	}
	if err := pause(o.For); err != nil {
		return out, err
	}
	end, err := house.ask(request{Op: "end"})
	if err != nil {
		return out, err
	}
	for _, p := range phones {
		st := p.Stats()
		end.Figures.Heard += st.In.Packets
		end.Figures.Sent += uint64(st.Out.Packets)
	}
	return end.Figures, nil
}

// remote is the other process.
type remote struct {
	mu   sync.Mutex
	to   *json.Encoder
	from *json.Decoder
}

func (r *remote) ask(q request) (a response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.to.Encode(q); err != nil {
		return a, err
	}
	if err := r.from.Decode(&a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// call sets up one: a customer's telephone, and an agent at a browser or a telephone.
func (r *remote) call(far *sound.Mixer, o Options, i int) (*rtp.Session, error) {
	phone, err := rtp.Listen(rtp.Options{IP: loopback, Ports: rtp.Range{Low: 40000, High: 49999}})
	if err != nil {
		return nil, err
	}
	q := request{Op: "call", Phone: string(phone.Offer(false)), Browser: o.Browser}
	if o.Record {
		q.Record = filepath.Join(o.Dir, fmt.Sprintf("call%d.wav", i))
	}
	var agent sound.Leg
	if o.Browser {
		agent, err = webpeer.Dial(g711.A, func(offer string) (string, error) {
			q.Agent = offer
			a, err := r.ask(q)
			if err != nil {
				return "", err
			}
			return a.Agent, phone.Accept([]byte(a.Phone))
		})
	} else {
		var other *rtp.Session
		if other, err = rtp.Listen(rtp.Options{IP: loopback, Ports: rtp.Range{Low: 40000, High: 49999}}); err == nil {
			q.Agent = string(other.Offer(false))
			var a response
			if a, err = r.ask(q); err == nil {
				err = errors.Join(phone.Accept([]byte(a.Phone)), other.Accept([]byte(a.Agent)))
			}
			agent = other
		}
	}
	if err != nil {
		return phone, err
	}
	for _, l := range []sound.Leg{phone, agent} {
		b := far.Bridge()
		if err := errors.Join(b.Add(l, sound.Customer), b.Add(&talker{}, sound.Agent)); err != nil {
			return phone, err
		}
	}
	return phone, nil
}

// talker says the same syllable for ever.
type talker struct{ n int }

func (t *talker) Read(f *sound.Frame) bool {
	for i := range f {
		t.n++
		f[i] = int16((t.n*37)%8000 - 4000)
	}
	return true
}

func (t *talker) Write(*sound.Frame) {}

// Serve is the half that is measured.
func Serve(in io.Reader, out io.Writer) error {
	h, err := newHouse()
	if err != nil {
		return err
	}
	defer h.close()
	from, to := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q request
		if err := from.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := h.do(q)
		if err != nil {
			a.Error = err.Error()
		}
		if err := to.Encode(a); err != nil {
			return err
		}
	}
}
