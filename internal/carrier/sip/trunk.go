package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// trunk is one way into the telephone network: a connection's.
type trunk struct {
	s    *Stack
	id   int64
	name string
	set  *settings
	auth *login

	mu      sync.Mutex
	hosts   []netip.Addr // of its server and proxy, as names were last resolved
	calls   int
	ring    func(care.Line)
	watcher func(care.TrunkState)
	state   care.TrunkState
	told    bool
	nudge   chan struct{} // something went wrong: look at once
	binding string        // Call-ID of our registrations
	seq     uint32
}

func newTrunk(s *Stack, c care.Connection, set settings) *trunk {
	t := &trunk{s: s, id: c.ID, name: c.Name, set: &set, auth: &login{user: set.authUser, password: set.password}, nudge: make(chan struct{}, 1), binding: newCallID()}
	s.trust.add(set.certificates)
	return t
}

// hop is the next station of everything that the trunk sends.
func (t *trunk) hop() string {
	if !t.set.proxy.empty() {
		return t.set.proxy.hop(t.set.transport)
	}
	return t.set.server.hop(t.set.transport)
}

func (t *trunk) reach() reach { return t.s.reachTo(t.set.transport, t.hop()) }

// Start implements care.Trunk.
func (t *trunk) Start(ctx context.Context, ring func(care.Line), watch func(care.TrunkState)) error {
	if err := t.s.Start(); err != nil {
		return err
	}
	t.mu.Lock()
	if t.ring != nil {
		t.mu.Unlock()
		return care.Conflict("sip.started")
	}
	t.ring, t.watcher, t.told = ring, watch, false
	t.mu.Unlock()
	t.resolve(ctx)
	t.s.mu.Lock()
	t.s.trunks = append(t.s.trunks, t)
	t.s.mu.Unlock()
	go t.run(ctx)
	return nil
}

// Dial implements care.Trunk.
func (t *trunk) Dial(_ context.Context, d care.Dialing) (care.Line, error) {
	if !dialable(d.To) {
		return nil, care.Invalid("to", "value_invalid")
	}
	if d.CallerID != "" && !dialable(d.CallerID) {
		return nil, care.Invalid("caller_id", "value_invalid")
	}
	if err := t.s.Start(); err != nil {
		return nil, err
	}
	give, ok := t.enter()
	if !ok {
		return nil, &care.Error{Code: "sip.full", Kind: care.KindTooMany}
	}
	if !t.s.once(d.Key) {
		give()
		return nil, care.Conflict("sip.dialled")
	}
	l, err := t.dial(d, give)
	if err != nil {
		give()
		t.s.undo(d.Key)
		return nil, err
	}
	return l, nil
}

func (t *trunk) dial(d care.Dialing, give func()) (*line, error) {
	r := t.reach()
	l := t.s.newLine(t.set)
	l.t, l.auth, l.to, l.give = t, t.auth, d.To, give
	media, err := t.s.media(r, rtp.Options{Laws: t.set.laws, OnlySRTP: t.set.srtp == srtpRequired, KeysAside: t.set.dtmf == dtmfTones})
	if err != nil {
		return nil, &care.Error{Code: "sip.no_port", Kind: care.KindUnavailable, Cause: err}
	}
	l.media = media
	id := d.CallerID
	if id == "" {
		id = t.set.callerID
	}
	l.from, l.display = id, d.Name
	callerUser := t.set.dialledFrom(id)
	account := t.set.user
	if account == "" {
		account = callerUser
	}
	if callerUser == "" {
		callerUser = account
	}
	if account == "" {
		account, callerUser = "opeka", "opeka"
	}
	host := t.set.domain
	if t.set.mode == modeIP && t.set.user == "" {
		host = r.host // nobody has given us a name there
	}
	p := placing{reach: r, ring: d.Ring, near: t.near}
	if p.ring <= 0 {
		p.ring = 30 * time.Second
	}
	number := t.set.dialled(d.To)
	p.target = wire.Uri{Scheme: "sip", User: number, Host: t.set.domain, UriParams: wire.NewParams()}
	if t.set.domain == t.set.server.host {
		p.target.Port = t.set.server.port
	}
	if strings.HasPrefix(number, "+") {
		p.target.UriParams.Add("user", "phone")
	}
	p.to = party{uri: *p.target.Clone()}
	name := quote(d.Name)
	as := func(user string) wire.Uri {
		return wire.Uri{Scheme: "sip", User: user, Host: host, UriParams: wire.NewParams()}
	}
	p.from = party{display: name, uri: as(callerUser)}
	if t.set.callerIn == callerAsserted {
		p.from.uri = as(account)
	}
	if t.set.callerIn != callerFrom {
		u := as(callerUser)
		p.headers = append(p.headers, [2]string{"P-Asserted-Identity", "<" + u.String() + ">"})
	}
	p.contact = account
	t.s.place(l, p)
	return l, nil
}

// quote makes a name fit to stand in a header.
func quote(s string) string {
	return strings.NewReplacer(`"`, "", `\`, "", "\r", "", "\n", "").Replace(clean(s))
}

// dialledFrom writes the caller's number as the network wants it, without what is only dialled.
func (s *settings) dialledFrom(number string) string {
	if number == "" {
		return ""
	}
	return strings.TrimPrefix(s.dialled(number), s.dialPrefix)
}

// near tells whether a host is the trunk's.
func (t *trunk) near(host string) bool {
	if strings.EqualFold(host, t.set.domain) || strings.EqualFold(host, t.set.server.host) || strings.EqualFold(host, t.set.proxy.host) {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && t.has(ip)
}

// has tells whether an address is one of the trunk's network.
func (t *trunk) has(ip netip.Addr) bool {
	for _, p := range t.set.allowed {
		if p.Contains(ip) {
			return true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.hosts, ip)
}

// resolve looks up the addresses of the trunk's names; what can't be resolved now stays as it was.
func (t *trunk) resolve(ctx context.Context) {
	var out []netip.Addr
	for _, a := range []address{t.set.server, t.set.proxy} {
		if a.empty() {
			continue
		}
		if ip, err := netip.ParseAddr(a.host); err == nil {
			out = append(out, ip.Unmap())
			continue
		}
		look, cancel := context.WithTimeout(ctx, 5*time.Second)
		ips, err := net.DefaultResolver.LookupNetIP(look, "ip", a.host)
		cancel()
		if err != nil {
			t.mu.Lock()
			out = append(out, t.hosts...)
			t.mu.Unlock()
			continue
		}
		for _, ip := range ips {
			out = append(out, ip.Unmap())
		}
	}
	t.mu.Lock()
	t.hosts = out
	t.mu.Unlock()
}

// enter takes one of the trunk's places for calls.
func (t *trunk) enter() (give func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls >= t.set.maxCalls {
		return nil, false
	}
	t.calls++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		t.calls--
		t.mu.Unlock()
	}), true
}

func (t *trunk) caller() (caller, int) {
	t.mu.Lock()
	ring := t.ring
	t.mu.Unlock()
	if ring == nil {
		return caller{}, 480
	}
	return caller{set: t.set, t: t, auth: t.auth, ring: ring, enter: t.enter}, 0
}

// once tells whether a key is new, and remembers it for a day.
func (s *Stack) once(key string) bool {
	if key == "" {
		return true
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.keys[key]; known {
		return false
	}
	if len(s.keys) >= 10000 {
		for k, at := range s.keys {
			if now.Sub(at) > 24*time.Hour {
				delete(s.keys, k)
			}
		}
	}
	s.keys[key] = now
	return true
}

// undo forgets a key of which nothing was sent.
func (s *Stack) undo(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// knows tells whether packets from there are let in without asking.
func (s *Stack) knows(source netip.AddrPort) bool {
	return s.knowsTrunk(source.Addr()) || s.phones != nil && s.phones.at(source)
}

func (s *Stack) knowsHost(ip netip.Addr) bool {
	return s.knowsTrunk(ip) || s.phones != nil && s.phones.host(ip)
}

func (s *Stack) knowsTrunk(ip netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.trunks {
		if t.has(ip) {
			return true
		}
	}
	return false
}

// Test implements care.Trunk. It signs in without leaving an address, so that a telephone system that already calls us elsewhere goes on doing so.
func (t *trunk) Test(ctx context.Context) (care.PeerInfo, error) {
	info := care.PeerInfo{Name: t.set.user, URL: "sip:" + t.set.server.String(), Writable: true}
	if err := t.s.Start(); err != nil {
		return info, err
	}
	t.resolve(ctx)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var res *wire.Response
	var err error
	if t.set.mode == modeRegister {
		res, err = t.register(ctx, &login{user: t.set.authUser, password: t.set.password}, nil, -1)
	} else {
		res, err = t.options(ctx)
	}
	if res != nil {
		for _, name := range []string{"Server", "User-Agent"} {
			if h := res.GetHeader(name); h != nil {
				info.Version = clean(h.Value())
				break
			}
		}
	}
	switch {
	case errors.Is(err, errRefused):
		return info, &care.AuthError{Cause: err}
	case err != nil:
		return info, err
	case res.StatusCode == 401 || res.StatusCode == 403 || res.StatusCode == 407 || res.StatusCode == 404:
		if t.set.mode == modeRegister {
			return info, &care.AuthError{Cause: errRefused}
		}
	}
	if t.set.mode == modeRegister && !res.IsSuccess() {
		return info, errors.New("sip: " + res.StartLine())
	}
	return info, nil
}
