package wire

import (
	"context"
	"sync"

	"opeka/internal/care"
)

// Once asks a service for its account's address until it has told it.
type Once struct {
	mu   sync.Mutex
	link string
}

// Get returns the address.
func (o *Once) Get(ctx context.Context, ask func(context.Context) (care.PeerInfo, error)) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.link != "" {
		return o.link, nil
	}
	info, err := ask(ctx)
	if err == nil {
		o.link = info.URL
	}
	return o.link, err
}
