package sip

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"
)

// guard stands before the parser. Who is no peer of a trunk and no registered telephone gets a refusal, a few times a second, and then
// nothing: the stack under it keeps a place for everybody who ever sent it something.
type guard struct {
	s      *Stack
	parser *wire.Parser

	mu      sync.Mutex
	buckets map[netip.Addr]*bucket
	all     bucket // of strangers together
	open    map[netip.Addr]int
	refused uint64
	dropped uint64
}

type bucket struct {
	tokens float64
	at     time.Time
}

// take takes a token of a bucket that fills by rate a second up to size.
func (b *bucket) take(now time.Time, rate, size float64) bool {
	if b.at.IsZero() {
		b.tokens = size
	} else {
		b.tokens = min(size, b.tokens+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

const (
	maxSources     = 20000 // whose buckets are kept
	maxConnections = 20    // of one stranger
	strangersRate  = 100   // answers a second to all strangers together
)

func newGuard(s *Stack) *guard {
	return &guard{s: s, parser: wire.NewParser(), buckets: map[netip.Addr]*bucket{}, open: map[netip.Addr]int{}}
}

// scanners introduce themselves by these names.
var scanners = [][]byte{[]byte("friendly-scanner"), []byte("sipvicious"), []byte("sipcli"), []byte("sip-scan"), []byte("sundayddr"),
	[]byte("vaxsipuseragent"), []byte("pplsip"), []byte("sipptk"), []byte("smap"), []byte("iwar")}

// scanner looks for such a name in the line that tells the agent.
func scanner(b []byte) bool {
	head := bytes.ToLower(b[:min(len(b), 4096)])
	at := bytes.Index(head, []byte("\nuser-agent:"))
	if at < 0 {
		return false
	}
	value := head[at+12:]
	if end := bytes.IndexByte(value, '\n'); end >= 0 {
		value = value[:end]
	}
	for _, name := range scanners {
		if bytes.Contains(value, name) {
			return true
		}
	}
	return false
}

// packets lets through what is for us.
func (g *guard) packets(conn net.PacketConn) *guardedPackets {
	return &guardedPackets{PacketConn: conn, g: g, ready: make(chan struct{})}
}

type guardedPackets struct {
	net.PacketConn
	g     *guard
	once  sync.Once
	ready chan struct{} // closed at the first read: the transport knows the port from then on
}

// ReadFrom reads the next packet that may pass.
func (c *guardedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	c.once.Do(func() { close(c.ready) })
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		at, ok := from.(*net.UDPAddr)
		if !ok || n > maxMessage {
			continue
		}
		source := at.AddrPort()
		source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
		if c.g.s.knows(source) {
			return n, from, nil
		}
		if pass, answer := c.g.stranger(b[:n], source, time.Now()); pass {
			return n, from, nil
		} else if answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

// stranger decides about a packet from nowhere we know: let it in, answer it without remembering anything, or keep silent.
func (g *guard) stranger(b []byte, from netip.AddrPort, now time.Time) (pass bool, answer []byte) {
	if len(b) < 20 || scanner(b) || !g.allow(from.Addr(), now, 5, 20) {
		g.count(&g.dropped)
		return false, nil
	}
	m, err := g.parser.ParseSIP(b)
	if err != nil {
		g.count(&g.dropped)
		return false, nil
	}
	req, ok := m.(*wire.Request)
	if !ok {
		// Answers come from where a name led us; the transaction's own secret tells whether they are meant.
		return g.s.expects(m), nil
	}
	req.SetSource(from.String())
	req.SetTransport("UDP")
	if req.IsAck() || req.IsCancel() || req.Via() == nil {
		return g.s.inDialog(req), nil
	}
	if g.s.inDialog(req) {
		return true, nil
	}
	if g.s.phones != nil && req.Method == wire.REGISTER {
		refusal := g.s.phones.doorstep(req, now)
		if refusal == nil {
			return true, nil
		}
		return false, []byte(refusal.String())
	}
	if req.Method != wire.INVITE {
		g.count(&g.dropped)
		return false, nil
	}
	g.count(&g.refused)
	return false, []byte(wire.NewResponseFromRequest(req, 403, "Forbidden", nil).String())
}

// allow takes from the source's bucket, and from that of all strangers.
func (g *guard) allow(source netip.Addr, now time.Time, rate, size float64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bucket(source).take(now, rate, size) && g.all.take(now, strangersRate, strangersRate)
}

// punish takes from the source's bucket what a wrong password costs: a second.
func (g *guard) punish(source netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.bucket(source)
	b.take(now, 5, 20)
	b.tokens -= 5
}

// invites bounds how many calls a source may begin, known or not.
func (g *guard) invites(source netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	rate := float64(g.s.o.PerSecond)
	return g.bucket(source).take(now, rate, 2*rate)
}

func (g *guard) bucket(source netip.Addr) *bucket {
	b := g.buckets[source]
	if b == nil {
		if len(g.buckets) >= maxSources {
			clear(g.buckets) // sources can be made up at will; forgetting all is cheaper than any order
		}
		b = &bucket{}
		g.buckets[source] = b
	}
	return b
}

func (g *guard) count(n *uint64) {
	g.mu.Lock()
	*n++
	g.mu.Unlock()
}

// connections lets in connections of peers, and a few of strangers where telephones may register.
func (g *guard) connections(l net.Listener) net.Listener { return &guardedListener{l, g} }

type guardedListener struct {
	net.Listener
	g *guard
}

// Accept waits for the next connection that may stay.
func (l *guardedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !ok {
			_ = conn.Close()
			continue
		}
		source := netip.AddrPortFrom(at.AddrPort().Addr().Unmap(), at.AddrPort().Port())
		known := l.g.s.knowsHost(source.Addr())
		if !known && (l.g.s.phones == nil || !l.g.enter(source.Addr())) {
			_ = conn.Close()
			continue
		}
		c := &guardedConn{Conn: conn, g: l.g, source: source.Addr(), counted: !known}
		return c, nil
	}
}

func (g *guard) enter(source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[source] >= maxConnections || len(g.open) >= maxSources {
		g.dropped++
		return false
	}
	g.open[source]++
	return true
}

type guardedConn struct {
	net.Conn
	g       *guard
	source  netip.Addr
	counted bool
	once    sync.Once
}

// idle is how long a connection may say nothing: telephones keep theirs open with empty lines, or register again.
const idle = 70 * time.Minute

func (c *guardedConn) Read(b []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(idle))
	n, err := c.Conn.Read(b)
	if err == nil && scanner(b[:n]) {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *guardedConn) Close() error {
	c.once.Do(func() {
		if !c.counted {
			return
		}
		c.g.mu.Lock()
		defer c.g.mu.Unlock()
		if c.g.open[c.source]--; c.g.open[c.source] <= 0 {
			delete(c.g.open, c.source)
		}
	})
	return c.Conn.Close()
}

// sourceOf is where a request came from.
func sourceOf(req *wire.Request) netip.AddrPort {
	at, err := netip.ParseAddrPort(strings.TrimSpace(req.Source()))
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
