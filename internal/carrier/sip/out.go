package sip

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// placing is a call to make.
type placing struct {
	target  wire.Uri
	routes  []wire.Uri
	reach   reach
	from    party
	to      party
	contact string // the user of our address
	ring    time.Duration
	headers [][2]string
	near    func(host string) bool // which hosts a redirection may lead to
}

// place begins a call; what becomes of it comes by the line's events.
func (s *Stack) place(l *line, p placing) {
	p.from.tag = newTag()
	l.d = &dialog{callID: newCallID(), local: p.from, remote: p.to, target: p.target, routes: p.routes, reach: p.reach}
	l.d.contact = wire.Uri{Scheme: "sip", User: p.contact, Host: p.reach.host, Port: p.reach.port, UriParams: wire.NewParams()}
	if p.reach.transport != "UDP" {
		l.d.contact.UriParams.Add("transport", strings.ToLower(p.reach.transport))
	}
	l.media.OnDTMF(l.digit)
	s.keep(l)
	go l.call(p)
}

func (l *line) digit(key rune) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == lineUp {
		l.say(care.LineEvent{Kind: care.LineDigit, Digit: key})
	}
}

// silence is how long nothing at all may come to an INVITE before the trunk counts as down; SIP itself would wait for 32 seconds.
func silence() time.Duration { return 12 * wire.T1 }

const redirections = 3

// call rings, as often as the other side asks for another form of the question.
func (l *line) call(p placing) {
	ring := time.NewTimer(p.ring)
	defer ring.Stop()
	secure := l.set.srtp != srtpOff
	minimum := time.Duration(0)
	answered := map[int]bool{}
	var challenge *wire.Response
	for redirected := 0; ; {
		req := l.invite(p, secure, minimum)
		if challenge == nil {
			l.auth.ahead(req)
		} else if err := l.auth.answer(req, challenge); err != nil {
			l.end(care.CauseNetwork, challenge.StatusCode, "name or password refused")
			l.bury()
			return
		}
		res, err := l.attempt(req, ring.C)
		switch {
		case err != nil:
			if l.end(care.CauseNetwork, 0, err.Error()) && l.t != nil {
				l.t.suspect()
			}
			l.bury()
			return
		case res.IsSuccess():
			l.confirm(req, res)
			return
		case l.is(lineEnded):
			l.bury()
			return
		case l.auth.challenged(res) && (!answered[res.StatusCode] || stale(res)) && len(answered) < 6:
			answered[res.StatusCode] = true
			challenge = res
			continue
		case res.StatusCode == 422 && minimum == 0:
			minimum = seconds(res, "Min-SE")
			if minimum > 0 {
				challenge = nil
				continue
			}
		case (res.StatusCode == 488 || res.StatusCode == 415 || res.StatusCode == 606) && secure && l.set.srtp == srtpOptional:
			secure, challenge = false, nil
			continue
		case res.IsRedirection() && redirected < redirections:
			if to, ok := redirection(res, p.near); ok {
				redirected++
				p.target, challenge = to, nil
				if p.reach.dest != "" && len(p.routes) == 0 && to.Host != "" {
					p.reach.dest = hostPort(to, p.reach.transport)
				}
				continue
			}
		}
		cause := causeOf(res.StatusCode)
		if l.auth.challenged(res) || res.StatusCode == 422 {
			cause = care.CauseNetwork
		}
		if res.StatusCode >= 500 && res.StatusCode < 600 && l.t != nil {
			l.t.suspect()
		}
		l.end(cause, res.StatusCode, res.Reason)
		l.bury()
		return
	}
}

// redirection reads where else to ring: only with hosts of the same trunk, so that nobody sends our calls wherever he likes.
func redirection(res *wire.Response, near func(host string) bool) (wire.Uri, bool) {
	for _, h := range res.GetHeaders("Contact") {
		for _, part := range splitAddresses(h.Value()) {
			var u wire.Uri
			params := wire.NewParams()
			if _, err := wire.ParseAddressValue(part, &u, &params); err == nil && near != nil && near(u.Host) && dialable(u.User) {
				return wire.Uri{Scheme: "sip", User: u.User, Host: u.Host, Port: u.Port, UriParams: wire.NewParams()}, true
			}
		}
	}
	return wire.Uri{}, false
}

// invite makes the next INVITE of the call.
func (l *line) invite(p placing, secure bool, minimum time.Duration) *wire.Request {
	l.d.mu.Lock()
	l.d.seq++
	req := l.s.request(wire.INVITE, p.target, p.reach, p.routes)
	complete(req, l.d.local, l.d.remote, l.d.callID, l.d.seq)
	l.d.mu.Unlock()
	req.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
	req.AppendHeader(wire.NewHeader("Allow", allow))
	for _, h := range p.headers {
		req.AppendHeader(wire.NewHeader(h[0], h[1]))
	}
	l.timer.ask(req, l.set.session, minimum)
	body(req, sdpType, l.media.Offer(secure))
	return req
}

// attempt sends an INVITE and stays with it until its last answer, also when the line has ended meanwhile: then it takes the call back.
func (l *line) attempt(req *wire.Request, ring <-chan time.Time) (*wire.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	tx, err := l.s.ua.TransactionLayer().Request(ctx, req)
	if err != nil {
		return nil, errors.Join(errTransport, err)
	}
	tx.OnRetransmission(func(res *wire.Response) { go l.repeated(req, res) })
	silent := time.NewTimer(silence())
	defer silent.Stop()
	var (
		heard    bool
		ended    = l.ended
		deadline <-chan time.Time
	)
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
			silent.Stop()
			if !heard && ended == nil {
				l.s.cancel(req)
			}
			heard = true
			l.provisional(res)
		case <-tx.Done():
			if err := tx.Err(); err != nil && !errors.Is(err, wire.ErrTransactionTerminated) {
				return nil, err
			}
			return nil, errSilent
		case <-ring:
			l.end(care.CauseNoAnswer, 0, "rang out")
		case <-silent.C:
			if l.end(care.CauseNetwork, 0, "the trunk doesn't answer") && l.t != nil {
				l.t.suspect()
			}
		case <-ended:
			ended = nil
			if !heard {
				// Nothing may be taken back that nobody is known to have. It isn't asked again; whoever answers after all is told then.
				l.s.dig(l, req)
				tx.Terminate()
				return nil, errSilent
			}
			l.s.cancel(req)
			deadline = time.After(patience())
		case <-deadline:
			l.s.dig(l, req)
			tx.Terminate()
			return nil, errSilent
		}
	}
}

// provisional takes an answer that isn't the last: it rings, or early sound is to be heard.
func (l *line) provisional(res *wire.Response) {
	if res.StatusCode == 100 {
		return
	}
	l.mu.Lock()
	over := l.state == lineEnded
	l.mu.Unlock()
	if over {
		return
	}
	if len(res.Body()) > 0 {
		if err := l.media.Accept(res.Body()); err == nil {
			l.mu.Lock()
			l.peer.read(res)
			l.mu.Unlock()
		}
	}
	l.ring(res.StatusCode, res.Reason)
}

// confirm takes the answer: it is acknowledged in any case, and hung up again when the line has ended meanwhile.
func (l *line) confirm(req *wire.Request, res *wire.Response) {
	l.d.answered(l.s, res)
	ack := l.d.acknowledge(l.s, req)
	l.mu.Lock()
	l.ack = ack
	l.mu.Unlock()
	_ = l.s.send(ack.Clone())

	var bad error
	if len(res.Body()) > 0 {
		bad = l.media.Accept(res.Body())
	} else if l.media.Direction() == rtp.Inactive && l.media.Stats().Codec == "" {
		bad = rtp.ErrNoAudio
	}
	l.mu.Lock()
	if l.state == lineEnded {
		l.mu.Unlock()
		l.bye("given up")
		return
	}
	if bad != nil {
		l.mu.Unlock()
		l.end(care.CauseMedia, res.StatusCode, bad.Error())
		l.bye("no common codec")
		return
	}
	l.peer.read(res)
	l.state = lineUp
	l.held = l.media.Held()
	l.say(care.LineEvent{Kind: care.LineAnswered, Code: res.StatusCode, Text: res.Reason})
	l.mu.Unlock()
	l.timer.begin(l, res, true)
	l.watch()
}

// answered takes into the dialog what the other side's answer says.
func (d *dialog) answered(s *Stack, res *wire.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to := res.To(); to != nil {
		d.remote.tag, _ = to.Params.Get("tag")
	}
	d.routes = routesOf(res)
	slices.Reverse(d.routes)
	if c := res.Contact(); c != nil && !c.Address.Wildcard {
		d.target = c.Address
	}
	d.settle(s, d.reach.dest)
}

// acknowledge makes the ACK of an answered INVITE, with the INVITE's credentials.
func (d *dialog) acknowledge(s *Stack, invite *wire.Request) *wire.Request {
	ack := d.request(s, wire.ACK, invite.CSeq().SeqNo)
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if h := invite.GetHeader(name); h != nil {
			ack.AppendHeader(wire.NewHeader(h.Name(), h.Value()))
		}
	}
	ack.SetBody(nil)
	return ack
}

// repeated takes answers that come once more: ours, whose ACK got lost; or of a second telephone that was picked up as well.
func (l *line) repeated(req *wire.Request, res *wire.Response) {
	tag := ""
	if to := res.To(); to != nil {
		tag, _ = to.Params.Get("tag")
	}
	l.d.mu.Lock()
	same := tag == l.d.remote.tag
	l.d.mu.Unlock()
	l.mu.Lock()
	ack := l.ack
	l.mu.Unlock()
	if !same {
		l.s.unwanted(req, res, l.auth)
	} else if ack != nil {
		_ = l.s.send(ack.Clone())
	}
}

// unwanted hangs up an answer that nobody waits for.
func (s *Stack) unwanted(invite *wire.Request, res *wire.Response, auth *login) {
	to, from, id := res.To(), res.From(), res.CallID()
	if to == nil || from == nil || id == nil || res.CSeq() == nil {
		return
	}
	d := &dialog{callID: string(*id), seq: res.CSeq().SeqNo, target: invite.Recipient}
	d.local = party{from.DisplayName, from.Address, from.Params.GetOr("tag", "")}
	d.remote = party{to.DisplayName, to.Address, to.Params.GetOr("tag", "")}
	d.reach = reach{transport: invite.Transport(), dest: invite.Destination(), host: invite.Via().Host, port: invite.Via().Port}
	d.answered(s, res)
	_ = s.send(d.acknowledge(s, invite))
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	_, _ = d.ask(ctx, s, auth, wire.BYE, nil)
}

// cancel takes an INVITE back.
func (s *Stack) cancel(invite *wire.Request) {
	req := wire.NewRequest(wire.CANCEL, *invite.Recipient.Clone())
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	req.AppendHeader(invite.Via().Clone())
	wire.CopyHeaders("Route", invite, req)
	hops := wire.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	wire.CopyHeaders("From", invite, req)
	wire.CopyHeaders("To", invite, req)
	wire.CopyHeaders("Call-ID", invite, req)
	req.AppendHeader(&wire.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: wire.CANCEL})
	req.SetBody(nil)
	go func() {
		ctx, stop := context.WithTimeout(context.Background(), patience())
		defer stop()
		_, _ = s.ask(ctx, req) // whatever comes, also 481: the INVITE's own answer decides
	}()
}

// grave is a call that was given up before its last answer came. Should one come after all, it must not become a ghost.
type grave struct {
	invite *wire.Request
	auth   *login
	until  time.Time
	told   map[string]bool // by the other side's tag
}

// dig makes a grave.
func (s *Stack) dig(l *line, invite *wire.Request) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, g := range s.graves {
		if now.After(g.until) {
			delete(s.graves, id)
		}
	}
	s.graves[l.d.callID] = grave{invite: invite, auth: l.auth, until: now.Add(5 * time.Minute), told: map[string]bool{}}
}

// stray takes answers to no transaction: of calls that were given up, and answers repeated very late.
func (s *Stack) stray(res *wire.Response) {
	id, seq, to := res.CallID(), res.CSeq(), res.To()
	if id == nil || seq == nil || to == nil || seq.MethodName != wire.INVITE || res.StatusCode >= 300 || !s.expects(res) {
		return
	}
	tag := to.Params.GetOr("tag", "")
	s.mu.Lock()
	g, dead := s.graves[string(*id)]
	first := dead && !g.told[strconv.FormatBool(res.IsProvisional())+tag]
	if first {
		g.told[strconv.FormatBool(res.IsProvisional())+tag] = true
	}
	s.mu.Unlock()
	switch {
	case !dead:
	case res.IsProvisional() && first:
		s.cancel(g.invite)
	case res.IsSuccess():
		s.unwanted(g.invite, res, g.auth) // also again: our goodbye may have got lost
	}
}

// seconds reads a header that is a number of seconds, with or without parameters.
func seconds(m wire.Message, name string) time.Duration {
	for _, h := range m.GetHeaders(name) {
		v, _, _ := strings.Cut(h.Value(), ";")
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n >= 0 && n < 1<<30 {
			return time.Duration(n) * time.Second
		}
	}
	return 0
}
