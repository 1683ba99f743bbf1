package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"opeka/internal/care"
)

// item is one record as the generic shop API takes it.
type item struct {
	Kind care.RecordKind `json:"kind"`
	Op   string          `json:"op"`
	ID   string          `json:"external_id"`
	At   time.Time       `json:"updated_at"`
	Data any             `json:"data"`
}

const maxItems = 200 // per batch; the API takes 500

// pusher tells Opeka of the shop's changes in their order, signed; what isn't taken is sent again.
type pusher struct {
	client *http.Client
	url    string // of the connection's batch address
	secret []byte
	now    func() time.Time
	log    *slog.Logger

	mu    sync.Mutex
	queue []item
	wake  chan struct{}
	idle  *sync.Cond
	busy  bool
}

func newPusher(url, secret string, now func() time.Time, log *slog.Logger) *pusher {
	p := &pusher{client: &http.Client{Timeout: 30 * time.Second}, url: url, secret: []byte(secret), now: now, log: log, wake: make(chan struct{}, 1)}
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
	body, err := json.Marshal(map[string]any{"items": batch})
	if err == nil {
		err = p.post(ctx, body)
	}
	if err != nil {
		p.log.Warn("demo shop: batch not taken; trying again", "err", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(2 * time.Second):
		}
		return true
	}
	p.mu.Lock()
	p.queue, p.busy = p.queue[n:], false
	if len(p.queue) == 0 {
		p.idle.Broadcast()
	}
	p.mu.Unlock()
	return true
}

func (p *pusher) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	t := fmt.Sprint(p.now().Unix())
	mac := hmac.New(sha256.New, p.secret)
	fmt.Fprintf(mac, "%s.%s", t, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", rand.Text())
	r.Header.Set("X-Signature", "t="+t+",v1="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	return nil
}

func newSecret() string { return rand.Text() + rand.Text() }
