// Package rtp carries speech between a bridge and a telephone: packets of G.711, keys, reports, encryption, and the description of all
// that which both sides agree upon (SDP). It owns two UDP ports per session. It doesn't know how descriptions travel, or what a call is.
package rtp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
)

// Options are how a session listens and what it agrees to.
type Options struct {
	IP        netip.Addr // to listen on
	PublicIP  netip.Addr // that the far end is told; IP when empty. Behind NAT it is the router's.
	Ports     Range      // DefaultRange when empty
	Laws      []g711.Law // that are offered, best first; A-law and µ-law when empty
	OnlySRTP  bool       // refuse what isn't encrypted
	NoLatch   bool       // send to the address in the description even if sound comes from another
	KeysAside bool       // the far end knows no telephone events: keys go as tones even if it says that it does
}

// Session is the sound of one telephone: a sound.Leg. It sends while a bridge writes to it.
type Session struct {
	o    Options
	ip   netip.Addr
	port int
	in   *Receiver
	out  *Sender

	data, control *net.UDPConn
	done          sync.WaitGroup
	closed        atomic.Bool

	mu       sync.Mutex // what was agreed
	id       uint64
	version  uint64
	said     described // the last description
	want     Direction
	agreed   Direction
	secure   bool
	offered  bool     // encryption is in the offer that is open
	own      []crypto // our keys: 80, 32
	locked   [2]crypto
	far      *media
	answered bool

	rx struct {
		sync.Mutex
		ready     bool
		lock      *srtp.Context
		header    rtp.Header
		signalled netip.AddrPort
		source    netip.AddrPort
		last      time.Time
		strangers uint64
		book      Book
		away      Away
	}
	tx struct {
		sync.Mutex
		lock    *srtp.Context
		sends   bool
		to      netip.AddrPort
		control netip.AddrPort
		mux     bool
		header  rtp.Header
		buf     [sound.Samples + 64]byte
		ticks   int
		emit    func(h *rtp.Header, payload []byte)
		failed  uint64
	}
}

// Listen opens a session. It carries nothing before both sides have described themselves.
func Listen(o Options) (*Session, error) {
	if !o.IP.IsValid() {
		return nil, errors.New("rtp: no address to listen on")
	}
	ip := o.PublicIP
	if !ip.IsValid() {
		ip = o.IP
	}
	if ip.IsUnspecified() {
		return nil, errors.New("rtp: telephones need to be told an address that they can reach")
	}
	if len(o.Laws) == 0 {
		o.Laws = []g711.Law{g711.A, g711.Mu}
	}
	data, control, err := listen(o.IP, o.Ports)
	if err != nil {
		return nil, err
	}
	s := &Session{
		o: o, ip: ip.Unmap(), data: data, control: control, in: NewReceiver(), out: NewSender(),
		port: int(data.LocalAddr().(*net.UDPAddr).AddrPort().Port()),
		id:   rand.Uint64N(1 << 62), want: SendRecv, agreed: Inactive,
		own: []crypto{newCrypto(1, suite80), newCrypto(2, suite32)},
	}
	s.rx.book = Book{Out: s.out, In: s.in, Name: fmt.Sprintf("%x@opeka", s.id)}
	s.tx.emit = s.send
	s.done.Go(func() { s.receive(data, s.packet) })
	s.done.Go(func() { s.receive(control, s.report) })
	return s, nil
}

// Port is where sound is received.
func (s *Session) Port() int { return s.port }

// Leg is the session as a bridge takes it.
func (s *Session) Leg() sound.Leg { return s }

// OnDTMF implements sound.Keyed.
func (s *Session) OnDTMF(f func(key rune)) { s.in.OnDTMF(f) }

// SendDTMF sends keys one after the other, as telephone events where the far end knows them, else as tones; a comma is a pause of a second.
func (s *Session) SendDTMF(keys string) error { return s.out.Key(keys) }

// Lost implements sound.Lossy.
func (s *Session) Lost() uint64 { return s.in.Lost() }

// Read implements sound.Leg.
func (s *Session) Read(f *sound.Frame) bool { return s.in.Read(f) }

// Write implements sound.Leg.
func (s *Session) Write(f *sound.Frame) {
	s.tx.Lock()
	defer s.tx.Unlock()
	if s.closed.Load() {
		return
	}
	if s.tx.sends && s.tx.to.IsValid() {
		s.out.Write(f, s.tx.emit)
	} else {
		s.out.Write(f, nil)
	}
	if s.tx.ticks++; s.tx.ticks%reportTicks == 0 {
		s.tell(false)
	}
}

// send is called with tx held.
func (s *Session) send(h *rtp.Header, payload []byte) {
	n, err := h.MarshalTo(s.tx.buf[:])
	if err != nil {
		s.tx.failed++
		return
	}
	n += copy(s.tx.buf[n:], payload)
	b := s.tx.buf[:n]
	if s.tx.lock != nil {
		if b, err = s.tx.lock.EncryptRTP(s.tx.buf[:0], b, &s.tx.header); err != nil {
			s.tx.failed++
			return
		}
	}
	if _, err := s.data.WriteToUDPAddrPort(b, s.tx.to); err != nil {
		s.tx.failed++
	}
}

// tell sends a report; tx is held.
func (s *Session) tell(bye bool) {
	if !s.tx.control.IsValid() {
		return
	}
	var b []byte
	for _, p := range s.rx.book.Report(time.Now(), bye) {
		part, err := p.Marshal()
		if err != nil {
			return
		}
		b = append(b, part...)
	}
	if s.tx.lock != nil {
		var err error
		if b, err = s.tx.lock.EncryptRTCP(nil, b, nil); err != nil {
			return
		}
	}
	if s.tx.mux {
		_, _ = s.data.WriteToUDPAddrPort(b, s.tx.to)
	} else {
		_, _ = s.control.WriteToUDPAddrPort(b, s.tx.control)
	}
}

func (s *Session) receive(conn *net.UDPConn, take func(b []byte, from netip.AddrPort, now time.Time)) {
	buf := make([]byte, 2048)
	for failures := 0; failures < 1000; { // a port that is closed at the far end may come as an error
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failures++
			continue
		}
		if failures = 0; n < 8 {
			continue
		}
		take(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
	}
}

// packet takes what came to the port of sound.
func (s *Session) packet(b []byte, from netip.AddrPort, now time.Time) {
	if b[1] >= 192 && b[1] <= 223 {
		s.report(b, from, now)
		return
	}
	s.rx.Lock()
	defer s.rx.Unlock()
	if !s.rx.ready || !s.welcome(from, now) {
		return
	}
	if s.rx.lock != nil {
		var err error
		if b, err = s.rx.lock.DecryptRTP(b[:0], b, &s.rx.header); err != nil {
			return
		}
	}
	if !s.in.Push(b, now) {
		return
	}
	s.rx.last = now
	if from != s.rx.source {
		s.rx.source = from
		if !s.o.NoLatch {
			s.tx.Lock()
			s.tx.to = from
			s.tx.Unlock()
		}
	}
}

// relatch is how long a source must have been silent before another may take its place.
const relatch = 2 * time.Second

// welcome tells whether packets from there are to be listened to. The first source that sends is it: behind NAT it isn't the one that was
// described. Later only the described one may take over, or another after a silence; so that nobody else can talk into a call.
func (s *Session) welcome(from netip.AddrPort, now time.Time) bool {
	switch {
	case from == s.rx.source || from == s.rx.signalled || !s.rx.source.IsValid():
		return true
	case now.Sub(s.rx.last) > relatch:
		return true
	}
	s.rx.strangers++
	return false
}

// report takes what came to the port of reports.
func (s *Session) report(b []byte, from netip.AddrPort, now time.Time) {
	s.rx.Lock()
	defer s.rx.Unlock()
	if !s.rx.ready || (from.Addr() != s.rx.signalled.Addr() && from.Addr() != s.rx.source.Addr()) {
		return
	}
	if s.rx.lock != nil {
		var err error
		if b, err = s.rx.lock.DecryptRTCP(nil, b, nil); err != nil {
			return
		}
	}
	if away, ok := s.rx.book.Take(b, now); ok {
		s.rx.away = away
		if !s.o.NoLatch {
			s.tx.Lock()
			s.tx.control = from
			s.tx.Unlock()
		}
	}
}

// Stats is how a session is doing.
type Stats struct {
	In        Received
	Out       Sent
	Away      Away
	Remote    netip.AddrPort // where sound goes
	Codec     string
	Direction Direction
	Secure    bool
	Quality   float64 // 1 to 4.4
	Strangers uint64  // packets from elsewhere
	Failed    uint64  // packets that couldn't be sent
}

// Stats tells how the session is doing. In.Last says since when nothing came: how a far end is noticed that died without a word.
func (s *Session) Stats() Stats {
	out := Stats{In: s.in.Stats(), Out: s.out.Stats()}
	s.mu.Lock()
	out.Direction, out.Secure = s.agreed, s.secure
	if s.far != nil {
		out.Codec = s.law().String()
	}
	s.mu.Unlock()
	s.rx.Lock()
	out.Away, out.Strangers = s.rx.away, s.rx.strangers
	s.rx.Unlock()
	s.tx.Lock()
	out.Remote, out.Failed = s.tx.to, s.tx.failed
	s.tx.Unlock()
	out.Quality = Judge(out.In, out.Away)
	return out
}

func (s *Session) law() g711.Law {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.law
}

// Close says goodbye and frees the ports.
func (s *Session) Close() error {
	s.tx.Lock()
	if s.closed.Swap(true) {
		s.tx.Unlock()
		return nil
	}
	if s.out.Stats().Packets > 0 {
		s.tell(true)
	}
	s.tx.Unlock()
	err := errors.Join(s.data.Close(), s.control.Close())
	s.done.Wait()
	return err
}

// knows finds the first of the far end's codecs that we speak.
func (s *Session) knows(m *media) (codec, error) {
	for _, c := range m.codecs {
		if slices.Contains(s.o.Laws, c.law) {
			return c, nil
		}
	}
	return codec{}, ErrNoAudio
}
