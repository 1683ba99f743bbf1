package sip

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
	"opeka/internal/sound/rtp"
)

// Options are how a stack listens.
type Options struct {
	// Listen are addresses such as udp:0.0.0.0:5060, tcp:..., tls:...; without a transport UDP and TCP are meant.
	Listen []string
	// PublicIP is told to those who are not in Local: the router's address, where the program stands behind NAT.
	PublicIP netip.Addr
	Local    []netip.Prefix // networks that reach us without the router; private ones when empty
	Ports    rtp.Range      // of sound
	TLS      *tls.Config    // our certificate, for tls: addresses
	// Phones are the agents' own telephones; nil means that none may register.
	Phones PhoneBook
	// PerSecond is how many calls a second one source may begin; 30 when 0.
	PerSecond int
	Log       *slog.Logger
}

// Stack is SIP itself: one per program, shared by all trunks.
type Stack struct {
	o   Options
	log *slog.Logger

	ua     *sipgo.UserAgent
	server *sipgo.Server
	guard  *guard
	trust  *trust

	mu        sync.Mutex
	started   bool
	closed    bool
	listeners []closer
	bound     map[string]netip.AddrPort // by transport
	udp       wire.Addr                 // what requests over UDP leave from
	trunks    []*trunk
	dialogs   map[string]*line
	graves    map[string]grave // calls given up, whose late answers must not make ghosts
	keys      map[string]time.Time
	phones    *registrar
	done      sync.WaitGroup
}

type closer interface{ Close() error }

var mtu sync.Once

// NewStack returns a stack that doesn't listen yet: it does when the first trunk needs it.
func NewStack(o Options) *Stack {
	mtu.Do(func() {
		wire.UDPMTUSize = 16 << 10
		wire.SetDefaultLogger(slog.New(slog.DiscardHandler))
	}) // descriptions with keys and long routes go beyond 1300 bytes; networks fragment and reassemble them
	s := &Stack{o: o, log: o.Log, bound: map[string]netip.AddrPort{}, dialogs: map[string]*line{}, graves: map[string]grave{}, keys: map[string]time.Time{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if len(o.Local) == 0 {
		for _, p := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"} {
			s.o.Local = append(s.o.Local, netip.MustParsePrefix(p))
		}
	}
	if s.o.PerSecond == 0 {
		s.o.PerSecond = 30
	}
	s.guard = newGuard(s)
	s.trust = newTrust()
	if o.Phones != nil {
		s.phones = newRegistrar(s, o.Phones)
	}
	return s
}

// ErrNotListening means that the program was started without an address for SIP.
var ErrNotListening = errors.New("sip: no address to listen on: start with --sip-listen")

// Start listens; it does nothing when it does already. Trunks call it by themselves.
func (s *Stack) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.started {
		return nil
	}
	if len(s.o.Listen) == 0 {
		return ErrNotListening
	}
	quiet := slog.New(slog.DiscardHandler) // it logs whole messages of strangers as errors
	parser := wire.NewParser()
	parser.MaxMessageLength = maxMessage
	ua, err := sipgo.NewUA(sipgo.WithUserAgent(agent), sipgo.WithUserAgentParser(parser), sipgo.WithUserAgenTLSConfig(s.trust.config()),
		sipgo.WithUserAgentTransportLayerOptions(wire.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(wire.WithTransactionLayerLogger(quiet), wire.WithTransactionLayerTerminateOnConnClose(),
			wire.WithTransactionLayerUnhandledResponseHandler(s.stray)))
	if err != nil {
		return err
	}
	if s.server, err = sipgo.NewServer(ua, sipgo.WithServerLogger(quiet)); err != nil {
		return err
	}
	s.ua = ua
	s.handle()
	for _, l := range s.o.Listen {
		if err := s.listen(l); err != nil {
			for _, l := range s.listeners {
				_ = l.Close()
			}
			s.listeners = nil
			return errors.Join(fmt.Errorf("sip: can't listen on %s: %w", l, err), ua.Close())
		}
	}
	s.started = true
	return nil
}

const (
	agent      = "Opeka"
	maxMessage = 16 << 10
)

// listen opens one address; s.mu is held.
func (s *Stack) listen(address string) error {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		if host, ok := strings.CutPrefix(address, transport+":"); ok && strings.Contains(host, ":") {
			return s.open(transport, host)
		}
	}
	// One number for both: what the kernel gives to the one may be taken with the other, so it is asked a few times.
	for try := 0; ; try++ {
		if err := s.open("udp", address); err != nil {
			return err
		}
		at := address
		if host, port, err := net.SplitHostPort(address); err == nil && port == "0" {
			at = net.JoinHostPort(host, strconv.Itoa(s.udp.Port))
		}
		err := s.open("tcp", at)
		if err == nil || at == address || try == 20 {
			return err
		}
		_ = s.listeners[len(s.listeners)-1].Close()
		s.listeners = s.listeners[:len(s.listeners)-1]
	}
}

func (s *Stack) open(transport, address string) error {
	layer := s.ua.TransportLayer()
	if transport == "udp" {
		conn, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		at := conn.LocalAddr().(*net.UDPAddr)
		s.udp = wire.Addr{IP: at.IP, Port: at.Port, Zone: at.Zone}
		s.bound["UDP"] = at.AddrPort()
		s.listeners = append(s.listeners, conn)
		guarded := s.guard.packets(conn)
		s.done.Go(func() { _ = layer.ServeUDP(guarded) })
		<-guarded.ready
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	s.listeners = append(s.listeners, l)
	guarded := s.guard.connections(l)
	if transport == "tls" {
		if s.o.TLS == nil {
			return errors.New("there is no certificate for it")
		}
		s.bound["TLS"] = at
		s.done.Go(func() { _ = layer.ServeTLS(tls.NewListener(guarded, s.o.TLS)) })
		return nil
	}
	s.bound["TCP"] = at
	s.done.Go(func() { _ = layer.ServeTCP(guarded) })
	return nil
}

// Addr is where the stack listens for a transport: udp, tcp or tls.
func (s *Stack) Addr(transport string) netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound[strings.ToUpper(transport)]
}

// Listening tells where the stack listens, for the doctor; empty while no trunk needed it.
func (s *Stack) Listening() map[string]netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]netip.AddrPort{}
	for k, v := range s.bound {
		out[strings.ToLower(k)] = v
	}
	return out
}

// Doors is where telephones register, as they are told: the router's address where the program stands behind one; no host where any of this machine's addresses will do.
func (s *Stack) Doors() []care.SIPDoor {
	var out []care.SIPDoor
	for transport, at := range s.Listening() {
		door := care.SIPDoor{Transport: transport, Port: int64(at.Port())}
		switch ip := at.Addr().Unmap(); {
		case s.o.PublicIP.IsValid():
			door.Host = s.o.PublicIP.String()
		case !ip.IsUnspecified():
			door.Host, door.Local = ip.String(), ip.IsLoopback()
		}
		out = append(out, door)
	}
	slices.SortFunc(out, func(a, b care.SIPDoor) int { return cmp.Compare(b.Transport, a.Transport) }) // udp, tls, tcp
	return out
}

// Calls is how many calls the stack has, of which some may only wait for their end to be confirmed.
func (s *Stack) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dialogs)
}

// Close hangs up every call and stops listening.
func (s *Stack) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	lines := make([]*line, 0, len(s.dialogs))
	for _, l := range s.dialogs {
		lines = append(lines, l)
	}
	listeners := s.listeners
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, l := range lines {
		_ = l.Hangup()
	}
	for _, l := range lines {
		select {
		case <-l.buried:
		case <-ctx.Done():
		}
	}
	if s.ua == nil {
		return nil
	}
	err := s.ua.Close()
	for _, l := range listeners {
		_ = l.Close()
	}
	s.done.Wait()
	return err
}

// Crash closes everything without a word to anybody, as a loss of power does. It is for tests.
func (s *Stack) Crash() {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	lines := make([]*line, 0, len(s.dialogs))
	for _, l := range s.dialogs {
		lines = append(lines, l)
	}
	s.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	if s.ua != nil {
		_ = s.ua.Close()
	}
	for _, l := range lines {
		l.Vanish()
	}
	s.done.Wait()
}

// Vanish has a line end at this side without a word to the other. It is for tests.
func (l *line) Vanish() {
	l.end(care.CauseNetwork, 0, "vanished")
	l.bury()
}

// reach is how a peer is reached: by which transport, at which address, and as what we are known there.
type reach struct {
	transport string
	dest      string // host:port; empty when the request's own routes decide
	host      string // of ours, as the peer is told
	port      int
}

// reachTo finds out which of our addresses a peer is told.
func (s *Stack) reachTo(transport, dest string) reach {
	r := reach{transport: transport, dest: dest}
	s.mu.Lock()
	bound, known := s.bound[transport]
	if !known {
		bound = s.bound["UDP"]
	}
	s.mu.Unlock()
	r.port = int(bound.Port())
	r.host = s.own(bound.Addr(), dest).String()
	return r
}

// own is our address as somebody at dest sees it.
func (s *Stack) own(bound netip.Addr, dest string) netip.Addr {
	bound = bound.Unmap()
	var far netip.Addr
	local := bound
	if conn, err := net.Dial("udp", dest); err == nil { // sends nothing: it asks the kernel for the way
		far = conn.RemoteAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		if bound.IsUnspecified() {
			local = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		}
		_ = conn.Close()
	}
	if s.o.PublicIP.IsValid() && far.IsValid() && !s.near(far) {
		return s.o.PublicIP
	}
	return local
}

func (s *Stack) near(ip netip.Addr) bool {
	for _, p := range s.o.Local {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// media opens a leg for a call with a peer.
func (s *Stack) media(r reach, o rtp.Options) (*rtp.Session, error) {
	s.mu.Lock()
	bound, known := s.bound[r.transport]
	if !known {
		bound = s.bound["UDP"]
	}
	s.mu.Unlock()
	o.IP, o.Ports = bound.Addr().Unmap(), s.o.Ports
	if public, err := netip.ParseAddr(r.host); err == nil {
		o.PublicIP = public
	}
	return rtp.Listen(o)
}
