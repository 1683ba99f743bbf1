package phone

import (
	"context"
	"strings"
	"sync"

	"opeka/internal/care"
	"opeka/internal/db"
)

// lines are what this process holds of the network, by call.
type lines struct {
	mu   sync.Mutex
	held map[int64]*held
	work sync.WaitGroup
}

// held is a call's line with its sound.
type held struct {
	line  care.Line
	stage *stage
	do    chan string // what other parts of the house want of it
	tape  tape
	gone  chan struct{} // closed when nothing follows it any more
}

func newHeld(line care.Line) *held {
	return &held{line: line, do: make(chan string, 16), gone: make(chan struct{})}
}

func (l *lines) get(call int64) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[call]
}

func (l *lines) put(call int64, h *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[call] = h
}

func (l *lines) drop(call int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, call)
}

// do asks a line of this process for something; a line that is behind with its work forgets what is repeated.
func (l *lines) do(call int64, what string) bool {
	h := l.get(call)
	if h == nil {
		return false
	}
	select {
	case h.do <- what:
	default:
	}
	return true
}

func (l *lines) hangUpAll() {
	l.mu.Lock()
	all := make([]*held, 0, len(l.held))
	for _, h := range l.held {
		all = append(all, h)
	}
	l.mu.Unlock()
	for _, h := range all {
		_ = h.line.Hangup()
	}
}

// hold takes a line that we rang, notes which it is and follows it to its end.
func (p *Phone) hold(id, connection int64, line care.Line) {
	h := newHeld(line)
	p.lines.put(id, h)
	p.lines.work.Go(func() {
		ctx := context.WithoutCancel(p.ctx)
		err := p.change(ctx, id, func(tx *db.Tx, c *call) error {
			c.Line, c.Connection = clip(line.ID(), 200), connection
			if c.Result != "" || c.State == CallEnded { // given up while it was dialled
				_ = line.Hangup()
			}
			return c.save(ctx, tx)
		})
		if err != nil {
			p.log.Error("call", "call", id, "err", err)
		}
		p.follow(ctx, id, h, nil)
	})
}

// follow writes down what happens on a line and does what is asked of it. It ends when the line does. key hears the keys that the customer presses.
func (p *Phone) follow(ctx context.Context, id int64, h *held, key func(rune)) {
	defer func() {
		p.lines.drop(id)
		close(h.gone)
		h.stage.close()
		p.untape(ctx, id, h, true)
	}()
	ended := false
	for {
		select {
		case e, open := <-h.line.Events():
			if !open {
				if !ended { // a carrier that closes its events without an end owes us one
					p.note(ctx, id, care.LineEvent{Kind: care.LineEnded, Cause: care.CauseNetwork})
				}
				return
			}
			ended = ended || e.Kind == care.LineEnded
			switch {
			case e.Kind == care.LineDigit:
				if key != nil {
					key(e.Digit)
				}
				continue
			case e.Kind == care.LineAnswered && h.stage == nil:
				h.stage = p.booth.put(h.line)
			}
			p.note(ctx, id, e)
			if e.Kind == care.LineAnswered {
				p.joinAgent(ctx, id, h)
			}
		case what := <-h.do:
			p.doOn(ctx, id, h, what)
		}
	}
}

func (p *Phone) note(ctx context.Context, id int64, e care.LineEvent) {
	if err := p.heard(ctx, id, e); err != nil {
		p.log.Error("what a line said couldn't be kept", "call", id, "event", e.Kind, "err", err)
	}
}

// joinAgent lets the agent of a call and its customer hear each other.
func (p *Phone) joinAgent(ctx context.Context, id int64, h *held) {
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil || c.Agent == 0 || c.State != CallTalking && c.State != CallHeld {
		return
	}
	h.stage.join(p.booth.leg(c.Agent))
	p.recordWhenDue(ctx, id, h, false)
}

// doOn does what was asked of a line.
func (p *Phone) doOn(ctx context.Context, id int64, h *held, what string) {
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "hangup":
		_ = h.line.Hangup()
	case "join":
		p.joinAgent(ctx, id, h)
	case "hold", "resume":
		_ = h.line.Hold(verb == "hold")
		h.stage.hold(verb == "hold", p.booth.music)
	case "dtmf":
		_ = h.line.SendDTMF(ctx, arg)
	case "watch":
		p.watchOn(h, arg)
	case "tape":
		p.tapeOn(ctx, id, h, arg)
	}
}

const topicLines = "phone.line."

// ask has something done on a call's line, on whichever node it is: on another one by a hint.
func (p *Phone) ask(call int64, what string) {
	if !p.lines.do(call, what) {
		p.bus.Publish(topicLines+itoa(call), []byte(what))
	}
}

// hangUp ends a call's line.
func (p *Phone) hangUp(call int64) { p.ask(call, "hangup") }
