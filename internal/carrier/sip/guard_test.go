package sip

import (
	"context"
	"strings"
	"testing"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// 127.0.0.2 and above are strangers to a trunk whose server is 127.0.0.1.

func TestStrangerMayNotCall(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	known := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, known.trunk(), "")
	p := newPeer(t, s, "127.0.0.2")
	p.write(p.call(wire.INVITE, newCallID(), somewhere), "")
	if res := p.final(wire.INVITE); res.StatusCode != 403 {
		t.Fatal(res.StartLine())
	}
	if n := s.ua.TransportLayer().Pool("udp").Size(); n > 2 {
		t.Fatalf("strangers are remembered: %d addresses", n)
	}
	select {
	case <-tr.lines:
		t.Fatal("a stranger rang")
	default:
	}
}

func TestNobodyTelephonesAtTheShopsExpense(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	provider := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, provider.trunk("numbers", "+380440000000"), "")
	for _, from := range []string{"127.0.0.2", "127.0.0.1"} { // a stranger, and the provider's own network
		p := newPeer(t, s, from)
		for _, number := range []string{"+9001112223344", "00442071234567", "9011442071234567"} {
			invite := p.call(wire.INVITE, newCallID(), somewhere)
			invite.Recipient.User, invite.To().Address.User = number, number
			p.write(invite, "")
			if res := p.final(wire.INVITE); res.StatusCode != 403 && res.StatusCode != 404 {
				t.Fatalf("%s from %s: %s", number, from, res.StartLine())
			}
			p.seq++
		}
	}
	provider.never(wire.INVITE, 300*time.Millisecond)
	if len(tr.lines) > 0 {
		t.Fatal("it rang")
	}
}

func TestScannersHearNothing(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	start(t, s, newPeer(t, s, "127.0.0.1").trunk(), "")
	p := newPeer(t, s, "127.0.0.3")
	for _, name := range []string{"friendly-scanner", "sipvicious 1.2", "VaxSIPUserAgent/3.1"} {
		for _, m := range []wire.RequestMethod{wire.OPTIONS, wire.REGISTER, wire.INVITE} {
			p.write(p.call(m, newCallID(), "", "User-Agent: "+name), "")
		}
	}
	select {
	case m := <-p.in:
		t.Fatalf("a scanner was answered: %s", m)
	case <-time.After(300 * time.Millisecond):
	}
}

func TestFloodIsAnsweredAFewTimesOnly(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	known := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, known.trunk(), "")
	p := newPeer(t, s, "127.0.0.4")
	for range 500 {
		p.write(p.call(wire.INVITE, newCallID(), somewhere), "")
	}
	// A peer is let in all the same. What the flood has pushed out of the socket he sends again, as SIP does.
	invite := known.call(wire.INVITE, newCallID(), somewhere)
	again, over := time.NewTicker(100*time.Millisecond), time.After(soon)
	defer again.Stop()
	var rang *line
	for rang == nil {
		known.write(invite, "")
		select {
		case l := <-tr.lines:
			rang = l.(*line)
		case <-again.C:
		case <-over:
			t.Fatal("the peer didn't get through")
		}
	}
	if err := rang.Reject(care.CauseBusy); err != nil {
		t.Fatal(err)
	}
	if res := known.final(wire.INVITE); res.StatusCode != 486 {
		t.Fatal(res.StartLine())
	}
	if n := len(p.in); n > 60 {
		t.Fatalf("%d of 500 strangers' calls were answered", n)
	}
}

func TestFloodOfAPeerIsBounded(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{PerSecond: 5})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk("max_calls", 1000), "")
	for range 100 {
		p.write(p.call(wire.INVITE, newCallID(), somewhere), "")
	}
	busy := 0
	for over := time.After(soon); busy < 60; {
		select {
		case m := <-p.in:
			if r, ok := m.(*wire.Response); ok && r.StatusCode == 503 {
				busy++
			}
		case <-over:
			t.Fatalf("%d refused", busy)
		}
	}
	if n := len(tr.lines); n > 40 {
		t.Fatalf("%d calls let in", n)
	}
}

func TestTransferIsDeniedUnlessAllowed(t *testing.T) {
	t.Parallel()
	for allowed, want := range map[bool]int{false: 603, true: 202} {
		s := testStack(t, Options{})
		p := newPeer(t, s, "127.0.0.1")
		l := dial(t, start(t, s, p.trunk("transfers", allowed), ""), care.Dialing{})
		invite := p.request(wire.INVITE)
		p.answer(invite, 200, "", somewhere)
		next(t, l, care.LineAnswered)
		p.write(p.inside(wire.REFER, invite, 1, "", "Refer-To: <sip:+380679999999@127.0.0.1>"), invite.Source())
		if res := p.final(wire.REFER); res.StatusCode != want {
			t.Fatalf("allowed %v: %s", allowed, res.StartLine())
		}
		if !allowed {
			continue
		}
		p.answer(p.request(wire.NOTIFY), 200, "", "")
		if e := next(t, l, care.LineReferred); e.Text != "+380679999999" {
			t.Fatalf("%+v", e)
		}
		done := make(chan error, 1)
		go func() { done <- l.Referred(true) }()
		notify := p.request(wire.NOTIFY)
		if !strings.Contains(string(notify.Body()), "200 OK") {
			t.Fatalf("%s", notify)
		}
		p.answer(notify, 200, "", "")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestPhonesRegisterWithTheirPasswordOnly(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{Phones: passwords{"anna": "right"}})
	for password, want := range map[string]bool{"right": true, "wrong": false} {
		other := testStack(t, Options{})
		tr, err := New(other).OpenTrunk(connection(map[string]any{"mode": "register", "server": s.Addr("udp").String(), "user": "anna", "keepalive": 0}, password), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Test(context.Background()); (err == nil) != want {
			t.Fatalf("%s: %v", password, err)
		}
		if n := len(s.Phones()); n != 0 {
			t.Fatalf("a test left %d registrations", n)
		}
	}
}

type passwords map[string]string

func (p passwords) Password(name string) (string, bool) { v, ok := p[name]; return v, ok }

func TestPhoneIsRungWhereItRegistered(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		s := testStack(t, Options{Phones: passwords{"anna": "right"}})
		other := testStack(t, Options{})
		tr := start(t, other, map[string]any{"mode": "register", "server": s.Addr(transport).String(), "user": "anna", "transport": transport, "keepalive": 0}, "right")
		select {
		case st := <-tr.states:
			if !st.Up {
				t.Fatal(st.Reason)
			}
		case <-time.After(soon):
			t.Fatal("not registered")
		}
		open, err := s.DialPhone(context.Background(), care.Dialing{To: "anna", CallerID: "+380671234567"})
		if err != nil {
			t.Fatal(err)
		}
		rung := arrived(t, tr)
		if rung.From() != "+380671234567" {
			t.Fatal(rung.From())
		}
		if err := rung.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		taken(t, open)
		_ = open.Hangup()
		next(t, rung, care.LineAnswered)
		next(t, rung, care.LineEnded)
		buried(t, rung)
		if _, err := other.DialPhone(context.Background(), care.Dialing{To: "anna"}); err == nil {
			t.Fatal("nobody registers there")
		}
	}
}
