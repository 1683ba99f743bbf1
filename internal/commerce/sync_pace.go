package commerce

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"opeka/internal/care"
)

// pace bounds the requests to one shop, and leaves it alone for as long as it asked to be.
type pace struct {
	next  http.RoundTripper
	limit *rate.Limiter

	mu    sync.Mutex
	until time.Time
}

// paced returns the client of one connection. The clock is the machine's: it measures the traffic, not the business.
func (s *Sync) paced() *http.Client {
	c := *s.o.Client
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = &pace{next: next, limit: rate.NewLimiter(rate.Limit(s.o.PerSecond), max(2, int(2*s.o.PerSecond)))}
	return &c
}

var errLeftAlone = errors.New("the shop has asked to be left alone")

// RoundTrip implements http.RoundTripper.
func (p *pace) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	wait := time.Until(p.until)
	p.mu.Unlock()
	if wait > 0 {
		return nil, &care.TemporaryError{Cause: errLeftAlone, After: wait}
	}
	if err := p.limit.Wait(r.Context()); err != nil {
		return nil, err
	}
	res, err := p.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
		hold := 10 * time.Second
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n >= 0 {
			hold = min(time.Duration(n)*time.Second, time.Hour)
		}
		p.mu.Lock()
		p.until = time.Now().Add(hold)
		p.mu.Unlock()
	}
	return res, nil
}
