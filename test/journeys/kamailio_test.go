package journeys

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
	customers "opeka/test/world/phone"
	"opeka/test/world/ports"
)

// proxy is a kamailio that stands between our trunk and the telephones of customers.
type proxy struct {
	t       *testing.T
	program string
	addr    string
	cmd     *exec.Cmd
	said    *output
}

// output is what a program says, which may still run when it is read.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

const kamailioSecret = "open sesame"

// kamailio starts one on a port of its own.
func kamailio(t *testing.T) *proxy {
	t.Helper()
	program, err := exec.LookPath("kamailio")
	if err != nil {
		if program = "/usr/sbin/kamailio"; !executable(program) {
			t.Skip("kamailio isn't installed: scripts/install.sh does it")
		}
	}
	p := &proxy{t: t, program: program, said: &output{}, addr: ports.Address(t)} // where it comes back to after its death
	t.Cleanup(func() {
		p.dies()
		if t.Failed() {
			t.Logf("kamailio said:\n%s", p.said)
		}
	})
	p.starts()
	return p
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode()&0o111 != 0
}

// starts starts it, or starts it again at the same address, and waits until it answers.
func (p *proxy) starts() {
	p.t.Helper()
	cfg, err := filepath.Abs("testdata/kamailio.cfg")
	if err != nil {
		p.t.Fatal(err)
	}
	dir := p.t.TempDir()
	define := func(name, value string) []string { return []string{"-A", name + "=" + value} }
	args := []string{"-f", cfg, "-DD", "-E", "-m", "32", "-M", "4", "-Y", dir, "-P", filepath.Join(dir, "pid")}
	args = append(args, define("ADDRESS", "udp:"+p.addr)...)
	args = append(args, define("NUMBER", `"`+shopNumber+`"`)...)
	args = append(args, define("ACCOUNT", `"shop"`)...)
	args = append(args, define("SECRET", `"`+kamailioSecret+`"`)...)
	p.cmd = exec.Command(p.program, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its workers die with it
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !p.answers(); {
		if time.Now().After(end) {
			p.t.Fatal("kamailio doesn't answer")
		}
	}
}

// answers asks it whether it is there.
func (p *proxy) answers() bool {
	c, err := net.Dial("udp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	ask := fmt.Sprintf("OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]d\r\nMax-Forwards: 5\r\nFrom: <sip:test@%[2]s>;tag=1\r\nTo: <sip:%[1]s>\r\nCall-ID: %[3]d@test\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		p.addr, c.LocalAddr(), time.Now().UnixNano())
	if _, err := c.Write([]byte(ask)); err != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	b := make([]byte, 2000)
	n, err := c.Read(b)
	return err == nil && bytes.HasPrefix(b[:n], []byte("SIP/2.0 200"))
}

// dies is a loss of its machine: nobody is told.
func (p *proxy) dies() {
	if p.cmd == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait()
	p.cmd = nil
}

// telephone is a customer's, which registers at the proxy.
func (p *proxy) telephone(number string, hz float64) *customers.Phone {
	p.t.Helper()
	c, err := customers.Register(p.addr, number, kamailioSecret, hz)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// behind connects the store to the proxy.
func behind(t *testing.T, p *proxy) *exchange {
	t.Helper()
	x := &exchange{mixer: sound.NewMixer(), browser: soundtest.Says(agentHz)}
	t.Cleanup(x.mixer.Close)
	x.installation = install(t, db.SQLite, func(c *app.Config) { c.SIPListen, c.PhoneListen = []string{"127.0.0.1:0"}, "127.0.0.1:0" })
	x.do(http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "sip", "name": "kamailio", "settings": map[string]any{
		"mode": "register", "server": p.addr, "user": "shop", "password": kamailioSecret, "caller_id": shopNumber, "caller_in": "asserted", "keepalive": 1}}, nil)
	x.trunk("ok")
	return x
}

// trunk waits until the store's trunk is in a state. Nobody hurries: a proxy that is dead is known to be so when it has left several questions unanswered.
func (x *exchange) trunk(state string) {
	x.t.Helper()
	for range 5 {
		var list struct {
			Items []struct {
				State string `json:"state"`
			} `json:"items"`
		}
		for end := time.Now().Add(25 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			x.do(http.MethodGet, "/connections", nil, &list)
			if len(list.Items) == 1 && list.Items[0].State == state {
				return
			}
		}
	}
	x.t.Fatalf("the trunk is never %s", state)
}

// Between our trunk and the customers' telephones stands somebody else's registrar and proxy, which challenges everything and stays in the way of every call:
// we ring and are rung through it, hold from either end, hang up from either end, and live through its death.
func TestThroughAKamailio(t *testing.T) {
	t.Parallel()
	p := kamailio(t)
	x := behind(t, p)
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
	x.sitsDown()
	olena := p.telephone("+380671112233", 650)
	agent := who{"agent", agentHz, x.browser.Await}
	both, customer := []string{"customer>agent", "agent>customer"}, who{}
	gone := func() { x.until("no call is left on the wire", func() bool { return x.app.SIP.Calls() == 0 }) }
	settled := func(id int64) {
		x.stands("wrapup")
		x.acts(id, "wrap-up", map[string]any{"disposition": "settled"})
		x.stands("free")
		gone()
	}

	// Out: rung with the account that the proxy knows, held by the agent, hung up by the agent.
	var out phone.Call
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, &out)
	ring, err := olena.Next()
	x.must(err)
	if ring.From() != shopNumber {
		t.Errorf("she sees %s", ring.From())
	}
	x.must(ring.Answer())
	x.stands("talking")
	customer = person("customer", 650, ring)
	hearing(t, "out", both, customer, agent)
	x.must(ring.Press("7"))
	x.acts(out.ID, "hold", nil)
	x.must(ring.Held(true))
	hearing(t, "held by the agent", nil, customer, agent)
	x.acts(out.ID, "resume", nil)
	x.must(ring.Held(false))
	hearing(t, "taken back", both, customer, agent)
	x.later(time.Minute)
	x.acts(out.ID, "hangup", nil)
	if cause, err := ring.Over(); err != nil || cause != care.CauseHangup {
		t.Errorf("%v %v", cause, err)
	}
	settled(out.ID)

	// In: held by the customer, hung up by the customer.
	call, err := olena.Call(shopNumber)
	x.must(err)
	x.must(call.Answered())
	in := x.stands("offered").Call
	if c := x.call(in); c.Number != "+380671112233" || c.Direction != "in" {
		t.Errorf("%+v", c)
	}
	x.acts(in, "answer", nil)
	customer = person("customer", 650, call)
	hearing(t, "in", both, customer, agent)
	x.must(call.Hold(true))
	if !call.Misses(agentHz) {
		t.Error("held by the customer, and still spoken to")
	}
	x.must(call.Hold(false))
	hearing(t, "taken back by the customer", both, customer, agent)
	x.later(time.Minute)
	x.must(call.Hangup())
	settled(in)

	// The proxy dies in the midst of a call: both go on talking, and what follows goes through it when it is back, with all that it knew forgotten.
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, &out)
	ring, err = olena.Next()
	x.must(err)
	x.must(ring.Answer())
	x.stands("talking")
	customer = person("customer", 650, ring)
	hearing(t, "before its death", both, customer, agent)
	p.dies()
	x.trunk("degraded")
	hearing(t, "while it is dead", both, customer, agent)
	if a := x.me(); a.State != "talking" || a.Call != out.ID {
		t.Errorf("%+v", a)
	}
	p.starts()
	x.trunk("ok")
	x.acts(out.ID, "hold", nil)
	x.must(ring.Held(true))
	x.acts(out.ID, "resume", nil)
	x.must(ring.Held(false))
	hearing(t, "after its return", both, customer, agent)
	x.later(time.Minute)
	x.must(ring.Hangup())
	settled(out.ID)

	// It knows us again: our trunk has signed in anew, so customers reach the shop.
	marta := p.telephone("+380501112233", 850)
	call, err = marta.Call(shopNumber)
	x.must(err)
	x.must(call.Answered())
	in = x.stands("offered").Call
	x.acts(in, "answer", nil)
	hearing(t, "after its return, in", both, person("customer", 850, call), agent)
	x.later(time.Minute)
	x.acts(in, "hangup", nil)
	if _, err := call.Over(); err != nil {
		t.Error(err)
	}
	settled(in)
}

// Who has no right password at the proxy has no trunk, and it is said so.
func TestAKamailioRefusesAWrongPassword(t *testing.T) {
	t.Parallel()
	p := kamailio(t)
	if c, err := customers.Register(p.addr, "+380671112233", "wrong", 0); err == nil {
		c.Close()
		t.Fatal("registered with a wrong password")
	}
	x := &exchange{}
	x.installation = install(t, db.SQLite, func(c *app.Config) { c.SIPListen = []string{"127.0.0.1:0"} })
	x.do(http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "sip", "name": "kamailio", "settings": map[string]any{
		"mode": "register", "server": p.addr, "user": "shop", "password": "wrong", "keepalive": 1}}, nil)
	x.trunk("degraded")
}
