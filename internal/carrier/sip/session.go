package sip

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// repeat sends the answer to an INVITE again until it is acknowledged. A caller who never does so isn't there: the call ends.
func (l *line) repeat(req *wire.Request, tx wire.ServerTransaction, res *wire.Response) {
	seq := req.CSeq().SeqNo
	acked := l.await(seq)
	defer l.forgo(seq)
	wait, over := wire.T1, time.After(patience())
	for {
		again := time.NewTimer(wait)
		select {
		case ack := <-acked:
			again.Stop()
			l.acknowledged(ack, len(req.Body()) == 0)
			return
		case ack := <-tx.Acks(): // in the branch of the INVITE, as old clients send it
			again.Stop()
			l.acknowledged(ack, len(req.Body()) == 0)
			return
		case <-l.ended:
			again.Stop()
			return
		case <-over:
			again.Stop()
			l.lost(0, "the answer was never acknowledged")
			return
		case <-again.C:
			if req.Transport() == "UDP" {
				_ = tx.Respond(res)
			}
			wait = min(2*wait, wire.T2)
		}
	}
}

func (l *line) await(seq uint32) chan *wire.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.waiting[seq]
	if c == nil {
		c = make(chan *wire.Request, 1)
		l.waiting[seq] = c
	}
	return c
}

// awaits bounds how many may be remembered that come before they are waited for.
func (l *line) awaits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) < 16
}

func (l *line) forgo(seq uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, seq)
}

// acknowledged takes the description that comes with an ACK, when ours was the offer.
func (l *line) acknowledged(ack *wire.Request, offered bool) {
	if !offered {
		return
	}
	if err := l.media.Accept(ack.Body()); err != nil {
		_ = l.hangup(care.CauseMedia, 0, err.Error())
		return
	}
	l.compare()
}

// compare says when the other side holds us or takes us back.
func (l *line) compare() {
	held := l.media.Held()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != lineUp || held == l.held {
		return
	}
	l.held = held
	kind := care.LineResumed
	if held {
		kind = care.LineHeld
	}
	l.say(care.LineEvent{Kind: kind})
}

// enter tells whether a request of the other side's is in order; a repeated or overtaken one isn't.
func (d *dialog) enter(req *wire.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	seq := req.CSeq()
	if seq == nil || seq.SeqNo <= d.remoteSeq && d.remoteSeq != 0 {
		return false
	}
	d.remoteSeq = seq.SeqNo
	return true
}

// changed takes an INVITE or UPDATE inside the call: hold, resume, another address, or nothing but a sign of life.
func (l *line) changed(req *wire.Request, tx wire.ServerTransaction) {
	if unknown := unsupported(req); unknown != "" {
		reply(req, tx, 420, "Bad Extension", [2]string{"Unsupported", unknown})
		return
	}
	if !l.d.enter(req) {
		reply(req, tx, 500, "Server Internal Error", [2]string{"Retry-After", "1"})
		return
	}
	if se := seconds(req, "Session-Expires"); se > 0 && se < minSession {
		reply(req, tx, 422, "Session Interval Too Small", [2]string{"Min-SE", "90"})
		return
	}
	offer, invite := req.Body(), req.IsInvite()
	l.mu.Lock()
	var refusal int
	switch {
	case l.state != lineUp:
		refusal = 491
		if l.state == lineEnded {
			refusal = 481
		}
	case l.changing && (invite || len(offer) > 0):
		refusal = 491
	case l.asked && (invite || len(offer) > 0):
		refusal = 500
	default:
		l.asked = invite || len(offer) > 0
	}
	l.mu.Unlock()
	switch refusal {
	case 491:
		reply(req, tx, 491, "Request Pending")
		return
	case 481:
		reply(req, tx, 481, "Call/Transaction Does Not Exist")
		return
	case 500:
		reply(req, tx, 500, "Server Internal Error", [2]string{"Retry-After", strconv.Itoa(rand.IntN(10))})
		return
	}
	defer func() {
		l.mu.Lock()
		l.asked = false
		l.mu.Unlock()
	}()
	var answer []byte
	switch {
	case len(offer) > 0:
		var err error
		if answer, err = l.media.Answer(offer); err != nil {
			reply(req, tx, 488, "Not Acceptable Here")
			return
		}
	case invite:
		answer = l.media.Offer(l.secure())
	}
	l.d.mu.Lock()
	if c := req.Contact(); c != nil && !c.Address.Wildcard {
		l.d.target = c.Address
	}
	l.d.mu.Unlock()
	res := l.accept(req, answer)
	if err := tx.Respond(res); err != nil {
		return
	}
	l.timer.begin(l, res, false)
	l.compare()
	if invite {
		go l.repeat(req, tx, res)
	}
}

func (l *line) secure() bool { return l.media.Stats().Secure || l.set.srtp == srtpRequired }

// Hold implements care.Line.
func (l *line) Hold(on bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience()+10*time.Second)
	defer cancel()
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	l.media.Hold(on)
	res, err := l.reinvite(ctx)
	if err == nil && res.StatusCode >= 300 {
		err = &care.Error{Code: "sip.hold_refused", Kind: care.KindConflict}
	}
	if err != nil {
		l.media.Hold(!on)
	}
	return err
}

// lock waits until no other change is under way.
func (l *line) lock(ctx context.Context) error {
	select {
	case l.doors <- struct{}{}:
	case <-l.ended:
		return errOver()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !l.is(lineUp) {
		<-l.doors
		return errOver()
	}
	return nil
}

func (l *line) unlock() { <-l.doors }

// reinvite offers the session anew; when both sides do so at once, each waits a moment of its own and asks again.
func (l *line) reinvite(ctx context.Context) (*wire.Response, error) {
	l.mu.Lock()
	l.changing = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.changing = false
		l.mu.Unlock()
	}()
	minimum := time.Duration(0)
	var challenge *wire.Response
	for try := 0; ; try++ {
		req := l.d.request(l.s, wire.INVITE, 0)
		req.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
		req.AppendHeader(wire.NewHeader("Allow", allow))
		l.timer.refresh(req, minimum)
		body(req, sdpType, l.media.Offer(l.secure()))
		if challenge == nil {
			l.auth.ahead(req)
		} else if err := l.auth.answer(req, challenge); err != nil {
			return challenge, err
		}
		res, err := l.exchange(ctx, req)
		switch {
		case errors.Is(err, errGone):
			l.lost(0, err.Error())
			return res, err
		case err != nil || try > 4:
			return res, err
		case res.StatusCode == 491:
			wait := time.Duration(rand.IntN(200)) * wire.T1 / 50 // 0-2 s
			if !l.inbound {
				wait = wire.T1*4 + wire.T1/5 + time.Duration(rand.IntN(190))*wire.T1/50 // 2.1-4 s: the Call-ID is ours
			}
			if !l.pause(ctx, wait) {
				return res, errOver()
			}
		case res.StatusCode == 422 && minimum == 0 && seconds(res, "Min-SE") > 0:
			minimum = seconds(res, "Min-SE")
		case l.auth.challenged(res) && (challenge == nil || stale(res)):
			challenge = res
			continue
		default:
			return res, nil
		}
		challenge = nil
	}
}

// pause lets the other side go first.
func (l *line) pause(ctx context.Context, d time.Duration) bool {
	l.mu.Lock()
	l.changing = false
	l.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ended:
		return false
	case <-ctx.Done():
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changing = l.state == lineUp
	return l.changing
}

// exchange makes the transaction of an INVITE inside the call.
func (l *line) exchange(ctx context.Context, req *wire.Request) (*wire.Response, error) {
	tx, err := l.s.ua.TransactionLayer().Request(ctx, req)
	if err != nil {
		return nil, errors.Join(errTransport, err)
	}
	tx.OnRetransmission(func(*wire.Response) {
		go func() { _ = l.s.send(l.d.acknowledge(l.s, req)) }()
	})
	over := time.NewTimer(patience())
	defer over.Stop()
	for {
		select {
		case res := <-tx.Responses():
			switch {
			case res.IsProvisional():
				over.Reset(patience())
				continue
			case res.IsSuccess():
				l.d.mu.Lock()
				if c := res.Contact(); c != nil && !c.Address.Wildcard {
					l.d.target = c.Address
				}
				l.d.mu.Unlock()
				_ = l.s.send(l.d.acknowledge(l.s, req))
				if err := l.media.Accept(res.Body()); err != nil {
					return res, err
				}
				l.timer.begin(l, res, true)
				l.compare()
			case res.StatusCode == 481 || res.StatusCode == 408:
				return res, errGone
			}
			return res, nil
		case <-tx.Done():
			return nil, errors.Join(errGone, tx.Err())
		case <-over.C:
			tx.Terminate()
			return nil, errGone
		case <-ctx.Done():
			tx.Terminate()
			return nil, ctx.Err()
		}
	}
}

// minSession is the shortest interval that anybody may ask for.
var minSession = 90 * time.Second

// sessionTimer is RFC 4028: one side gives a sign of life in every interval, or both know that the call is dead.
type sessionTimer struct {
	mu       sync.Mutex
	interval time.Duration
	ours     bool // we give the sign
	t        *time.Timer
}

// ask puts our wish into an INVITE.
func (s *sessionTimer) ask(req *wire.Request, interval, minimum time.Duration) {
	req.AppendHeader(wire.NewHeader("Supported", "timer"))
	if interval == 0 {
		return
	}
	interval = max(interval, minimum)
	req.AppendHeader(wire.NewHeader("Session-Expires", whole(interval)))
	req.AppendHeader(wire.NewHeader("Min-SE", whole(max(minimum, minSession))))
}

func whole(d time.Duration) string { return strconv.Itoa(max(1, int(d/time.Second))) }

// refresh puts what was agreed into a request that gives the sign.
func (s *sessionTimer) refresh(req *wire.Request, minimum time.Duration) {
	req.AppendHeader(wire.NewHeader("Supported", "timer"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interval == 0 {
		return
	}
	s.interval = max(s.interval, minimum)
	who := "uas"
	if s.ours {
		who = "uac"
	}
	req.AppendHeader(wire.NewHeader("Session-Expires", whole(s.interval)+";refresher="+who))
	req.AppendHeader(wire.NewHeader("Min-SE", whole(max(minimum, minSession))))
}

// grant puts our answer to the other side's wish into a response.
func (s *sessionTimer) grant(req *wire.Request, res *wire.Response, own time.Duration) {
	interval := seconds(req, "Session-Expires")
	var a abilities
	a.read(req)
	who := "uas"
	switch {
	case interval == 0 && own == 0:
		return
	case interval == 0:
		interval = own
	case own > 0:
		interval = min(interval, max(own, seconds(req, "Min-SE")))
	}
	if h := req.GetHeader("Session-Expires"); h != nil && strings.Contains(strings.ToLower(h.Value()), "refresher=uac") {
		who = "uac"
	}
	if who == "uac" || a.timer {
		res.AppendHeader(wire.NewHeader("Supported", "timer"))
	}
	if who == "uac" {
		res.AppendHeader(wire.NewHeader("Require", "timer"))
	}
	res.AppendHeader(wire.NewHeader("Session-Expires", whole(interval)+";refresher="+who))
}

// begin starts the interval anew by what an answer says: the other side's when we asked, else ours.
func (s *sessionTimer) begin(l *line, res *wire.Response, asked bool) {
	interval := seconds(res, "Session-Expires")
	refresher := "uas"
	if h := res.GetHeader("Session-Expires"); h != nil && strings.Contains(strings.ToLower(h.Value()), "refresher=uac") {
		refresher = "uac"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t != nil {
		s.t.Stop()
		s.t = nil
	}
	if s.interval = interval; interval == 0 {
		return
	}
	s.ours = asked == (refresher == "uac")
	if s.ours {
		s.t = time.AfterFunc(interval/2, l.sign)
	} else {
		s.t = time.AfterFunc(interval-min(32*time.Second, interval/3), func() { l.lost(0, "the other side gave no sign of life") })
	}
}

func (s *sessionTimer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t != nil {
		s.t.Stop()
	}
}

// sign gives the sign of life: by UPDATE where the other side knows it, else by an INVITE that changes nothing.
func (l *line) sign() {
	ctx, cancel := context.WithTimeout(context.Background(), patience()+10*time.Second)
	defer cancel()
	if l.lock(ctx) != nil {
		return
	}
	defer l.unlock()
	l.mu.Lock()
	update := l.peer.update
	l.mu.Unlock()
	if !update {
		_, _ = l.reinvite(ctx)
		return
	}
	minimum := time.Duration(0)
	for range 2 {
		res, err := l.d.ask(ctx, l.s, l.auth, wire.UPDATE, func(req *wire.Request) {
			req.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
			l.timer.refresh(req, minimum)
			req.SetBody(nil)
		})
		switch {
		case errors.Is(err, errGone):
			l.lost(0, err.Error())
			return
		case err != nil:
			l.lost(0, err.Error())
			return
		case res.StatusCode == 422:
			minimum = seconds(res, "Min-SE")
			continue
		case res.IsSuccess():
			l.timer.begin(l, res, true)
			return
		case res.StatusCode == 405 || res.StatusCode == 501:
			l.mu.Lock()
			l.peer.update = false
			l.mu.Unlock()
			_, _ = l.reinvite(ctx)
			return
		}
		return
	}
}

// quiet is how long no sound may come before we ask whether the other side is still there.
var quiet = 20 * time.Second

// watch asks the other side for a sign when its sound stops: a telephone that lost its power says no goodbye.
func (l *line) watch() {
	began := time.Now()
	go func() {
		tick := time.NewTicker(quiet / 4)
		defer tick.Stop()
		asked := began
		for {
			select {
			case <-l.ended:
				return
			case now := <-tick.C:
				last := l.media.Stats().In.Last
				if last.Before(began) {
					last = began
				}
				if now.Sub(last) < quiet || now.Sub(asked) < quiet || l.media.Direction() == rtp.Inactive {
					continue
				}
				asked = now
				if !l.probe() {
					return
				}
			}
		}
	}()
}

// probe asks inside the call whether it is still known there. Any answer but "no such call" will do.
func (l *line) probe() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience()+time.Second)
	defer cancel()
	_, err := l.d.ask(ctx, l.s, l.auth, wire.OPTIONS, nil)
	if errors.Is(err, errGone) || errors.Is(err, errTransport) {
		l.lost(0, "the other side is gone: "+err.Error())
		return false
	}
	return true
}
