// Package phones is a telephone network for tests: people with telephones who answer, don't, are busy or hang up, as the test says.
// It stands where a carrier's trunk would, and keeps a record of whom it was asked to ring.
package phones

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"opeka/internal/care"
)

// Network is the world's telephones. Its zero value is of no use; see New.
type Network struct {
	mu     sync.Mutex
	dialed []*Line
	keys   map[string]bool
	down   bool
	people func(*Line)
	arrive func(care.Line)
	more   chan struct{}
}

// New returns a network whose people do what people says as soon as they are rung; nil: the test does it.
func New(people func(*Line)) *Network {
	return &Network{keys: map[string]bool{}, people: people, more: make(chan struct{})}
}

// ErrDown is why nothing can be rung while the trunk is down.
var ErrDown = errors.New("the trunk is down")

// Down takes the trunk away, or brings it back.
func (n *Network) Down(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// Dial implements the room's network: every store has this one trunk, whose connection is 1.
func (n *Network) Dial(ctx context.Context, _ int64, d care.Dialing) (care.Line, int64, error) {
	l, err := n.ring(ctx, d)
	return l, 1, err
}

func (n *Network) ring(_ context.Context, d care.Dialing) (care.Line, error) {
	n.mu.Lock()
	if n.down {
		n.mu.Unlock()
		return nil, ErrDown
	}
	if n.keys[d.Key] {
		n.mu.Unlock()
		return nil, errors.New("the key rang before")
	}
	n.keys[d.Key] = true
	l := newLine(d.CallerID, d.To, false)
	l.Dialing = d
	n.dialed = append(n.dialed, l)
	close(n.more)
	n.more = make(chan struct{})
	people := n.people
	n.mu.Unlock()
	if people != nil {
		go people(l)
	}
	return l, nil
}

// Dialed returns all lines that were rung so far.
func (n *Network) Dialed() []*Line {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*Line(nil), n.dialed...)
}

// Wait returns the nth line that was rung (from 0), when it is.
func (n *Network) Wait(ctx context.Context, nth int) (*Line, error) {
	for {
		n.mu.Lock()
		more := n.more
		if len(n.dialed) > nth {
			l := n.dialed[nth]
			n.mu.Unlock()
			return l, nil
		}
		n.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Call rings in, as somebody with that number; nil when nobody listens.
func (n *Network) Call(from, to string) *Line {
	n.mu.Lock()
	arrive := n.arrive
	n.mu.Unlock()
	if arrive == nil {
		return nil
	}
	l := newLine(from, to, true)
	arrive(l)
	return l
}

// Plug is the network as a carrier's plug: a connection of any settings leads to it.
type Plug struct{ *Network }

// Name implements care.Plug.
func (Plug) Name() string { return "world" }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field { return []care.Field{} }

// OpenTrunk implements care.CarrierPlug.
func (p Plug) OpenTrunk(care.Connection, *http.Client) (care.Trunk, error) {
	return trunk{p.Network}, nil
}

type trunk struct{ *Network }

func (t trunk) Test(context.Context) (care.PeerInfo, error) { return care.PeerInfo{Name: "world"}, nil }

func (t trunk) Start(ctx context.Context, ring func(care.Line), watch func(care.TrunkState)) error {
	t.mu.Lock()
	t.arrive = ring
	t.mu.Unlock()
	watch(care.TrunkState{Up: true, At: time.Now()})
	<-ctx.Done()
	return nil
}

func (t trunk) Dial(ctx context.Context, d care.Dialing) (care.Line, error) { return t.ring(ctx, d) }

// Caller is somebody who rings in, for a test that hands him over itself.
func Caller(from, to string) *Line { return newLine(from, to, true) }
