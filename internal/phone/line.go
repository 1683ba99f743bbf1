package phone

import (
	"context"
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

// held is a call's line.
type held struct {
	line care.Line
}

func (l *lines) get(call int64) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[call]
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
	h := &held{line: line}
	p.lines.mu.Lock()
	p.lines.held[id] = h
	p.lines.mu.Unlock()
	p.lines.work.Go(func() { p.follow(id, connection, h) })
}

// follow writes down what happens on a line. It ends when the line does.
func (p *Phone) follow(id, connection int64, h *held) {
	ctx := context.WithoutCancel(p.ctx)
	err := p.change(ctx, id, func(tx *db.Tx, c *call) error {
		c.Line, c.Connection = clip(h.line.ID(), 200), connection
		if c.Result != "" || c.State == CallEnded { // given up while it was dialled
			_ = h.line.Hangup()
		}
		return c.save(ctx, tx)
	})
	if err != nil {
		p.log.Error("call", "call", id, "err", err)
	}
	ended := false
	for e := range h.line.Events() {
		ended = ended || e.Kind == care.LineEnded
		if err := p.heard(ctx, id, e); err != nil {
			p.log.Error("what a line said couldn't be kept", "call", id, "event", e.Kind, "err", err)
		}
	}
	if !ended { // a carrier that closes its events without an end owes us one
		if err := p.heard(ctx, id, care.LineEvent{Kind: care.LineEnded, Cause: care.CauseNetwork}); err != nil {
			p.log.Error("call", "call", id, "err", err)
		}
	}
	p.lines.mu.Lock()
	delete(p.lines.held, id)
	p.lines.mu.Unlock()
}

const topicLines = "phone.line."

// hangUp ends a line, on whichever node it is: on another by a hint.
func (p *Phone) hangUp(call int64) {
	if h := p.lines.get(call); h != nil {
		_ = h.line.Hangup()
		return
	}
	p.bus.Publish(topicLines+itoa(call), []byte("hangup"))
}
