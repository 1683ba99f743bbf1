package sip

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// incoming is an INVITE that has no last answer yet. Three may want to give it: we with an answer, we with a refusal, the caller by CANCEL; one does.
type incoming struct {
	req    *wire.Request
	tx     wire.ServerTransaction
	answer []byte // our description; nil when the caller sent none and ours comes first
	taken  atomic.Bool
	final  chan struct{}
}

func (in *incoming) claim() bool { return in.taken.CompareAndSwap(false, true) }

// finish refuses.
func (in *incoming) finish(code int, reason string, headers [][2]string) bool {
	if !in.claim() {
		return false
	}
	defer close(in.final)
	reply(in.req, in.tx, code, reason, headers...)
	return true
}

// reply answers a request without a body.
func reply(req *wire.Request, tx wire.ServerTransaction, code int, reason string, headers ...[2]string) {
	res := wire.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(wire.NewHeader(h[0], h[1]))
	}
	_ = tx.Respond(res)
}

// unanswered is how long a caller may hear nothing but ringing.
const unanswered = 3 * time.Minute

// caller is who rings in: a trunk's network, or an agent's telephone.
type caller struct {
	set   *settings
	t     *trunk
	auth  *login
	ring  func(care.Line)
	enter func() (give func(), ok bool)
}

// arrive takes a new call. It returns when the call has its last answer, for the transaction lives only as long.
func (s *Stack) arrive(req *wire.Request, tx wire.ServerTransaction, source netip.AddrPort, who caller) {
	if unknown := unsupported(req); unknown != "" {
		reply(req, tx, 420, "Bad Extension", [2]string{"Unsupported", unknown})
		return
	}
	if se := seconds(req, "Session-Expires"); se > 0 && se < minSession {
		reply(req, tx, 422, "Session Interval Too Small", [2]string{"Min-SE", "90"})
		return
	}
	give, ok := who.enter()
	if !ok {
		reply(req, tx, 486, "Busy Here")
		return
	}
	tag := newTag()
	req.To().Params.Add("tag", tag) // all answers, also those that the transaction makes by itself, come from one and the same
	reply(req, tx, 100, "Trying")

	l, refusal := s.incomingLine(req, source, who, tag)
	if l == nil {
		give()
		reply(req, tx, refusal, wireReason(refusal))
		return
	}
	l.give = give
	in := l.in
	in.tx = tx
	canceled := func(c *wire.Request) {
		if in.claim() {
			defer close(in.final)
		}
		cause := care.CauseHangup
		for _, h := range c.GetHeaders("Reason") {
			if strings.Contains(strings.ToLower(h.Value()), "completed elsewhere") {
				cause = care.CauseElsewhere
			}
		}
		go func() {
			if l.end(cause, 487, "the caller gave up") {
				l.bury()
			}
		}()
	}
	if !tx.OnCancel(canceled) {
		if l.end(care.CauseHangup, 487, "the caller gave up") {
			l.bury()
		}
		return
	}
	s.keep(l)
	who.ring(l)
	timeout := time.NewTimer(unanswered)
	defer timeout.Stop()
	select {
	case <-in.final:
	case <-tx.Done(): // the connection broke
		if in.claim() {
			if l.end(care.CauseNetwork, 0, "the caller's connection broke") {
				l.bury()
			}
		}
	case <-timeout.C:
		if in.finish(480, "Temporarily Unavailable", nil) {
			l.end(care.CauseNoAnswer, 480, "nobody answered")
			l.bury()
		}
	}
}

func wireReason(code int) string {
	switch code {
	case 400:
		return "Bad Request"
	case 488:
		return "Not Acceptable Here"
	}
	return "Service Unavailable"
}

// unsupported names what the caller insists on and we can't.
func unsupported(req *wire.Request) string {
	var out []string
	for _, h := range req.GetHeaders("Require") {
		for _, t := range strings.Split(h.Value(), ",") {
			if t = strings.TrimSpace(t); t != "" && !strings.EqualFold(t, "timer") {
				out = append(out, t)
			}
		}
	}
	return strings.Join(out, ", ")
}

// incomingLine makes the line of a call that came in, or says with which code to refuse it.
func (s *Stack) incomingLine(req *wire.Request, source netip.AddrPort, who caller, tag string) (*line, int) {
	from, to, contact := req.From(), req.To(), req.Contact()
	if from == nil || contact == nil || contact.Address.Wildcard || req.CallID() == nil || req.CSeq() == nil {
		return nil, 400
	}
	l := s.newLine(who.set)
	l.t, l.auth, l.inbound = who.t, who.auth, true
	l.d = &dialog{callID: string(*req.CallID()), remoteSeq: req.CSeq().SeqNo, target: contact.Address, routes: routesOf(req), met: source.String()}
	l.d.local = party{to.DisplayName, to.Address, tag}
	l.d.remote = party{from.DisplayName, from.Address, from.Params.GetOr("tag", "")}
	l.d.reach = s.reachTo(req.Transport(), source.String())
	l.d.contact = wire.Uri{Scheme: "sip", User: to.Address.User, Host: l.d.reach.host, Port: l.d.reach.port, UriParams: wire.NewParams()}
	if l.d.reach.transport != "UDP" {
		l.d.contact.UriParams.Add("transport", strings.ToLower(l.d.reach.transport))
	}
	media, err := s.media(l.d.reach, rtp.Options{Laws: who.set.laws, OnlySRTP: who.set.srtp == srtpRequired, KeysAside: who.set.dtmf == dtmfTones})
	if err != nil {
		s.log.Warn("sip: no port for the sound of a call", "error", err)
		return nil, 503
	}
	l.media = media
	l.d.settle(s, source.String())
	l.in = &incoming{req: req, final: make(chan struct{})}
	l.peer.read(req)
	if offer := req.Body(); len(offer) > 0 {
		if l.in.answer, err = media.Answer(offer); err != nil {
			go func() { _ = media.Close() }()
			return nil, 488
		}
	}
	l.from, l.display = identity(req, who.set)
	l.to = who.set.e164(req.Recipient.User)
	if who.set.user != "" && strings.EqualFold(req.Recipient.User, who.set.user) && to.Address.User != "" {
		l.to = who.set.e164(to.Address.User)
	}
	l.state = lineRinging
	media.OnDTMF(l.digit)
	return l, 0
}

// identity is who rings: what the network vouches for where it does, else what he says. Somebody who hides himself has no number.
func identity(req *wire.Request, set *settings) (number, display string) {
	from := req.From()
	u, display := from.Address, from.DisplayName
	if h := req.GetHeader("P-Asserted-Identity"); h != nil {
		for _, part := range splitAddresses(h.Value()) {
			var asserted wire.Uri
			params := wire.NewParams()
			name, err := wire.ParseAddressValue(part, &asserted, &params)
			if err == nil && (asserted.User != "" || asserted.Raw() != "") {
				u = asserted
				if name != "" {
					display = name
				}
				break
			}
		}
	}
	user := u.User
	if u.Scheme == "tel" {
		user, _, _ = strings.Cut(u.Raw(), ";")
	}
	if privacy := req.GetHeader("Privacy"); privacy != nil && strings.Contains(privacy.Value(), "id") || strings.EqualFold(user, "anonymous") || strings.EqualFold(user, "restricted") {
		return "", ""
	}
	user, _, _ = strings.Cut(user, ";")
	return set.e164(user), clean(display)
}

// clean makes a name of the network's fit to be shown.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 100 {
		s = string(r[:100])
	}
	return strings.TrimSpace(s)
}

// errOver is given by verbs on a line that has ended.
func errOver() error { return care.Conflict("sip.over") }

// Ringing implements care.Line.
func (l *line) Ringing() error {
	l.mu.Lock()
	in := l.in
	ok := l.state == lineRinging && in != nil && !in.taken.Load()
	l.mu.Unlock()
	if !ok {
		return errOver()
	}
	res := wire.NewResponseFromRequest(in.req, 180, "Ringing", nil)
	res.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
	res.AppendHeader(wire.NewHeader("Allow", allow))
	return in.tx.Respond(res)
}

// Answer implements care.Line.
func (l *line) Answer(context.Context) error {
	l.mu.Lock()
	in := l.in
	ok := l.state == lineRinging && in != nil
	l.mu.Unlock()
	if !ok || !in.claim() {
		return errOver()
	}
	defer close(in.final)
	answer := in.answer
	if answer == nil {
		answer = l.media.Offer(l.set.srtp == srtpRequired)
	}
	res := l.accept(in.req, answer)
	if err := in.tx.Respond(res); err != nil {
		// The caller gave up in this very moment: the transaction has refused for us, and must not repeat our answer instead of that.
		reply(in.req, in.tx, 487, "Request Terminated")
		if l.end(care.CauseHangup, 487, "the caller gave up") {
			l.bury()
		}
		return errOver()
	}
	l.mu.Lock()
	if l.state == lineEnded {
		l.mu.Unlock()
		go l.bye("")
		return errOver()
	}
	l.state, l.in = lineUp, nil
	l.held = l.media.Held()
	l.say(care.LineEvent{Kind: care.LineAnswered, Code: 200})
	l.mu.Unlock()
	l.timer.begin(l, res, false)
	go l.repeat(in.req, in.tx, res)
	l.watch()
	return nil
}

// accept makes the answer 200 to an INVITE or UPDATE.
func (l *line) accept(req *wire.Request, sdp []byte) *wire.Response {
	res := wire.NewResponseFromRequest(req, 200, "OK", nil)
	res.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
	res.AppendHeader(wire.NewHeader("Allow", allow))
	res.AppendHeader(wire.NewHeader("User-Agent", agent))
	l.timer.grant(req, res, l.set.session)
	body(res, sdpType, sdp)
	return res
}

// Reject implements care.Line.
func (l *line) Reject(cause care.LineCause) error {
	l.mu.Lock()
	in := l.in
	ok := l.state == lineRinging && in != nil
	l.mu.Unlock()
	code, reason := codeOf(cause)
	if !ok || !in.finish(code, reason, nil) {
		return errOver()
	}
	l.end(care.CauseOurs, code, reason)
	l.bury()
	return nil
}
