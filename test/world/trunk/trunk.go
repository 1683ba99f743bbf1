// Package trunk is a telephone provider, for tests and for the demo: our trunk registers with it, calls made over the trunk ring at its
// subscribers, and its subscribers ring the trunk. It speaks real SIP and RTP, with the program's own dialogs at the other end of the wire.
package trunk

import (
	"context"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/test/world/phone"
)

// Provider is the telephone company.
type Provider struct {
	stack    *sip.Stack
	account  string
	password string

	mu          sync.Mutex
	subscribers map[string]*Subscriber
	dialled     []string
	refuse      care.LineCause
}

// New opens a provider on a port of its own, with one account.
func New(account, password string) (*Provider, error) {
	p := &Provider{account: account, password: password, subscribers: map[string]*Subscriber{}}
	p.stack = sip.NewStack(sip.Options{Listen: []string{"127.0.0.1:0"}, Phones: book{p}, PerSecond: 1000})
	return p, p.stack.Start()
}

type book struct{ p *Provider }

// Password implements sip.PhoneBook.
func (b book) Password(name string) (string, bool) { return b.p.password, name == b.p.account }

// Calls implements sip.PhoneCaller: somebody calls over our trunk.
func (b book) Calls(_ string, l care.Line) { b.p.ring(l) }

func (p *Provider) ring(l care.Line) {
	p.mu.Lock()
	s, refuse := p.subscribers[l.To()], p.refuse
	p.dialled = append(p.dialled, l.To())
	p.mu.Unlock()
	switch {
	case refuse != "":
		_ = l.Reject(refuse)
	case s == nil:
		_ = l.Reject(care.CauseWrongNumber)
	default:
		s.ring(phone.Take(l, s.tone))
	}
}

// Settings are those of a connection with the provider: JSON of settings and of secrets.
func (p *Provider) Settings() (settings map[string]any, secrets map[string]any) {
	return map[string]any{"mode": "register", "server": p.Addr(), "user": p.account, "caller_id": "+380440000000", "keepalive": 1},
		map[string]any{"password": p.password}
}

// Addr is where the provider listens.
func (p *Provider) Addr() string { return p.stack.Addr("udp").String() }

// Registered tells whether the account's trunk is registered.
func (p *Provider) Registered() bool { return len(p.stack.Phones()) > 0 }

// Calls is how many calls the provider still has.
func (p *Provider) Calls() int { return p.stack.Calls() }

// Dialled lists the numbers that were dialled over the trunk, in order.
func (p *Provider) Dialled() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.dialled...)
}

// Refuse has every call over the trunk refused; "" ends that.
func (p *Provider) Refuse(cause care.LineCause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = cause
}

// Close hangs up everything and closes the provider.
func (p *Provider) Close() { _ = p.stack.Close() }

// Crash makes the provider vanish without a word.
func (p *Provider) Crash() { p.stack.Crash() }

// Subscriber is a person with a number.
type Subscriber struct {
	p      *Provider
	number string
	tone   float64
	calls  chan *phone.Call

	mu sync.Mutex
	do func(*phone.Call)
}

// Subscriber makes a person with a number (E.164), who says a tone. At first he only rings: what he does is said with Does, or to each call that Next gives.
func (p *Provider) Subscriber(number string, tone float64) *Subscriber {
	s := &Subscriber{p: p, number: number, tone: tone, calls: make(chan *phone.Call, 1000)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers[number] = s
	return s
}

// Answers is what somebody does who takes every call.
func Answers(c *phone.Call) { _ = c.Answer() }

// Busy is what a telephone does that is in use.
func Busy(c *phone.Call) { _ = c.Busy() }

// Rejects is what somebody does who doesn't want to be rung.
func Rejects(c *phone.Call) { _ = c.Reject() }

// Rings is what a telephone does whose owner is out.
func Rings(c *phone.Call) { _ = c.Ring() }

// Does says what he does with every call from now on.
func (s *Subscriber) Does(do func(*phone.Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do = do
}

func (s *Subscriber) ring(c *phone.Call) {
	s.mu.Lock()
	do := s.do
	s.mu.Unlock()
	if do == nil {
		do = Rings
	}
	s.calls <- c
	go do(c)
}

// Next waits for the next call that rings at him.
func (s *Subscriber) Next() (*phone.Call, error) { return phone.Next(s.calls) }

// Call has him ring the number of the trunk.
func (s *Subscriber) Call(to string) (*phone.Call, error) {
	l, err := s.p.stack.DialAt(context.Background(), s.p.account, care.Dialing{To: to, CallerID: s.number, Ring: time.Minute})
	if err != nil {
		return nil, err
	}
	return phone.Take(l, s.tone), nil
}
