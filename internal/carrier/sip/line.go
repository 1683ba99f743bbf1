package sip

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// line is one call with one other side, from the first INVITE until nothing is left of it there: a care.Line. Ended, for those who
// watch it, is not buried: a call given up while it rings may be answered in the same moment, and is then hung up behind the scenes.
type line struct {
	s       *Stack
	t       *trunk // nil for an agent's own telephone
	set     *settings
	auth    *login
	d       *dialog
	media   *rtp.Session
	inbound bool
	from    string
	to      string
	display string

	mu       sync.Mutex
	state    lineState
	events   chan care.LineEvent
	rang     bool
	held     bool
	peer     abilities
	refers   int                           // ours that are open
	referred chan int                      // how a transfer that we asked for went
	timer    sessionTimer                  // RFC 4028
	ack      *wire.Request                 // of the answer, for when it is repeated
	waiting  map[uint32]chan *wire.Request // for the ACK of an answer of ours
	doors    chan struct{}                 // one change of the session at a time
	changing bool                          // ours is under way
	asked    bool                          // his is under way

	ended  chan struct{}
	buried chan struct{}
	grave  sync.Once
	give   func() // returns the trunk's place

	in *incoming // until an inbound line is answered or refused
}

type lineState int

const (
	lineDialing lineState = iota
	lineRinging
	lineUp
	lineEnded
)

// abilities are what the other side said it can do.
type abilities struct {
	update bool
	info   bool
	timer  bool
	events bool // hears RFC 4733
	secure bool
}

func (a *abilities) read(m wire.Message) {
	for _, h := range m.GetHeaders("Allow") {
		v := strings.ToUpper(h.Value())
		a.update = a.update || strings.Contains(v, "UPDATE")
		a.info = a.info || strings.Contains(v, "INFO")
	}
	for _, name := range []string{"Supported", "k"} {
		for _, h := range m.GetHeaders(name) {
			a.timer = a.timer || hasToken(h.Value(), "timer")
		}
	}
	if b := m.Body(); len(b) > 0 {
		a.events = strings.Contains(string(b), "telephone-event")
		a.secure = strings.Contains(string(b), "RTP/SAVP")
	}
}

func hasToken(list, token string) bool {
	for _, t := range strings.Split(list, ",") {
		if strings.EqualFold(strings.TrimSpace(t), token) {
			return true
		}
	}
	return false
}

// allow is what we can do.
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY"

const manyEvents = 256

func (s *Stack) newLine(set *settings) *line {
	return &line{
		s: s, set: set, events: make(chan care.LineEvent, manyEvents), referred: make(chan int, 8), doors: make(chan struct{}, 1),
		waiting: map[uint32]chan *wire.Request{}, ended: make(chan struct{}), buried: make(chan struct{}), give: func() {},
	}
}

// ID implements care.Line.
func (l *line) ID() string { return l.d.callID }

// From implements care.Line.
func (l *line) From() string { return l.from }

// To implements care.Line.
func (l *line) To() string { return l.to }

// Display implements care.Line.
func (l *line) Display() string { return l.display }

// Inbound implements care.Line.
func (l *line) Inbound() bool { return l.inbound }

// Events implements care.Line.
func (l *line) Events() <-chan care.LineEvent { return l.events }

// Media implements care.Line: a *rtp.Session, which is a sound.Leg.
func (l *line) Media() any { return l.media }

// Stats implements care.Line.
func (l *line) Stats() care.LineStats {
	st := l.media.Stats()
	out := care.LineStats{
		Codec: st.Codec, Received: int64(st.In.Packets), Lost: int64(st.In.Missing), JitterMS: float64(st.In.Jitter) / float64(time.Millisecond), Encrypted: st.Secure,
	}
	if st.Remote.IsValid() {
		out.RemoteAddr = st.Remote.String()
	}
	return out
}

// say hands out an event; l.mu is held. There is always room for the last one.
func (l *line) say(e care.LineEvent) {
	e.At = time.Now()
	if len(l.events) < manyEvents-1 || e.Kind == care.LineEnded {
		l.events <- e
	}
}

func (l *line) tell(e care.LineEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != lineEnded {
		l.say(e)
	}
}

// ring says once that the other side rings.
func (l *line) ring(code int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == lineDialing && !l.rang {
		l.rang = true
		l.say(care.LineEvent{Kind: care.LineRinging, Code: code, Text: text})
	}
}

// end says that the line is over; false when it was already.
func (l *line) end(cause care.LineCause, code int, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == lineEnded {
		return false
	}
	l.state = lineEnded
	l.timer.stop()
	l.say(care.LineEvent{Kind: care.LineEnded, Cause: cause, Code: code, Text: text})
	close(l.events)
	close(l.ended)
	l.media.OnDTMF(nil)
	go func() { _ = l.media.Close() }()
	return true
}

// bury ends the care for the line: nothing is left of it at the other side, or nothing can be done about it.
func (l *line) bury() {
	l.grave.Do(func() {
		l.s.forget(l)
		l.give()
		close(l.buried)
	})
}

func (l *line) is(state lineState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == state
}

// Hangup implements care.Line.
func (l *line) Hangup() error { return l.hangup(care.CauseOurs, 0, "") }

// hangup ends the line in whatever state it is.
func (l *line) hangup(cause care.LineCause, code int, text string) error {
	l.mu.Lock()
	was, in := l.state, l.in
	l.mu.Unlock()
	if !l.end(cause, code, text) {
		return nil
	}
	switch {
	case was == lineUp:
		go l.bye(text)
	case in != nil:
		if in.finish(603, "Decline", nil) {
			l.bury()
		}
	}
	return nil // else the one who dials sees it and takes the call back
}

// bye says goodbye until somebody hears it, and buries the line.
func (l *line) bye(reason string) {
	defer l.bury()
	ctx, cancel := context.WithTimeout(context.Background(), patience()+wire.T1)
	defer cancel()
	_, err := l.d.ask(ctx, l.s, l.auth, wire.BYE, func(req *wire.Request) {
		if reason != "" {
			req.AppendHeader(wire.NewHeader("Reason", `Q.850;cause=16;text="`+strings.ReplaceAll(reason, `"`, "")+`"`))
		}
		req.SetBody(nil)
	})
	if err != nil && !errors.Is(err, errGone) && l.t != nil {
		l.t.suspect()
	}
}

// lost ends a line whose other side is dead, and tells it so all the same.
func (l *line) lost(code int, text string) { _ = l.hangup(care.CauseNetwork, code, text) }

// keep puts a line where requests inside its dialog find it.
func (s *Stack) keep(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialogs[dialogKey(l.d.callID, l.d.local.tag)] = l
}

func (s *Stack) forget(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := dialogKey(l.d.callID, l.d.local.tag)
	if s.dialogs[key] == l {
		delete(s.dialogs, key)
	}
}

func dialogKey(callID, tag string) string { return callID + "\x00" + tag }

// find finds the line of a request inside a dialog.
func (s *Stack) find(req *wire.Request) *line {
	id, to, from := req.CallID(), req.To(), req.From()
	if id == nil || to == nil || from == nil {
		return nil
	}
	tag, _ := to.Params.Get("tag")
	theirs, _ := from.Params.Get("tag")
	if tag == "" {
		return nil
	}
	s.mu.Lock()
	l := s.dialogs[dialogKey(string(*id), tag)]
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.d.remote.tag != "" && l.d.remote.tag != theirs {
		return nil
	}
	return l
}

func (s *Stack) inDialog(req *wire.Request) bool { return s.find(req) != nil }

// SendDTMF implements care.Line.
func (l *line) SendDTMF(ctx context.Context, digits string) error {
	if !l.is(lineUp) {
		return care.Conflict("sip.over")
	}
	for _, d := range digits {
		if !strings.ContainsRune("0123456789*#ABCD,", d) {
			return care.Invalid("digits", "value_invalid")
		}
	}
	l.mu.Lock()
	byInfo := l.set.dtmf == dtmfInfo || l.set.dtmf == dtmfAuto && !l.peer.events && l.peer.info
	l.mu.Unlock()
	if !byInfo {
		return l.media.SendDTMF(digits)
	}
	for _, d := range digits {
		if d == ',' {
			continue
		}
		res, err := l.d.ask(ctx, l.s, l.auth, wire.INFO, func(req *wire.Request) {
			body(req, "application/dtmf-relay", []byte("Signal="+string(d)+"\r\nDuration=160\r\n"))
		})
		if errors.Is(err, errGone) {
			l.lost(0, err.Error())
		}
		if err != nil {
			return err
		}
		if res.StatusCode >= 300 {
			return &care.Error{Code: "sip.dtmf_refused", Kind: care.KindConflict}
		}
	}
	return nil
}

// causeOf says what a final answer to a call means.
func causeOf(code int) care.LineCause {
	switch code {
	case 486, 600:
		return care.CauseBusy
	case 408, 480, 487:
		return care.CauseNoAnswer
	case 603, 403, 433, 607, 608:
		return care.CauseRejected
	case 404, 410, 484, 485, 604, 416:
		return care.CauseWrongNumber
	case 488, 415, 606:
		return care.CauseMedia
	}
	return care.CauseNetwork
}

// codeOf is the answer that says a cause.
func codeOf(cause care.LineCause) (int, string) {
	switch cause {
	case care.CauseBusy:
		return 486, "Busy Here"
	case care.CauseNoAnswer:
		return 480, "Temporarily Unavailable"
	case care.CauseWrongNumber:
		return 404, "Not Found"
	case care.CauseNetwork:
		return 503, "Service Unavailable"
	case care.CauseMedia:
		return 488, "Not Acceptable Here"
	}
	return 603, "Decline"
}
