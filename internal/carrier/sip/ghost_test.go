package sip

import (
	"context"
	"testing"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// A call that nobody waits for any more, but that rings or is open at a customer's, is a ghost. Each test makes one possible and sees it laid.

func TestAnswerThatCrossesTheCancelIsHungUp(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	p.answer(invite, 180, "", "")
	next(t, l, care.LineRinging)
	_ = l.Hangup()
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseOurs {
		t.Fatalf("%+v", e)
	}
	cancel := p.request(wire.CANCEL)
	p.answer(invite, 200, "", somewhere) // he took it off in this moment
	p.answer(cancel, 200, "", "")
	if ack := p.request(wire.ACK); ack.To().Params.GetOr("tag", "") != p.tag {
		t.Fatalf("acknowledged another: %s", ack)
	}
	p.answer(p.request(wire.BYE), 200, "", "")
	buried(t, l)
}

func TestCancelThatIsNotKnownStillWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	p.answer(invite, 180, "", "")
	next(t, l, care.LineRinging)
	_ = l.Hangup()
	p.answer(p.request(wire.CANCEL), 481, "", "")
	p.answer(invite, 200, "", somewhere)
	p.request(wire.ACK)
	p.answer(p.request(wire.BYE), 200, "", "")
	buried(t, l)
}

func TestHangupBeforeAnybodyIsHeard(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	_ = l.Hangup()
	buried(t, l)
	p.never(wire.CANCEL, 200*time.Millisecond) // nothing may be taken back that nobody is known to have
	p.answer(invite, 180, "", "")              // now it is
	p.answer(p.request(wire.CANCEL), 200, "", "")
	p.answer(invite, 200, "", somewhere) // and still he takes it off
	p.request(wire.ACK)
	p.answer(p.request(wire.BYE), 200, "", "")
}

func TestManyProvisionalAnswers(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	for range 15 {
		p.answer(invite, 183, "", somewhere)
	}
	next(t, l, care.LineRinging)
	_ = l.Hangup()
	p.answer(p.request(wire.CANCEL), 200, "", "")
	p.answer(invite, 487, "", "")
	p.request(wire.ACK)
	buried(t, l)
}

func TestTwoTelephonesAreTakenOffAtOnce(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	p.answer(invite, 180, "kitchen", "")
	p.answer(invite, 180, "office", "")
	next(t, l, care.LineRinging)
	p.answer(invite, 200, "kitchen", somewhere)
	next(t, l, care.LineAnswered)
	p.answer(invite, 200, "office", somewhere)
	bye := p.request(wire.BYE)
	if tag := bye.To().Params.GetOr("tag", ""); tag != "office" {
		t.Fatalf("hung up %s, want the second", tag)
	}
	p.answer(bye, 200, "office", "")
	select {
	case e := <-l.Events():
		t.Fatalf("the first call suffered: %+v", e)
	default:
	}
	_ = l.Hangup()
	if bye = p.request(wire.BYE); bye.To().Params.GetOr("tag", "") != "kitchen" {
		t.Fatal("the wrong one was hung up at the end")
	}
	p.answer(bye, 200, "kitchen", "")
	buried(t, l)
}

func TestAnswerWhoseAckWasLostIsAcknowledgedAgain(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	invite := p.request(wire.INVITE)
	p.answer(invite, 200, "", somewhere)
	next(t, l, care.LineAnswered)
	p.request(wire.ACK) // lost, as far as he knows
	p.answer(invite, 200, "", somewhere)
	p.request(wire.ACK)
	_ = l.Hangup()
	p.answer(p.request(wire.BYE), 200, "", "")
	buried(t, l)
}

func TestLostByeIsSaidAgain(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	p.answer(p.request(wire.INVITE), 200, "", somewhere)
	next(t, l, care.LineAnswered)
	_ = l.Hangup()
	p.request(wire.BYE)
	p.request(wire.BYE)
	p.answer(p.request(wire.BYE), 200, "", "")
	buried(t, l)
}

func TestNobodyAnswersTheBye(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk("max_calls", 1), "")
	l := dial(t, tr, care.Dialing{})
	p.answer(p.request(wire.INVITE), 200, "", somewhere)
	next(t, l, care.LineAnswered)
	_ = l.Hangup()
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseOurs {
		t.Fatalf("%+v", e)
	}
	buried(t, l)
	if again := dial(t, tr, care.Dialing{}); again == nil { // its place is free
		t.Fatal("no place")
	}
}

func TestDeadPeerIsNoticedByHold(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	p.answer(p.request(wire.INVITE), 200, "", somewhere)
	next(t, l, care.LineAnswered)
	done := make(chan error, 1)
	go func() { done <- l.Hold(true) }()
	p.request(wire.INVITE) // and he is dead
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseNetwork {
		t.Fatalf("%+v", e)
	}
	if err := <-done; err == nil {
		t.Fatal("a dead one was put on hold")
	}
}

func TestCallerGivesUpWhileWeAnswer(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(), "")
	for range 20 {
		id := newCallID()
		invite := p.call(wire.INVITE, id, somewhere)
		p.write(invite, "")
		l := arrived(t, tr)
		cancel := p.call(wire.CANCEL, id, "")
		cancel.RemoveHeader("Via")
		cancel.PrependHeader(invite.Via().Clone())
		answered := make(chan error, 1)
		go func() { answered <- l.Answer(context.Background()) }()
		p.write(cancel, "")
		// Either he has our answer, and everything that comes with it, or a 487: never first the one and then the other.
		final := p.final(wire.INVITE)
		if err := <-answered; (err == nil) != (final.StatusCode == 200) {
			t.Fatalf("Answer said %v, the caller got %s", err, final.StartLine())
		}
		if final.StatusCode == 200 {
			p.write(p.within(wire.ACK, final, ""), "")
			p.write(p.within(wire.BYE, final, ""), "")
			next(t, l, care.LineAnswered)
		} else {
			ack := p.call(wire.ACK, id, "")
			ack.RemoveHeader("Via")
			ack.PrependHeader(invite.Via().Clone())
			p.write(ack, "")
		}
		next(t, l, care.LineEnded)
		buried(t, l)
		p.seq++
	}
}

// final waits for the last answer to a request of the method.
func (p *peer) final(method wire.RequestMethod) *wire.Response {
	p.t.Helper()
	for over := time.After(soon); ; {
		select {
		case m := <-p.in:
			if r, ok := m.(*wire.Response); ok && r.StatusCode >= 200 && r.CSeq().MethodName == method {
				return r
			}
		case <-over:
			p.t.Fatalf("no last answer to %s", method)
		}
	}
}

func TestOurAnswerThatNobodyAcknowledges(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(), "")
	p.write(p.call(wire.INVITE, newCallID(), somewhere), "")
	l := arrived(t, tr)
	if err := l.Answer(context.Background()); err != nil {
		t.Fatal(err)
	}
	next(t, l, care.LineAnswered)
	p.response(200)
	p.response(200) // repeated
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseNetwork {
		t.Fatalf("%+v", e)
	}
	p.answer(p.request(wire.BYE), 200, "", "")
	buried(t, l)
}

func TestInviteComesTwice(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	tr := start(t, s, p.trunk(), "")
	invite := p.call(wire.INVITE, newCallID(), somewhere)
	p.write(invite, "")
	p.write(invite, "")
	l := arrived(t, tr)
	p.write(invite, "")
	if err := l.Reject(care.CauseBusy); err != nil {
		t.Fatal(err)
	}
	if res := p.final(wire.INVITE); res.StatusCode != 486 {
		t.Fatal(res.StartLine())
	}
	select {
	case <-tr.lines:
		t.Fatal("the same call rang twice")
	default:
	}
}

func TestSessionTimerEndsACallWithoutSignsOfLife(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	p.answer(p.request(wire.INVITE), 200, "", somewhere, "Session-Expires: 2;refresher=uas", "Require: timer")
	next(t, l, care.LineAnswered)
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseNetwork {
		t.Fatalf("%+v", e)
	}
	p.answer(p.request(wire.BYE), 200, "", "")
}

func TestSessionTimerIsKeptUpByUs(t *testing.T) {
	t.Parallel()
	s := testStack(t, Options{})
	p := newPeer(t, s, "127.0.0.1")
	l := dial(t, start(t, s, p.trunk(), ""), care.Dialing{})
	p.answer(p.request(wire.INVITE), 200, "", somewhere, "Session-Expires: 1;refresher=uac", "Allow: INVITE, UPDATE")
	next(t, l, care.LineAnswered)
	p.answer(p.request(wire.UPDATE), 200, "", "", "Session-Expires: 1;refresher=uac")
	p.answer(p.request(wire.UPDATE), 200, "", "", "Session-Expires: 1;refresher=uac")
	p.request(wire.UPDATE) // and now he is gone
	if e := next(t, l, care.LineEnded); e.Cause != care.CauseNetwork {
		t.Fatalf("%+v", e)
	}
}
