// Package mailserver is a mailbox on a server of IMAP, for tests and measurements: one that takes passwords or tokens, breaks off in the midst
// of a letter when it is told to, and renumbers its letters.
package mailserver

import (
	"bytes"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
)

// The mailbox's user.
const (
	User     = "help@shop.example"
	Password = "secret"
)

// Options change what the server can do.
type Options struct {
	Polled     bool     // without IDLE
	Mechanisms []string // ways of signing in by a token: XOAUTH2, OAUTHBEARER; nil: by password alone
	Token      func() string
}

// Mailbox is the server with one user.
type Mailbox struct {
	Host string
	Port int

	o      Options
	server *imapserver.Server
	user   atomic.Pointer[imapmemserver.User]
	cut    atomic.Int64 // bytes until all connections break; negative: they don't

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	SignIns atomic.Int64
	Refused atomic.Int64
	Sent    atomic.Int64  // bytes
	Idling  chan struct{} // somebody began to wait for news
}

// Start opens the server on the loopback.
func Start(o Options) (*Mailbox, error) {
	m := &Mailbox{o: o, conns: map[net.Conn]struct{}{}, Idling: make(chan struct{}, 100)}
	m.cut.Store(-1)
	if err := m.empty(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	at := l.Addr().(*net.TCPAddr)
	m.Host, m.Port = at.IP.String(), at.Port
	m.server = imapserver.New(&imapserver.Options{InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			s := &session{m: m}
			if len(o.Mechanisms) > 0 {
				return &byToken{s}, nil, nil
			}
			return s, nil, nil
		}})
	go func() { _ = m.server.Serve(&breaking{l, m}) }()
	return m, nil
}

// Close ends it.
func (m *Mailbox) Close() { _ = m.server.Close() }

func (m *Mailbox) empty() error {
	u := imapmemserver.NewUser(User, Password)
	m.user.Store(u)
	return u.Create("INBOX", nil)
}

// Create makes a folder.
func (m *Mailbox) Create(folder string) error { return m.user.Load().Create(folder, nil) }

// Deliver puts a letter into a folder.
func (m *Mailbox) Deliver(folder string, raw []byte) error {
	_, err := m.user.Load().Append(folder, literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: time.Now()})
	return err
}

// Renumber makes all letters' numbers new, as a restored backup does: what is in the folder is what is given here.
func (m *Mailbox) Renumber(letters ...[]byte) error {
	if err := m.empty(); err != nil {
		return err
	}
	// The library numbers the first folder of each user alike: one that is made again has another number.
	u := m.user.Load()
	if err := errors.Join(u.Delete("INBOX"), u.Create("INBOX", nil)); err != nil {
		return err
	}
	for _, l := range letters {
		if err := m.Deliver("INBOX", l); err != nil {
			return err
		}
	}
	m.Break()
	return nil
}

// BreakAfter makes every connection break when so many more bytes have been sent.
func (m *Mailbox) BreakAfter(bytes int64) { m.cut.Store(bytes) }

// Break breaks every connection.
func (m *Mailbox) Break() {
	m.mu.Lock()
	all := slices.Collect(maps.Keys(m.conns))
	m.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

type literal struct{ *bytes.Reader }

// Size implements imap.LiteralReader.
func (l literal) Size() int64 { return l.Reader.Size() }

type session struct {
	*imapmemserver.UserSession
	m *Mailbox
}

// Close implements imapserver.Session: there is nothing to close before somebody has signed in.
func (s *session) Close() error {
	if s.UserSession == nil {
		return nil
	}
	return s.UserSession.Close()
}

// Login implements imapserver.Session.
func (s *session) Login(user, password string) error {
	u := s.m.user.Load()
	if err := u.Login(user, password); err != nil || len(s.m.o.Mechanisms) > 0 {
		s.m.Refused.Add(1)
		return imapserver.ErrAuthFailed
	}
	s.m.SignIns.Add(1)
	s.UserSession = imapmemserver.NewUserSession(u)
	return nil
}

// Idle implements imapserver.Session. The library's own tells only of what comes after it has begun to listen, which is a moment after it has said so;
// servers of this world tell of all that the client hasn't heard of.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if err := s.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-stop:
			return nil
		}
	}
}

// byToken is a session of a server that takes tokens.
type byToken struct{ *session }

// AuthenticateMechanisms implements imapserver.SessionSASL.
func (s *byToken) AuthenticateMechanisms() []string { return s.m.o.Mechanisms }

// Authenticate implements imapserver.SessionSASL.
func (s *byToken) Authenticate(mechanism string) (sasl.Server, error) {
	check := func(user, token string) bool {
		if user != User || token != s.m.o.Token() {
			s.m.Refused.Add(1)
			return false
		}
		s.m.SignIns.Add(1)
		s.UserSession = imapmemserver.NewUserSession(s.m.user.Load())
		return true
	}
	if mechanism == sasl.OAuthBearer {
		return sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if check(o.Username, o.Token) {
				return nil
			}
			return &sasl.OAuthBearerError{Status: "invalid_token"}
		}), nil
	}
	return &XOAUTH2{Check: check}, nil
}

// XOAUTH2 is the server's side of Google's and Microsoft's mechanism.
type XOAUTH2 struct {
	Check func(user, token string) bool
	said  bool
}

// Next implements sasl.Server.
func (x *XOAUTH2) Next(response []byte) (challenge []byte, done bool, err error) {
	if x.said {
		return nil, true, imapserver.ErrAuthFailed
	}
	if response == nil {
		return []byte{}, false, nil
	}
	var user, token string
	for _, part := range bytes.Split(response, []byte{1}) {
		if u, ok := bytes.CutPrefix(part, []byte("user=")); ok {
			user = string(u)
		}
		if t, ok := bytes.CutPrefix(part, []byte("auth=Bearer ")); ok {
			token = string(t)
		}
	}
	if x.Check(user, token) {
		return nil, true, nil
	}
	x.said = true
	return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
}

// breaking is a listener whose connections can be broken.
type breaking struct {
	net.Listener
	m *Mailbox
}

// Accept implements net.Listener.
func (b *breaking) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	w := &wire{Conn: c, m: b.m}
	b.m.conns[w] = struct{}{}
	return w, nil
}

type wire struct {
	net.Conn
	m *Mailbox
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	if w.m.o.Polled { // the library says that it can, whatever it is told
		p = bytes.ReplaceAll(p, []byte(" IDLE"), []byte(" LAZY"))
	}
	if bytes.Contains(p, []byte("+ idling")) {
		select {
		case w.m.Idling <- struct{}{}:
		default:
		}
	}
	if left := w.m.cut.Load(); left >= 0 {
		if n := min(left, int64(len(p))); w.m.cut.Add(-n) <= 0 && n < int64(len(p)) {
			_, _ = w.Conn.Write(p[:n])
			w.m.cut.Store(-1)
			_ = w.Conn.Close()
			return int(n), net.ErrClosed
		}
	}
	n, err := w.Conn.Write(p)
	w.m.Sent.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.m.mu.Lock()
	delete(w.m.conns, w)
	w.m.mu.Unlock()
	return w.Conn.Close()
}
