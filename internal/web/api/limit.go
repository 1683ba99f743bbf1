package api

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how often the API may be called: a rate per second, and how many at once before it counts.
type Limits struct {
	Caller  Limit // per API key or agent
	Public  Limit // per address, operations without a caller
	Refused Limit // per address, requests with a wrong key or session
	Login   Limit // attempts to sign in, per account and per address
}

// Limit is a token bucket.
type Limit struct {
	PerSecond float64
	Burst     int
}

// DefaultLimits are generous to programs and people, and stop guessing.
var DefaultLimits = Limits{Caller: Limit{200, 600}, Public: Limit{20, 100}, Refused: Limit{5, 60}, Login: Limit{1.0 / 15, 10}}

// limiters are the buckets of this node. They are forgotten on a restart, and each node counts for itself.
type limiters struct{ caller, public, refused, loginAccount, loginAddress *buckets }

func newLimiters(l Limits) *limiters {
	address := l.Login
	address.Burst *= 3 // an office signs in from one address in the morning
	return &limiters{newBuckets(l.Caller), newBuckets(l.Public), newBuckets(l.Refused), newBuckets(l.Login), newBuckets(address)}
}

// buckets are limiters by name; those that are full again are dropped.
type buckets struct {
	limit Limit
	mu    sync.Mutex
	m     map[string]*rate.Limiter
	swept time.Time
}

const maxBuckets = 10_000

func newBuckets(l Limit) *buckets { return &buckets{limit: l, m: map[string]*rate.Limiter{}} }

// wait takes a token of name's bucket and returns 0, or tells for how many seconds there is none.
func (b *buckets) wait(name string, now time.Time) (seconds float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.m[name]
	if l == nil {
		b.sweep(now)
		l = rate.NewLimiter(rate.Limit(b.limit.PerSecond), b.limit.Burst)
		b.m[name] = l
	}
	if l.AllowN(now, 1) {
		return 0
	}
	return (1 - l.TokensAt(now)) / b.limit.PerSecond
}

// forgive fills name's bucket again.
func (b *buckets) forgive(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, name)
}

func (b *buckets) sweep(now time.Time) {
	if len(b.m) < maxBuckets || now.Sub(b.swept) < time.Second {
		return
	}
	b.swept = now
	for name, l := range b.m {
		if l.TokensAt(now) >= float64(b.limit.Burst) {
			delete(b.m, name)
		}
	}
}

// loginName makes spellings of one address share a bucket.
func loginName(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
