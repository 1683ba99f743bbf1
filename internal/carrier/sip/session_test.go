package sip

import (
	"context"
	"strings"
	"testing"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// talking is a call that came in and was answered, with the peer's view of it.
func talking(t *testing.T, settings ...any) (*peer, *line, *wire.Response) {
	t.Helper()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(settings...), "")
	p.write(p.call(wire.INVITE, newCallID(), somewhere), "")
	l := arrived(t, tr)
	if err := l.Answer(context.Background()); err != nil {
		t.Fatal(err)
	}
	next(t, l, care.LineAnswered)
	res := p.final(wire.INVITE)
	p.write(p.within(wire.ACK, res, ""), "")
	return p, l, res
}

func TestReinviteHoldsAndResumes(t *testing.T) {
	t.Parallel()
	p, l, res := talking(t)
	p.write(p.within(wire.INVITE, res, somewhere+"a=sendonly\r\n"), "")
	if again := p.final(wire.INVITE); !strings.Contains(string(again.Body()), "a=recvonly") {
		t.Fatalf("%s", again.Body())
	}
	p.write(p.within(wire.ACK, res, ""), "")
	next(t, l, care.LineHeld)
	p.write(p.within(wire.INVITE, res, somewhere), "")
	p.final(wire.INVITE)
	p.write(p.within(wire.ACK, res, ""), "")
	next(t, l, care.LineResumed)
	p.write(p.within(wire.BYE, res, ""), "")
	next(t, l, care.LineEnded)
	buried(t, l)
}

func TestInviteWithoutDescriptionIsOfferedOurs(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(), "")
	p.write(p.call(wire.INVITE, newCallID(), ""), "")
	l := arrived(t, tr)
	if err := l.Answer(context.Background()); err != nil {
		t.Fatal(err)
	}
	next(t, l, care.LineAnswered)
	res := p.final(wire.INVITE)
	if !strings.Contains(string(res.Body()), "m=audio") {
		t.Fatalf("%s", res)
	}
	p.write(p.within(wire.ACK, res, somewhere), "")
	p.write(p.within(wire.INFO, res, "", "Content-Type: application/dtmf-relay"), "") // an empty key
	if bad := p.final(wire.INFO); bad.StatusCode != 400 {
		t.Fatal(bad.StartLine())
	}
	p.write(p.within(wire.BYE, res, ""), "")
	next(t, l, care.LineEnded)
	if st := l.Stats(); st.Codec != "PCMA" {
		t.Fatalf("%+v", st)
	}
}

func TestUnknownCodecIsRefusedAndTheCallGoesOn(t *testing.T) {
	t.Parallel()
	p, l, res := talking(t)
	p.write(p.within(wire.INVITE, res, strings.Replace(somewhere, "RTP/AVP 8 101", "RTP/AVP 18", 1)), "")
	if again := p.final(wire.INVITE); again.StatusCode != 488 {
		t.Fatal(again.StartLine())
	}
	p.write(p.within(wire.BYE, res, ""), "")
	next(t, l, care.LineEnded)
}

func TestReliableProvisionalAnswersAreRefused(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	start(t, s, p.trunk(), "")
	p.write(p.call(wire.INVITE, newCallID(), somewhere, "Require: 100rel"), "")
	res := p.final(wire.INVITE)
	if h := res.GetHeader("Unsupported"); res.StatusCode != 420 || h == nil || h.Value() != "100rel" {
		t.Fatalf("%s", res)
	}
}

func TestShortSessionsAreRefused(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	start(t, s, p.trunk(), "")
	p.write(p.call(wire.INVITE, newCallID(), somewhere, "Session-Expires: 30"), "")
	if res := p.final(wire.INVITE); res.StatusCode != 422 || seconds(res, "Min-SE") != minSession {
		t.Fatalf("%s", res)
	}
}

func TestBothSidesAskAtOnce(t *testing.T) {
	t.Parallel()
	p, l, _ := talking(t)
	done := make(chan error, 1)
	go func() { done <- l.Hold(true) }()
	p.answer(p.request(wire.INVITE), 491, "", "")
	again := p.request(wire.INVITE)
	if again.CSeq().SeqNo < 2 {
		again = p.request(wire.INVITE) // the first, once more
	}
	p.answer(again, 200, "", somewhere+"a=recvonly\r\n")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestTransferByTheNetwork(t *testing.T) {
	t.Parallel()
	p, l, res := talking(t)
	done := make(chan error, 1)
	go func() { done <- l.Refer(context.Background(), "+380670000000") }()
	refer := p.request(wire.REFER)
	if h := refer.GetHeader("Refer-To"); h == nil || !strings.Contains(h.Value(), "+380670000000") {
		t.Fatalf("%s", refer)
	}
	p.answer(refer, 202, "", "")
	notify := p.within(wire.NOTIFY, res, "", "Event: refer", "Subscription-State: terminated")
	notify.SetBody([]byte("SIP/2.0 200 OK\r\n"))
	p.write(notify, "")
	p.answer(p.request(wire.BYE), 200, "", "")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseTransferred {
		t.Fatalf("%+v", e)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk("user", "shop"), "secret")
	l := dial(t, tr, care.Dialing{})
	challenge := func(req *wire.Request, nonce, more string) {
		p.answer(req, 407, "", "", `Proxy-Authenticate: Digest realm="x", nonce="`+nonce+`", qop="auth", algorithm=SHA-256`+more)
		p.request(wire.ACK)
	}
	challenge(p.request(wire.INVITE), "one", "")
	second := p.request(wire.INVITE)
	if h := second.GetHeader("Proxy-Authorization"); h == nil || !strings.Contains(h.Value(), `nonce="one"`) {
		t.Fatalf("%s", second)
	}
	challenge(second, "two", ", stale=true")
	third := p.request(wire.INVITE)
	if h := third.GetHeader("Proxy-Authorization"); h == nil || !strings.Contains(h.Value(), `nonce="two"`) {
		t.Fatalf("%s", third)
	}
	challenge(third, "three", "") // no: it is the password
	if e := next(t, l, care.LineEnded); e.Code != 407 || e.Cause != care.CauseNetwork {
		t.Fatalf("%+v", e)
	}
}

func TestRedirectionsStayAtHome(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(), "")
	l := dial(t, tr, care.Dialing{})
	p.answer(p.request(wire.INVITE), 302, "", "", "Contact: <sip:+380999@127.0.0.9>")
	if e := next(t, l, care.LineEnded); e.Code != 302 {
		t.Fatalf("%+v", e)
	}
}
