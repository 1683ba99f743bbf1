package sip

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"opeka/internal/care"
	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/rtp"
)

// PhoneBook knows the agents' own telephones.
type PhoneBook interface {
	// Password is what a telephone registers with; false when there is no such telephone.
	Password(phone string) (string, bool)
}

// PhoneCaller is a PhoneBook that takes calls which telephones make. Without it telephones can only be rung.
type PhoneCaller interface {
	// Calls takes a call of a telephone that has proved who it is. What it dialled is the line's To; nothing is dialled for it.
	Calls(phone string, l care.Line)
}

// PhoneWatcher is a PhoneBook that wants to know which telephones are there.
type PhoneWatcher interface {
	// Registered says that a telephone has come, or that it is gone: signed out, or silent for too long. It must not wait; one telephone's news come in order.
	Registered(phone string, here bool)
}

// Phone is a telephone that is registered.
type Phone struct {
	Name      string
	Transport string
	Addr      netip.AddrPort
	Until     time.Time
}

// registrar knows which telephones are where.
type registrar struct {
	s    *Stack
	book PhoneBook
	set  *settings
	key  [32]byte

	mu       sync.Mutex
	bindings map[string][]binding // by telephone, the latest last
	news     sound.Aside
}

type binding struct {
	contact   wire.Uri
	transport string
	source    netip.AddrPort
	until     time.Time
	callID    string
	seq       uint32
}

const (
	realm        = "opeka"
	nonceLife    = 5 * time.Minute
	maxBindings  = 5
	leastExpires = 60 * time.Second
	mostExpires  = time.Hour
	natExpires   = 2 * time.Minute // a router forgets sooner
)

func newRegistrar(s *Stack, book PhoneBook) *registrar {
	r := &registrar{s: s, book: book, bindings: map[string][]binding{}}
	r.set = &settings{mode: modeIP, srtp: srtpOff, dtmf: dtmfAuto, laws: []g711.Law{g711.A, g711.Mu}, maxCalls: 1000, session: 30 * time.Minute, transfers: true}
	_, _ = rand.Read(r.key[:])
	return r
}

// nonce is good for one address and some minutes; nothing has to be remembered for it.
func (r *registrar) nonce(ip netip.Addr, now time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, r.seal(b, ip)...))
}

func (r *registrar) seal(b []byte, ip netip.Addr) []byte {
	m := hmac.New(sha256.New, r.key[:])
	m.Write(b)
	m.Write(ip.AsSlice())
	return m.Sum(nil)[:16]
}

func (r *registrar) fresh(nonce string, ip netip.Addr, now time.Time) (ours, fresh bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 24 || !hmac.Equal(b[8:], r.seal(b[:8], ip)) {
		return false, false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	return true, age >= -time.Second && age < nonceLife
}

// verdict is what credentials are worth.
type verdict int

const (
	absent verdict = iota
	old            // right once
	wrong
	right
)

// check looks at the credentials of a request.
func (r *registrar) check(req *wire.Request, header string, ip netip.Addr, now time.Time) (phone string, v verdict) {
	for _, h := range req.GetHeaders(header) {
		c, err := digest.ParseCredentials(h.Value())
		if err != nil || c.Realm != realm {
			continue
		}
		ours, fresh := r.fresh(c.Nonce, ip, now)
		if !ours {
			return c.Username, absent
		}
		if !fresh {
			return c.Username, old
		}
		password, known := r.book.Password(c.Username)
		challenge := &digest.Challenge{Realm: realm, Nonce: c.Nonce, Algorithm: c.Algorithm}
		if c.QOP != "" {
			challenge.QOP = []string{c.QOP}
		}
		want, err := digest.Digest(challenge, digest.Options{Method: string(req.Method), URI: c.URI, Username: c.Username, Password: password, Cnonce: c.Cnonce, Count: c.Nc})
		if err != nil || !known || password == "" || c.QOP == "auth-int" || subtle.ConstantTimeCompare([]byte(want.Response), []byte(c.Response)) != 1 {
			return c.Username, wrong
		}
		return c.Username, right
	}
	return "", absent
}

// challenge asks for credentials.
func (r *registrar) challenge(req *wire.Request, code int, reason, header string, ip netip.Addr, now time.Time, stale bool) *wire.Response {
	res := wire.NewResponseFromRequest(req, code, reason, nil)
	// MD5 alone: many telephones give up at a second challenge whose algorithm they don't know. What it protects is a long random password of ours.
	v := `Digest realm="` + realm + `", nonce="` + r.nonce(ip, now) + `", algorithm=MD5, qop="auth"`
	if stale {
		v += ", stale=true"
	}
	res.AppendHeader(wire.NewHeader(header, v))
	return res
}

// doorstep answers a stranger's REGISTER without remembering him; nil lets him in.
func (r *registrar) doorstep(req *wire.Request, now time.Time) *wire.Response {
	source := sourceOf(req)
	if !whole3261(req) {
		return wire.NewResponseFromRequest(req, 400, "Bad Request", nil)
	}
	switch _, v := r.check(req, "Authorization", source.Addr(), now); v {
	case right:
		return nil
	case wrong:
		r.s.guard.punish(source.Addr(), now)
		return wire.NewResponseFromRequest(req, 403, "Forbidden", nil)
	default:
		return r.challenge(req, 401, "Unauthorized", "WWW-Authenticate", source.Addr(), now, v == old)
	}
}

// onRegister writes down where a telephone is.
func (s *Stack) onRegister(req *wire.Request, tx wire.ServerTransaction) {
	if s.phones == nil {
		reply(req, tx, 403, "Forbidden")
		return
	}
	now := time.Now()
	if refusal := s.phones.doorstep(req, now); refusal != nil {
		_ = tx.Respond(refusal)
		return
	}
	phone, _ := s.phones.check(req, "Authorization", sourceOf(req).Addr(), now)
	if !strings.EqualFold(req.To().Address.User, phone) {
		reply(req, tx, 403, "Forbidden")
		return
	}
	_ = tx.Respond(s.phones.register(req, phone, now))
}

func (r *registrar) register(req *wire.Request, phone string, now time.Time) *wire.Response {
	source := sourceOf(req)
	asked := mostExpires
	if len(req.GetHeaders("Expires")) > 0 {
		asked = seconds(req, "Expires")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.DeleteFunc(r.bindings[phone], func(b binding) bool { return !b.until.After(now) })
	for _, h := range req.GetHeaders("Contact") {
		if strings.TrimSpace(h.Value()) == "*" {
			if asked == 0 {
				list = nil
			}
			continue
		}
		for _, part := range splitAddresses(h.Value()) {
			var u wire.Uri
			params := wire.NewParams()
			if _, err := wire.ParseAddressValue(part, &u, &params); err != nil || u.Host == "" {
				return wire.NewResponseFromRequest(req, 400, "Bad Request", nil)
			}
			expires := asked
			if n, err := strconv.Atoi(params.GetOr("expires", "")); err == nil && n >= 0 {
				expires = time.Duration(min(n, 1<<20)) * time.Second
			}
			if expires > 0 && expires < leastExpires {
				res := wire.NewResponseFromRequest(req, 423, "Interval Too Brief", nil)
				res.AppendHeader(wire.NewHeader("Min-Expires", whole(leastExpires)))
				return res
			}
			list = slices.DeleteFunc(list, func(b binding) bool {
				return b.contact.String() == u.String() || b.callID == string(*req.CallID()) || b.source == source
			})
			if expires == 0 {
				continue
			}
			expires = min(expires, mostExpires)
			if strings.Trim(u.Host, "[]") != source.Addr().String() {
				expires = min(expires, natExpires)
			}
			list = append(list, binding{contact: u, transport: req.Transport(), source: source, until: now.Add(expires), callID: string(*req.CallID()), seq: req.CSeq().SeqNo})
		}
	}
	if len(list) > maxBindings {
		list = list[len(list)-maxBindings:]
	}
	r.keep(phone, list, now)
	res := wire.NewResponseFromRequest(req, 200, "OK", nil)
	for _, b := range list {
		res.AppendHeader(wire.NewHeader("Contact", "<"+b.contact.String()+">;expires="+whole(b.until.Sub(now))))
	}
	return res
}

// keep writes down where a telephone is, and tells when it has come or gone; r.mu is held.
func (r *registrar) keep(phone string, list []binding, now time.Time) {
	was := len(r.bindings[phone]) > 0
	if r.bindings[phone] = list; len(list) == 0 {
		delete(r.bindings, phone)
	}
	watcher, watched := r.book.(PhoneWatcher)
	if !watched {
		return
	}
	if is := len(list) > 0; is != was {
		r.news.Do(func() { watcher.Registered(phone, is) })
	}
	for _, b := range list {
		time.AfterFunc(b.until.Sub(now)+time.Second, func() { r.expire(phone) })
	}
}

// expire forgets what wasn't registered again in time.
func (r *registrar) expire(phone string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	alive := slices.DeleteFunc(slices.Clone(r.bindings[phone]), func(b binding) bool { return !b.until.After(now) })
	if len(alive) < len(r.bindings[phone]) {
		if len(alive) > 0 {
			r.bindings[phone] = alive
			return
		}
		r.keep(phone, nil, now)
	}
}

// ForgetPhone takes a telephone off the list whose password isn't good any more.
func (s *Stack) ForgetPhone(name string) {
	if s.phones == nil {
		return
	}
	s.phones.mu.Lock()
	defer s.phones.mu.Unlock()
	s.phones.keep(name, nil, time.Now())
}

// at tells whether a telephone registered from there.
func (r *registrar) at(source netip.AddrPort) bool {
	return r.any(func(b binding) bool { return b.source == source })
}

func (r *registrar) host(ip netip.Addr) bool {
	return r.any(func(b binding) bool { return b.source.Addr() == ip })
}

func (r *registrar) any(f func(binding) bool) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range r.bindings {
		for _, b := range list {
			if b.until.After(now) && f(b) {
				return true
			}
		}
	}
	return false
}

// caller lets a telephone call us, when it proves which one it is.
func (r *registrar) caller(req *wire.Request, source netip.AddrPort, tx wire.ServerTransaction) (caller, int) {
	book, takes := r.book.(PhoneCaller)
	if !takes || !r.at(source) && !r.host(source.Addr()) {
		r.s.guard.count(&r.s.guard.refused)
		return caller{}, 403
	}
	now := time.Now()
	phone, v := r.check(req, "Proxy-Authorization", source.Addr(), now)
	switch v {
	case right:
	case wrong:
		r.s.guard.punish(source.Addr(), now)
		return caller{}, 403
	default:
		_ = tx.Respond(r.challenge(req, 407, "Proxy Authentication Required", "Proxy-Authenticate", source.Addr(), now, v == old))
		return caller{}, -1
	}
	return caller{set: r.set, ring: func(l care.Line) { book.Calls(phone, l) }, enter: func() (func(), bool) { return func() {}, true }}, 0
}

// Phones lists the telephones that are registered.
func (s *Stack) Phones() (out []Phone) {
	if s.phones == nil {
		return nil
	}
	now := time.Now()
	s.phones.mu.Lock()
	defer s.phones.mu.Unlock()
	for name, list := range s.phones.bindings {
		for _, b := range list {
			if b.until.After(now) {
				out = append(out, Phone{name, b.transport, b.source, b.until})
			}
		}
	}
	slices.SortFunc(out, func(a, b Phone) int { return strings.Compare(a.Name+a.Addr.String(), b.Name+b.Addr.String()) })
	return out
}

// DialPhone rings a registered telephone, over the connection that it registered from; To is its name.
func (s *Stack) DialPhone(ctx context.Context, d care.Dialing) (care.Line, error) {
	return s.DialAt(ctx, d.To, d)
}

// DialAt rings what registered under a name, as somebody who dialled another number: d.To.
func (s *Stack) DialAt(_ context.Context, name string, d care.Dialing) (care.Line, error) {
	if s.phones == nil {
		return nil, care.NotFound("phone")
	}
	now := time.Now()
	s.phones.mu.Lock()
	var b binding
	for _, known := range s.phones.bindings[name] {
		if known.until.After(now) {
			b = known
		}
	}
	s.phones.mu.Unlock()
	if b.transport == "" {
		return nil, care.NotFound("phone")
	}
	if !s.once(d.Key) {
		return nil, care.Conflict("sip.dialled")
	}
	set := *s.phones.set
	if b.transport == "TLS" {
		set.srtp = srtpOptional
	}
	r := s.reachTo(b.transport, b.source.String())
	media, err := s.media(r, rtp.Options{Laws: set.laws})
	if err != nil {
		s.undo(d.Key)
		return nil, &care.Error{Code: "sip.no_port", Kind: care.KindUnavailable, Cause: err}
	}
	l := s.newLine(&set)
	l.media, l.from, l.to, l.display = media, d.CallerID, d.To, d.Name
	user := d.CallerID
	if !dialable(user) {
		user = "anonymous"
	}
	p := placing{target: b.contact, reach: r, ring: d.Ring, contact: "opeka"}
	if p.ring <= 0 {
		p.ring = 30 * time.Second
	}
	p.from = party{display: quote(d.Name), uri: wire.Uri{Scheme: "sip", User: user, Host: r.host, UriParams: wire.NewParams()}}
	p.to = party{uri: wire.Uri{Scheme: "sip", User: d.To, Host: r.host, UriParams: wire.NewParams()}}
	s.place(l, p)
	return l, nil
}
