package browser

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"opeka/internal/sound"
	"opeka/internal/sound/rtp"
)

// State is how a session stands with its browser.
type State string

// The states.
const (
	Connecting State = "connecting"
	Connected  State = "connected"
	Lost       State = "lost" // nothing comes of the browser; it may come back by itself or by Reconnect
	Closed     State = "closed"
)

// Session is the sound of one browser: a sound.Leg, which stays the same when the browser comes back after its page was loaded anew.
type Session struct {
	door *Door
	in   *rtp.Receiver
	out  *rtp.Sender
	book rtp.Book

	aside   sound.Aside
	mu      sync.Mutex
	conn    *connection // the present one
	state   State
	onState func(State)
	away    rtp.Away
	codec   string
	closing sync.WaitGroup

	tx struct {
		sync.Mutex
		conn  *connection // that can be written to
		ticks int
	}
}

func newSession(d *Door) *Session {
	s := &Session{door: d, in: rtp.NewReceiver(), out: rtp.NewSender(), state: Connecting}
	s.book = rtp.Book{Out: s.out, In: s.in, Name: fmt.Sprintf("%x@opeka", s.out.Stats().SSRC)}
	return s
}

// Leg is the session as a bridge takes it.
func (s *Session) Leg() sound.Leg { return s }

// Read implements sound.Leg.
func (s *Session) Read(f *sound.Frame) bool { return s.in.Read(f) }

// Lost implements sound.Lossy.
func (s *Session) Lost() uint64 { return s.in.Lost() }

// OnDTMF implements sound.Keyed.
func (s *Session) OnDTMF(f func(key rune)) { s.in.OnDTMF(f) }

// reportTicks is five seconds.
const reportTicks = 250

// Write implements sound.Leg.
func (s *Session) Write(f *sound.Frame) {
	s.tx.Lock()
	defer s.tx.Unlock()
	c := s.tx.conn
	if c == nil || c.emit.Load() == nil {
		s.out.Write(f, nil)
		return
	}
	s.out.Write(f, *c.emit.Load())
	if s.tx.ticks++; s.tx.ticks%reportTicks == 0 {
		reports := s.book.Report(time.Now(), false)
		s.aside.Do(func() { _ = c.pc.WriteRTCP(reports) })
	}
}

// OnState names who is told of changes, in order and beside everything else. He is told the present state first.
func (s *Session) OnState(f func(State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onState = f
	if f != nil {
		now := s.state
		s.aside.Do(func() { f(now) })
	}
}

// State tells how it stands.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// become changes the state, if c is still the present connection.
func (s *Session) become(c *connection, state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c || s.state == state || s.state == Closed {
		return
	}
	s.state = state
	s.tx.Lock()
	if s.tx.conn = nil; state == Connected {
		s.tx.conn = c
	}
	s.tx.Unlock()
	if f := s.onState; f != nil {
		s.aside.Do(func() { f(state) })
	}
}

// Reconnect takes a new offer of the same agent's browser, and leaves the connection before. The leg stays in its bridge.
func (s *Session) Reconnect(offer string) (answer string, err error) {
	if err := check(offer); err != nil {
		return "", err
	}
	c, answer, err := s.connect(offer)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	s.mu.Lock()
	if s.state == Closed {
		s.mu.Unlock()
		_ = c.pc.Close()
		return "", ErrClosed
	}
	old := s.conn
	s.conn = c
	s.mu.Unlock()
	s.become(c, Connecting)
	s.leave(old)
	s.settle(c)
	return answer, nil
}

// leave ends a connection beside everything else: it takes its time.
func (s *Session) leave(c *connection) {
	if c != nil {
		s.closing.Go(func() { _ = c.pc.Close() })
	}
}

// Stats is how a session is doing.
type Stats struct {
	State   State
	In      rtp.Received
	Out     rtp.Sent
	Away    rtp.Away
	Codec   string
	Quality float64 // 1 to 4.4
}

// Stats tells how the session is doing.
func (s *Session) Stats() Stats {
	out := Stats{In: s.in.Stats(), Out: s.out.Stats()}
	s.mu.Lock()
	out.State, out.Away, out.Codec = s.state, s.away, s.codec
	s.mu.Unlock()
	out.Quality = rtp.Judge(out.In, out.Away)
	return out
}

// Close sends the browser away.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.state == Closed {
		s.mu.Unlock()
		return nil
	}
	s.state = Closed
	c := s.conn
	s.conn = nil
	if f := s.onState; f != nil {
		s.aside.Do(func() { f(Closed) })
	}
	s.mu.Unlock()
	s.tx.Lock()
	s.tx.conn = nil
	s.tx.Unlock()
	s.door.forget(s)
	s.leave(c)
	s.closing.Wait()
	return nil
}

// take keeps what the browser reports.
func (s *Session) take(b []byte) {
	if away, ok := s.book.Take(b, time.Now()); ok {
		s.mu.Lock()
		s.away = away
		s.mu.Unlock()
	}
}

// state maps what the connection says.
func stateOf(p webrtc.PeerConnectionState) (State, bool) {
	switch p {
	case webrtc.PeerConnectionStateConnected:
		return Connected, true
	case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		return Lost, true
	}
	return "", false
}
