// Package browser carries speech between a bridge and a browser, by WebRTC: all browsers on one UDP port, G.711 alone, which every
// browser speaks, and nothing but sound. It doesn't know who sits at the browser, or how its offer came here.
package browser

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// Options are how browsers reach the door.
type Options struct {
	// Listen is the address and the port of all browsers. Without an address it is every address of the machine.
	Listen netip.AddrPort
	// PublicIPs are told to browsers beside the machine's own addresses, where a router stands before it.
	PublicIPs []netip.Addr
	// Timeout is how long nothing may come of a browser before it is taken for lost; 4 s when it is 0.
	Timeout time.Duration
}

// Door is where browsers come in.
type Door struct {
	api  *webrtc.API
	cert webrtc.Certificate
	mux  ice.UDPMux

	mu       sync.Mutex
	sessions map[*Session]bool
	closed   bool
}

// Errors of the door.
var (
	ErrOffer  = errors.New("browser: an offer that can't be answered")
	ErrClosed = errors.New("browser: closed")
)

// maxOffer is more than any browser writes.
const maxOffer = 64 << 10

// New opens the door.
func New(o Options) (*Door, error) {
	mux, err := listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errors.Join(err, mux.Close())
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, errors.Join(err, mux.Close())
	}
	var media webrtc.MediaEngine
	for _, c := range []struct {
		name string
		kind webrtc.PayloadType
	}{{webrtc.MimeTypePCMA, 8}, {webrtc.MimeTypePCMU, 0}, {events, 126}} {
		err = errors.Join(err, media.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: c.name, ClockRate: 8000}, PayloadType: c.kind,
		}, webrtc.RTPCodecTypeAudio))
	}
	var s webrtc.SettingEngine
	s.SetLite(true) // browsers look for the way; this side has an address that they reach
	s.SetICEUDPMux(mux)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 4 * time.Second
	}
	s.SetICETimeouts(timeout, 5*timeout, 2*time.Second)
	if len(o.PublicIPs) > 0 {
		var external []string
		for _, ip := range o.PublicIPs {
			external = append(external, ip.String())
		}
		err = errors.Join(err, s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: external, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteAppend,
		}))
	}
	if err != nil {
		return nil, errors.Join(err, mux.Close())
	}
	return &Door{
		api:  webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(&interceptor.Registry{})),
		cert: *cert, mux: mux, sessions: map[*Session]bool{},
	}, nil
}

// events is the name of keys as they are agreed.
const events = "audio/telephone-event"

// listen opens the port: once, or on each address of the machine, so that an answer leaves from where the question came.
func listen(at netip.AddrPort) (ice.UDPMux, error) {
	if at.Addr().IsValid() && !at.Addr().IsUnspecified() {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, err
		}
		enlarge(conn)
		return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: silentLogger()}), nil
	}
	if at.Port() == 0 {
		return nil, errors.New("browsers need to be told a port")
	}
	networks := []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}
	if at.Addr().Is4() {
		networks = networks[:1]
	}
	return ice.NewMultiUDPMuxFromPort(int(at.Port()), ice.UDPMuxFromPortWithLoopback(), ice.UDPMuxFromPortWithNetworks(networks...),
		ice.UDPMuxFromPortWithReadBufferSize(socketBuffer), ice.UDPMuxFromPortWithWriteBufferSize(socketBuffer),
		ice.UDPMuxFromPortWithLogger(silentLogger()))
}

// socketBuffer holds the packets of some hundred browsers for as long as a reader may be kept waiting.
const socketBuffer = 1 << 20

func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer) // as much as the system allows
	_ = conn.SetWriteBuffer(socketBuffer)
}

func silentLogger() logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("ice", logging.LogLevelDisabled, io.Discard)
}

// Answer lets a browser in by its offer, which names all its addresses, and returns what it is to be answered.
func (d *Door) Answer(offer string) (*Session, string, error) {
	s := newSession(d)
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, "", ErrClosed
	}
	d.sessions[s] = true
	d.mu.Unlock()
	answer, err := s.Reconnect(offer)
	if err != nil {
		_ = s.Close()
		return nil, "", err
	}
	return s, answer, nil
}

// Sessions is how many browsers are in.
func (d *Door) Sessions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sessions)
}

func (d *Door) forget(s *Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s)
}

// Close sends all browsers away.
func (d *Door) Close() error {
	d.mu.Lock()
	d.closed = true
	var all []*Session
	for s := range d.sessions {
		all = append(all, s)
	}
	d.mu.Unlock()
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.mux.Close())...)
}

// check refuses what isn't one line of sound, before anything is made for it.
func check(offer string) error {
	if len(offer) > maxOffer {
		return fmt.Errorf("%w: too long", ErrOffer)
	}
	b := append([]byte("\n"), offer...)
	if n := bytes.Count(b, []byte("\nm=")); n != 1 || !bytes.Contains(b, []byte("\nm=audio ")) {
		return fmt.Errorf("%w: %d lines of media, and one of sound is asked for", ErrOffer, n)
	}
	return nil
}
