package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"opeka/internal/peer"
)

// item is one record as the generic shop API takes it.
type item = peer.Item

const maxItems = 200 // per batch; the API takes 500

// pusher tells Opeka of the shop's changes in their order; what isn't taken is sent again.
type pusher struct {
	to  *peer.Shop
	log *slog.Logger

	mu    sync.Mutex
	queue []item
	wake  chan struct{}
	idle  *sync.Cond
	busy  bool
}

func newPusher(to *peer.Shop, log *slog.Logger) *pusher {
	p := &pusher{to: to, log: log, wake: make(chan struct{}, 1)}
	p.idle = sync.NewCond(&p.mu)
	return p
}

func (p *pusher) tell(items ...item) {
	p.mu.Lock()
	// The data is written down now: the shop goes on changing it.
	for _, i := range items {
		b, err := json.Marshal(i.Data)
		if err != nil {
			continue
		}
		i.Op, i.Data = "upsert", json.RawMessage(b)
		p.queue = append(p.queue, i)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// flush waits until all that was told has been taken.
func (p *pusher) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 || p.busy {
		p.idle.Wait()
	}
}

func (p *pusher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			p.mu.Lock()
			p.queue, p.busy = nil, false
			p.idle.Broadcast()
			p.mu.Unlock()
			return
		case <-p.wake:
		}
		for p.once(ctx) {
		}
	}
}

// once sends the next batch; it tells whether there may be more.
func (p *pusher) once(ctx context.Context) bool {
	p.mu.Lock()
	n := min(len(p.queue), maxItems)
	batch := p.queue[:n:n]
	p.busy = n > 0
	if n == 0 {
		p.idle.Broadcast()
	}
	p.mu.Unlock()
	if n == 0 {
		return false
	}
	taken, err := p.to.Batch(ctx, "", batch)
	if err != nil {
		p.log.Warn("demo shop: batch not taken; trying again", "err", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(2 * time.Second):
		}
		return true
	}
	for _, r := range taken.Results {
		if r.Code != "" {
			p.log.Warn("demo shop: a record was refused", "id", r.ID, "code", r.Code, "says", r.Message)
		}
	}
	p.mu.Lock()
	p.queue, p.busy = p.queue[n:], false
	if len(p.queue) == 0 {
		p.idle.Broadcast()
	}
	p.mu.Unlock()
	return true
}

func newSecret() string { return rand.Text() + rand.Text() }
