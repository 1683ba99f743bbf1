package phones

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"opeka/internal/care"
	"opeka/internal/sound"
)

// Line is one call with somebody's telephone.
type Line struct {
	Dialing care.Dialing // of an outbound one

	id       string
	from, to string
	inbound  bool
	events   chan care.LineEvent

	mu       sync.Mutex
	ended    bool
	Answered bool // by the program, of an inbound one
	keys     string
	leg      sound.Leg
	changed  chan struct{}
}

var count atomic.Int64

func newLine(from, to string, inbound bool) *Line {
	return &Line{id: "line-" + strconv.FormatInt(count.Add(1), 10), from: from, to: to, inbound: inbound, events: make(chan care.LineEvent, 64), leg: sound.Silence{}, changed: make(chan struct{})}
}

func (l *Line) say(e care.LineEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	e.At = time.Now()
	l.events <- e
	if e.Kind == care.LineEnded {
		l.ended = true
		close(l.events)
	}
	l.touch()
}

func (l *Line) touch() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Rings says that the telephone rings.
func (l *Line) Rings() { l.say(care.LineEvent{Kind: care.LineRinging}) }

// Answers lifts the receiver.
func (l *Line) Answers() { l.say(care.LineEvent{Kind: care.LineAnswered}) }

// Presses presses a key.
func (l *Line) Presses(key rune) { l.say(care.LineEvent{Kind: care.LineDigit, Digit: key}) }

// Ends ends the call from the other side.
func (l *Line) Ends(cause care.LineCause) { l.say(care.LineEvent{Kind: care.LineEnded, Cause: cause}) }

// Over tells whether the call has ended, by whomever.
func (l *Line) Over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// Until waits until ok holds of the line, which is looked at whenever something happens on it.
func (l *Line) Until(ctx context.Context, ok func(*Line) bool) error {
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if ok(l) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// PickedUp tells whether the program has answered.
func (l *Line) PickedUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Answered
}

// ID implements care.Line, as do the others below.
func (l *Line) ID() string                          { return l.id }
func (l *Line) From() string                        { return l.from }
func (l *Line) To() string                          { return l.to }
func (l *Line) Display() string                     { return "" }
func (l *Line) Inbound() bool                       { return l.inbound }
func (l *Line) Events() <-chan care.LineEvent       { return l.events }
func (l *Line) Ringing() error                      { return nil }
func (l *Line) Media() any                          { return l.leg }
func (l *Line) Stats() care.LineStats               { return care.LineStats{} }
func (l *Line) Hold(bool) error                     { return nil }
func (l *Line) Refer(context.Context, string) error { return nil }

func (l *Line) Answer(context.Context) error {
	l.mu.Lock()
	l.Answered = true
	l.touch()
	l.mu.Unlock()
	return nil
}

func (l *Line) Reject(cause care.LineCause) error {
	l.say(care.LineEvent{Kind: care.LineEnded, Cause: cause})
	return nil
}

func (l *Line) Hangup() error {
	l.say(care.LineEvent{Kind: care.LineEnded, Cause: care.CauseOurs})
	return nil
}

func (l *Line) SendDTMF(_ context.Context, digits string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys += digits
	return nil
}
