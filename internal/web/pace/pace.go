// Package pace bounds how often strangers may ask at the doors, on this node.
package pace

import (
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"opeka/internal/care"
)

// Buckets are token buckets by name. They are safe for concurrent use.
type Buckets struct {
	rate  rate.Limit
	burst int
	mu    sync.Mutex
	m     map[string]*rate.Limiter
	swept time.Time
}

// New makes buckets that hold burst tokens and get so many a second.
func New(perSecond rate.Limit, burst int) *Buckets {
	return &Buckets{rate: perSecond, burst: burst, m: map[string]*rate.Limiter{}}
}

// Wait takes a token and returns 0, or tells when there will be one.
func (b *Buckets) Wait(name string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.m[name]
	if l == nil {
		// Buckets that are full again need no memory.
		if len(b.m) > 5000 && now.Sub(b.swept) > 10*time.Second {
			b.swept = now
			for k, old := range b.m {
				if old.TokensAt(now) >= float64(b.burst) {
					delete(b.m, k)
				}
			}
		}
		l = rate.NewLimiter(b.rate, b.burst)
		b.m[name] = l
	}
	if l.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - l.TokensAt(now)) / float64(b.rate) * float64(time.Second))
}

// Check is Wait as an error for whoever asks.
func (b *Buckets) Check(name string, now time.Time) error {
	if wait := b.Wait(name, now); wait > 0 {
		return TooMany(wait)
	}
	return nil
}

// TooMany tells somebody to wait.
func TooMany(wait time.Duration) *care.Error {
	return &care.Error{Code: "too_many", Kind: care.KindTooMany, Args: map[string]any{"n": int(math.Ceil(wait.Seconds()))}}
}

// Address is whom a request comes from, as far as it is known; empty for the program's own machine, which isn't limited: a proxy that
// hides all visitors behind one address mustn't make them share its allowance. behindProxy trusts the last X-Forwarded-For.
func Address(r *http.Request, behindProxy bool) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if behindProxy {
		hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if ip := net.ParseIP(strings.TrimSpace(hops[len(hops)-1])); ip != nil {
			host = ip.String()
		}
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() {
		return ""
	}
	return host
}
