package db

import (
	"context"
	"errors"
	"sync"
)

// line lets callers who come at once have their work done together: while as many as may lead are at it, the others wait, and the next
// leader does the work of all who wait. Whoever comes alone is served at once, by himself.
type line[W any] struct {
	leaders int // how many at most
	do      func(ctx context.Context, works []W) error

	mu      sync.Mutex
	queue   []*place[W]
	leading int
}

type place[W any] struct {
	work W
	turn chan lineTurn[W]
}

// lineTurn tells one who waits whose work he is to do, his own among it, or else what has become of it.
type lineTurn[W any] struct {
	lead []*place[W]
	err  error
}

// errAlone means that what was done together failed: each is to try by himself.
var errAlone = errors.New("db: not together")

const maxTogether = 64

// call has w done, with others' or by itself.
func (l *line[W]) call(ctx context.Context, w W) error {
	p := &place[W]{w, make(chan lineTurn[W], 1)}
	l.mu.Lock()
	if l.leading < l.leaders { // then nobody waits
		l.leading++
		l.mu.Unlock()
		return l.lead(ctx, []*place[W]{p})
	}
	l.queue = append(l.queue, p)
	l.mu.Unlock()
	turn := <-p.turn
	if turn.lead == nil {
		return turn.err
	}
	return l.lead(ctx, turn.lead)
}

// lead does the work of all places, the leader's first, and hands over to those that have come meanwhile.
func (l *line[W]) lead(ctx context.Context, places []*place[W]) (err error) {
	works := make([]W, len(places))
	for i, p := range places {
		works[i] = p.work
	}
	err = errAlone // should do panic
	defer func() {
		for _, p := range places[1:] {
			p.turn <- lineTurn[W]{err: err}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		n := min(len(l.queue), maxTogether)
		if n == 0 {
			l.leading--
			return
		}
		next := l.queue[:n:n]
		l.queue = l.queue[n:]
		next[0].turn <- lineTurn[W]{lead: next}
	}()
	return l.do(ctx, works)
}
