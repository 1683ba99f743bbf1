package sip

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
	"opeka/test/world/ports"
)

// need skips a test where a program isn't installed.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s isn't installed: scripts/install.sh does it", program)
	}
	return path
}

// program is another program that a test runs with; it ends with the test.
type program struct {
	*exec.Cmd
	out  bytes.Buffer
	done chan error
}

func launch(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(name, args...), done: make(chan error, 1)}
	p.Stdout, p.Stderr = &p.out, &p.out
	p.WaitDelay = time.Second
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { p.done <- p.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.out.String())
		}
	})
	return p
}

// listens waits until somebody has the port: /proc says so.
func listens(t *testing.T, network string, port int) {
	t.Helper()
	want := fmt.Sprintf(":%04X ", port)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(soon); ; {
		b, err := os.ReadFile("/proc/net/" + network)
		if err != nil {
			t.Skip("no /proc to see ports in")
		}
		for _, line := range strings.Split(string(b), "\n") {
			if f := strings.Fields(line); len(f) > 1 && strings.HasSuffix(f[1]+" ", want) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("nobody listens on %d", port)
		}
	}
}

func sipp(t *testing.T, scenario string, port int, transport string, args ...string) *program {
	t.Helper()
	bin := need(t, "sipp")
	file, err := filepath.Abs(filepath.Join("testdata", scenario))
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{"-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", fmt.Sprint(port), "-t", transport, "-m", "1", "-nostdin", "-mp", fmt.Sprint(ports.Free(t)), "-rtp_echo"}, args...)
	return launch(t, bin, all...)
}

func (p *program) succeeds(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			t.Fatalf("sipp: %v", err)
		}
	case <-time.After(soon):
		t.Fatal("sipp isn't done")
	}
}

func TestCallOutToSipp(t *testing.T) {
	t.Parallel()
	for transport, short := range map[string]string{"udp": "u1", "tcp": "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			port := ports.Free(t)
			other := sipp(t, "uas.xml", port, short)
			listens(t, transport, port)
			s := testStack(t, Options{})
			tr := start(t, s, map[string]any{"mode": "ip", "server": fmt.Sprintf("127.0.0.1:%d", port), "transport": transport, "keepalive": 0}, "")
			l := dial(t, tr, care.Dialing{})
			taken(t, l)

			mixer := sound.NewMixer()
			t.Cleanup(mixer.Close)
			bridge := mixer.Bridge()
			me := soundtest.Says(700)
			if err := bridge.Add(me, sound.Agent); err != nil {
				t.Fatal(err)
			}
			if err := bridge.Add(l.Media().(sound.Leg), sound.Customer); err != nil {
				t.Fatal(err)
			}
			if !me.Await(700, true) { // it comes back as an echo: through both directions
				t.Fatal("no sound came back")
			}
			st := l.Stats()
			if st.Codec != "PCMU" || st.Received == 0 {
				t.Fatalf("%+v", st)
			}
			if err := l.Hangup(); err != nil {
				t.Fatal(err)
			}
			next(t, l, care.LineEnded)
			buried(t, l)
			other.succeeds(t)
		})
	}
}

func TestCallInFromSipp(t *testing.T) {
	t.Parallel()
	for transport, short := range map[string]string{"udp": "u1", "tcp": "t1"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			need(t, "sipp")
			s := testStack(t, Options{})
			port := ports.Free(t)
			tr := start(t, s, map[string]any{"mode": "ip", "server": fmt.Sprintf("127.0.0.1:%d", port), "transport": transport, "keepalive": 0,
				"country_code": "380", "national_prefix": "0", "numbers": "+380441112233"}, "")
			other := sipp(t, "uac.xml", port, short, s.Addr(transport).String(), "-s", "380441112233")
			l := arrived(t, tr)
			if l.From() != "+380671234567" || l.To() != "+380441112233" || l.Display() != "Olena Shevchenko" || !l.Inbound() {
				t.Fatalf("from %s to %s, %q", l.From(), l.To(), l.Display())
			}
			if err := l.Ringing(); err != nil {
				t.Fatal(err)
			}
			if err := l.Answer(context.Background()); err != nil {
				t.Fatal(err)
			}
			next(t, l, care.LineAnswered)
			if e := next(t, l, care.LineDigit); e.Digit != '5' {
				t.Fatalf("%+v", e)
			}
			next(t, l, care.LineHeld)
			if e := next(t, l, care.LineEnded); e.Cause != care.CauseHangup {
				t.Fatalf("%+v", e)
			}
			buried(t, l)
			other.succeeds(t)
		})
	}
}

func TestSippLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	// Thirty calls a second for a few seconds, each with its sound agreed; none may fail.
	port := ports.Free(t)
	sipp(t, "uas.xml", port, "u1", "-m", "90")
	listens(t, "udp", port)
	s := testStack(t, Options{})
	tr := start(t, s, map[string]any{"mode": "ip", "server": netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String(), "keepalive": 0, "max_calls": 200}, "")
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	lines := make([]*line, 0, 90)
	for range 90 {
		<-tick.C
		lines = append(lines, dial(t, tr, care.Dialing{}))
	}
	for _, l := range lines {
		taken(t, l)
		_ = l.Hangup()
	}
	for _, l := range lines {
		next(t, l, care.LineEnded)
		buried(t, l)
	}
}
