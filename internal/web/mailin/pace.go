package mailin

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// pace counts what each address does.
type pace struct {
	limits Limits
	mu     sync.Mutex
	peers  map[string]*peer
	open   map[net.Conn]struct{}
	swept  time.Time
}

type peer struct {
	connections int
	left        float64 // letters that it may hand over now
	at          time.Time
}

func newPace(l Limits) *pace {
	return &pace{limits: l, peers: map[string]*peer{}, open: map[net.Conn]struct{}{}}
}

// peerOf names who is counted together: an address, or a network of IPv6, in which everybody has many. near tells that it is this machine or
// its own network.
func peerOf(a net.Addr) (name string, near bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return "", true
	}
	ip, _ := netip.AddrFromSlice(t.IP)
	ip = ip.Unmap()
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() {
		return ip.String(), true
	}
	if p, err := ip.Prefix(64); ip.Is6() && err == nil {
		return p.String(), false
	}
	return ip.String(), false
}

func (p *pace) enter(c net.Conn) bool {
	name, near := peerOf(c.RemoteAddr())
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) >= p.limits.Together || !near && p.of(name).connections >= p.limits.Each {
		return false
	}
	p.open[c] = struct{}{}
	p.of(name).connections++
	return true
}

func (p *pace) leave(c net.Conn) {
	name, _ := peerOf(c.RemoteAddr())
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, is := p.open[c]; !is {
		return
	}
	delete(p.open, c)
	p.of(name).connections--
}

// letter tells whether the address may hand over another letter now.
func (p *pace) letter(a net.Addr, now time.Time) bool {
	name, near := peerOf(a)
	if near {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.of(name)
	most := float64(p.limits.Letters)
	if x.at.IsZero() {
		x.left = most
	} else {
		x.left = min(most, x.left+now.Sub(x.at).Minutes()*most)
	}
	x.at = now
	if now.Sub(p.swept) > time.Minute { // an address that has been still for a minute starts anew anyway
		p.swept = now
		for name, x := range p.peers {
			if x.connections == 0 && now.Sub(x.at) > time.Minute {
				delete(p.peers, name)
			}
		}
	}
	if x.left < 1 {
		return false
	}
	x.left--
	return true
}

func (p *pace) of(name string) *peer {
	x := p.peers[name]
	if x == nil {
		x = &peer{}
		p.peers[name] = x
	}
	return x
}

func (p *pace) breakAll() {
	p.mu.Lock()
	all := make([]net.Conn, 0, len(p.open))
	for c := range p.open {
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// limited is a listener that sends away whoever has too many connections.
type limited struct {
	net.Listener
	pace *pace
}

const busy = "421 4.7.0 Too many connections, try again later\r\n"

// Accept implements net.Listener.
func (l limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.pace.enter(c) {
			return &counted{Conn: c, pace: l.pace}, nil
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte(busy))
		_ = c.Close()
	}
}

type counted struct {
	net.Conn
	pace *pace
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { c.pace.leave(c.Conn) })
	return c.Conn.Close()
}
