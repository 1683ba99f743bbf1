package sip

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// handle says who takes which request.
func (s *Stack) handle() {
	on := func(m wire.RequestMethod, f func(req *wire.Request, tx wire.ServerTransaction)) {
		s.server.OnRequest(m, func(req *wire.Request, tx wire.ServerTransaction) {
			if !whole3261(req) {
				if !req.IsAck() {
					reply(req, tx, 400, "Bad Request")
				}
				return
			}
			f(req, tx)
		})
	}
	on(wire.INVITE, s.onInvite)
	on(wire.ACK, s.onAck)
	on(wire.BYE, s.onBye)
	on(wire.UPDATE, s.inside((*line).changed))
	on(wire.INFO, s.inside((*line).onInfo))
	on(wire.REFER, s.inside((*line).onRefer))
	on(wire.NOTIFY, s.onNotify)
	on(wire.OPTIONS, s.onOptions)
	on(wire.REGISTER, s.onRegister)
	on(wire.CANCEL, s.none) // those that belong to a call never come here
	on(wire.PRACK, s.none)
	s.server.OnNoRoute(func(req *wire.Request, tx wire.ServerTransaction) {
		reply(req, tx, 405, "Method Not Allowed", [2]string{"Allow", allow})
	})
}

// whole3261 tells whether a request has what every request must have.
func whole3261(req *wire.Request) bool {
	return req.From() != nil && req.To() != nil && req.CallID() != nil && req.CSeq() != nil && req.CSeq().MethodName == req.Method && req.Via() != nil &&
		(req.MaxForwards() == nil || *req.MaxForwards() > 0)
}

func (s *Stack) none(req *wire.Request, tx wire.ServerTransaction) {
	reply(req, tx, 481, "Call/Transaction Does Not Exist")
}

// inside finds the line of a request that only makes sense in a call.
func (s *Stack) inside(f func(*line, *wire.Request, wire.ServerTransaction)) func(*wire.Request, wire.ServerTransaction) {
	return func(req *wire.Request, tx wire.ServerTransaction) {
		if l := s.find(req); l != nil {
			f(l, req, tx)
		} else {
			s.none(req, tx)
		}
	}
}

func (s *Stack) onInvite(req *wire.Request, tx wire.ServerTransaction) {
	if req.To().Params.Has("tag") {
		s.inside((*line).changed)(req, tx)
		return
	}
	source := sourceOf(req)
	if !s.guard.invites(source.Addr(), time.Now()) {
		reply(req, tx, 503, "Service Unavailable", [2]string{"Retry-After", "5"})
		return
	}
	if s.merged(req) {
		reply(req, tx, 482, "Loop Detected")
		return
	}
	who, code := s.who(req, source, tx)
	if code != 0 {
		if code > 0 {
			reply(req, tx, code, map[int]string{403: "Forbidden", 404: "Not Found", 480: "Temporarily Unavailable"}[code])
		}
		return
	}
	s.arrive(req, tx, source, who)
}

// merged tells whether the same call came already by another way.
func (s *Stack) merged(req *wire.Request) bool {
	id, tag := string(*req.CallID()), req.From().Params.GetOr("tag", "")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.dialogs {
		if l.inbound && l.d.callID == id && l.d.remote.tag == tag {
			return true
		}
	}
	return false
}

// who finds out whose call it is. Nobody's is refused: there is no other way in.
func (s *Stack) who(req *wire.Request, source netip.AddrPort, tx wire.ServerTransaction) (caller, int) {
	if s.phones != nil && s.phones.at(source) { // also where a telephone stands beside a telephone system
		return s.phones.caller(req, source, tx)
	}
	s.mu.Lock()
	var here []*trunk
	for _, t := range s.trunks {
		if t.has(source.Addr()) {
			here = append(here, t)
		}
	}
	s.mu.Unlock()
	if len(here) > 0 {
		t := choose(here, req)
		if t == nil {
			return caller{}, 404
		}
		return t.caller()
	}
	if s.phones != nil {
		return s.phones.caller(req, source, tx)
	}
	s.guard.count(&s.guard.refused)
	return caller{}, 403
}

// choose finds the trunk of a call among those that share their provider: by the account that was rung, by the number, by the name of
// the host. Two stores' trunks aren't guessed between.
func choose(here []*trunk, req *wire.Request) *trunk {
	user, to := req.Recipient.User, req.To().Address.User
	for _, t := range here {
		if t.set.user != "" && strings.EqualFold(t.set.user, user) {
			return t
		}
	}
	for _, t := range here {
		for _, n := range t.set.numbers {
			if n == t.set.e164(user) || n == t.set.e164(to) {
				return t
			}
		}
	}
	for _, t := range here {
		if t.set.user != "" && strings.EqualFold(t.set.user, to) {
			return t
		}
	}
	if len(here) == 1 && (len(here[0].set.numbers) == 0 || here[0].set.mode == modeRegister) {
		return here[0]
	}
	return nil
}

func (s *Stack) onAck(req *wire.Request, _ wire.ServerTransaction) {
	if l := s.find(req); l != nil && l.awaits() {
		select {
		case l.await(req.CSeq().SeqNo) <- req:
		default:
		}
	}
}

func (s *Stack) onBye(req *wire.Request, tx wire.ServerTransaction) {
	l := s.find(req)
	if l == nil {
		s.none(req, tx)
		return
	}
	l.d.enter(req)
	reply(req, tx, 200, "OK")
	cause := care.CauseHangup
	l.mu.Lock()
	if l.refers > 0 {
		cause = care.CauseTransferred
	}
	in := l.in
	l.mu.Unlock()
	if in != nil {
		in.finish(487, "Request Terminated", nil)
	}
	if l.end(cause, 0, reasonOf(req)) {
		l.bury()
	}
}

func reasonOf(req *wire.Request) string {
	if h := req.GetHeader("Reason"); h != nil {
		return clean(h.Value())
	}
	return ""
}

// onInfo takes a key, or says that nothing else is known here.
func (l *line) onInfo(req *wire.Request, tx wire.ServerTransaction) {
	l.d.enter(req)
	kind := ""
	if t := req.ContentType(); t != nil {
		kind = strings.ToLower(t.Value())
	}
	switch {
	case strings.HasPrefix(kind, "application/dtmf-relay"), strings.HasPrefix(kind, "application/dtmf"):
		key := infoKey(req.Body())
		if key == 0 {
			reply(req, tx, 400, "Bad Request")
			return
		}
		reply(req, tx, 200, "OK")
		l.digit(key)
	case kind == "" || strings.HasPrefix(kind, "application/media_control+xml"):
		reply(req, tx, 200, "OK")
	default:
		reply(req, tx, 415, "Unsupported Media Type")
	}
}

// infoKey reads a key out of either form: "Signal=5" among other lines, or the bare key. Some write 10 for * and 11 for #.
func infoKey(b []byte) rune {
	v := strings.TrimSpace(string(b[:min(len(b), 200)]))
	for _, line := range bytes.Split(b[:min(len(b), 200)], []byte("\n")) {
		name, value, ok := strings.Cut(string(line), "=")
		if ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
			v = strings.TrimSpace(value)
			break
		}
	}
	switch v = strings.ToUpper(v); {
	case v == "10":
		return '*'
	case v == "11":
		return '#'
	case len(v) == 1 && strings.Contains("0123456789*#ABCD", v):
		return rune(v[0])
	}
	return 0
}

func (s *Stack) onOptions(req *wire.Request, tx wire.ServerTransaction) {
	if req.To().Params.Has("tag") && s.find(req) == nil {
		s.none(req, tx)
		return
	}
	reply(req, tx, 200, "OK", [2]string{"Allow", allow}, [2]string{"Accept", sdpType}, [2]string{"Supported", "timer"})
}
