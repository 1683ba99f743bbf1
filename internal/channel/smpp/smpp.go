// Package smpp sends and receives short messages over SMPP 3.4: one bind for both directions while we listen, another for sending alone
// where somebody else listens. Long texts go in parts, Cyrillic in UCS-2. A message or report is acknowledged only after it was kept.
package smpp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
	"opeka/internal/outgoing"
	"opeka/internal/text"
)

const (
	maxSegments = 10
	throttled   = 5 * time.Second // the SMSC doesn't say how long
)

// Plug is the SMPP plug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.Plug.
func (Plug) Name() string { return "smpp" }

// Channel implements care.ChannelPlug.
func (Plug) Channel() string { return care.ChannelSMS }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "address", Kind: "text", Required: true},
		{Name: "tls", Kind: "bool"},
		{Name: "system_id", Kind: "text", Required: true},
		{Name: "password", Kind: "secret", Required: true},
		{Name: "system_type", Kind: "text"},
		{Name: "sender", Kind: "text", Required: true},
		{Name: "long", Kind: "choice", Choices: []string{"udh", "payload"}, Default: "udh"},
		{Name: "per_second", Kind: "number", Default: "10"},
	}
}

type settings struct {
	Address    string  `json:"address"`
	TLS        bool    `json:"tls"`
	System     string  `json:"system_id"`
	SystemType string  `json:"system_type"`
	Sender     string  `json:"sender"`
	Long       string  `json:"long"`
	PerSecond  float64 `json:"per_second"`
}

// smsc is the other side.
type smsc struct {
	settings
	password string
	dial     func(ctx context.Context, network, address string) (net.Conn, error)

	opening sync.Mutex // one bind is made at a time
	mu      sync.Mutex
	both    *link             // the listener's
	out     *link             // for sending alone
	recent  map[string]string // names of what was kept and couldn't be acknowledged: it comes again
}

// OpenChannel implements care.ChannelPlug.
func (Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	var sec struct {
		Password string `json:"password"`
	}
	s := &smsc{dial: outgoing.Dial(client), recent: map[string]string{}}
	if err := wire.Settings(c, &s.settings, &sec); err != nil {
		return nil, err
	}
	s.Address, s.System, s.Sender, s.password = strings.TrimSpace(s.Address), strings.TrimSpace(s.System), strings.TrimSpace(s.Sender), sec.Password
	host, port, err := net.SplitHostPort(s.Address)
	switch {
	case s.Address == "":
		return nil, care.Invalid("address", "required")
	case err != nil || host == "" || port == "":
		return nil, care.Invalid("address", "value_invalid")
	case s.System == "":
		return nil, care.Invalid("system_id", "required")
	case len(s.System) > 15:
		return nil, care.Invalid("system_id", "too_long", "max", 15)
	case s.password == "":
		return nil, care.Invalid("password", "required")
	case len(s.password) > 8:
		return nil, care.Invalid("password", "too_long", "max", 8)
	case len(s.SystemType) > 12:
		return nil, care.Invalid("system_type", "too_long", "max", 12)
	case s.Sender == "":
		return nil, care.Invalid("sender", "required")
	case s.PerSecond < 0:
		return nil, care.Invalid("per_second", "value_invalid")
	}
	if ton, _, sender := sourceOf(s.Sender); ton == 5 && len(sender) > 11 || len(sender) > 20 || strings.ContainsFunc(sender, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, care.Invalid("sender", "value_invalid")
	}
	return s, nil
}

// Can implements care.Channel.
func (s *smsc) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: true, Delivery: true, Unprompted: true, PerSecond: s.PerSecond}
}

// sourceOf says what kind of sender it is: a number, a short number, a name.
func sourceOf(s string) (ton, npi byte, sender string) {
	digits := strings.TrimPrefix(s, "+")
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return 5, 0, s
	case len(digits) <= 6 && digits == s:
		return 3, 0, s
	}
	return 1, 1, digits
}

// connect binds. Its errors are those of a request that carries no message.
func (s *smsc) connect(ctx context.Context, command uint32) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	conn, err := s.dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, &care.TemporaryError{Cause: err}
	}
	if s.TLS {
		host, _, _ := net.SplitHostPort(s.Address)
		secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, &care.TemporaryError{Cause: err}
		}
		conn = secure
	}
	l := newLink(conn)
	go l.run()
	a, err := l.ask(ctx, pdu{command: command, body: bind(s.System, s.password, s.SystemType)})
	if err == nil && a.status != 0 {
		err = statusError(a.status)
		var rejected *care.RejectedError
		if errors.As(err, &rejected) {
			err = &care.AuthError{Cause: errors.New(rejected.Detail)}
		}
	}
	if err != nil {
		l.end(err)
		return nil, wire.Again(err)
	}
	go l.keepAlive()
	return l, nil
}

// sender is a link by which messages go out.
func (s *smsc) sender(ctx context.Context) (*link, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	for _, l := range []*link{s.both, s.out} {
		if l != nil && l.alive() {
			s.mu.Unlock()
			return l, nil
		}
	}
	s.mu.Unlock()
	l, err := s.connect(ctx, cmdBindTX)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.out = l
	s.mu.Unlock()
	return l, nil
}

// Close implements io.Closer.
func (s *smsc) Close() error {
	s.mu.Lock()
	links := []*link{s.both, s.out}
	s.mu.Unlock()
	for _, l := range links {
		if l != nil {
			l.unbind()
		}
	}
	return nil
}

// Test implements care.Channel.
func (s *smsc) Test(ctx context.Context) (care.PeerInfo, error) {
	l, err := s.connect(ctx, cmdBindTX)
	if err != nil {
		return care.PeerInfo{}, err
	}
	l.unbind()
	return care.PeerInfo{Name: s.System + " @ " + s.Address, Version: "SMPP 3.4", Writable: true}, nil
}

// Send implements care.Channel.
func (s *smsc) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	digits, ok := strings.CutPrefix(m.To, "+")
	if !ok || len(digits) < 5 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return care.Receipt{}, &care.RejectedError{Code: "unknown_address", Detail: "not a phone number"}
	}
	sms := text.SplitSMS(m.Body)
	if len(sms.Segments) > maxSegments {
		return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: fmt.Sprint(len(sms.Segments))}
	}
	l, err := s.sender(ctx)
	if err != nil {
		return care.Receipt{}, err
	}
	r := care.Receipt{Parts: len(sms.Segments), Thread: m.To}
	for _, sub := range s.submissions(m.Key, digits, sms) {
		a, err := l.ask(ctx, pdu{command: cmdSubmit, body: sub.bytes()})
		if err == nil && a.status != 0 {
			err = statusError(a.status)
		}
		if err != nil {
			return care.Receipt{}, wire.Partly(len(r.PartIDs), err)
		}
		f := fields{b: a.body}
		id := f.text(65)
		if id == "" {
			return care.Receipt{}, &care.UncertainError{Cause: errors.New("the SMSC's answer names no message")}
		}
		r.PartIDs = append(r.PartIDs, id)
	}
	r.ExternalID = r.PartIDs[0]
	return r, nil
}

func (s *smsc) submissions(key, to string, sms text.SMS) (out []submission) {
	one := submission{to: to, toTON: 1, toNPI: 1}
	one.fromTON, one.fromNPI, one.from = sourceOf(s.Sender)
	encode := text.EncodeGSM
	if sms.Unicode {
		encode, one.coding = text.EncodeUCS2, 8
	}
	if s.Long == "payload" && len(sms.Segments) > 1 {
		one.payload, one.data = true, encode(strings.Join(sms.Segments, ""))
		return []submission{one}
	}
	ref := byte(crc32.ChecksumIEEE([]byte(key)))
	for n, segment := range sms.Segments {
		one.data = encode(segment)
		if len(sms.Segments) > 1 {
			one.esm = 0x40
			one.data = append([]byte{5, 0, 3, ref, byte(len(sms.Segments)), byte(n + 1)}, one.data...)
		}
		out = append(out, one)
	}
	return out
}

// statusError says what a refusal of the SMSC means.
func statusError(status uint32) error {
	cause := fmt.Errorf("%s (0x%X)", cmp.Or(statusText[status], "refused"), status)
	switch status {
	case 0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x59:
		return &care.AuthError{Cause: cause}
	case 0x14, 0x58:
		return &care.TemporaryError{Cause: cause, After: throttled}
	case 0x08, 0x64, 0x66:
		return &care.TemporaryError{Cause: cause}
	case 0x0B, 0x33, 0x50, 0x51:
		return &care.RejectedError{Code: "unknown_address", Detail: cause.Error()}
	case 0x01:
		return &care.RejectedError{Code: "too_long", Detail: cause.Error()}
	case 0x0A, 0x48, 0x49:
		return &care.RejectedError{Code: "sender", Detail: cause.Error()}
	}
	return &care.RejectedError{Code: "other", Detail: cause.Error()}
}

var statusText = map[uint32]string{
	0x01: "message length is invalid", 0x04: "incorrect bind status", 0x05: "already bound", 0x08: "system error", 0x0A: "invalid source address", 0x0B: "invalid destination address",
	0x0D: "bind failed", 0x0E: "invalid password", 0x0F: "invalid system id", 0x14: "message queue is full", 0x33: "invalid destination", 0x45: "submit failed",
	0x48: "invalid source type", 0x49: "invalid source plan", 0x50: "invalid destination type", 0x51: "invalid destination plan", 0x58: "throttled", 0x59: "not allowed",
	0x64: "temporary error", 0x65: "permanent error", 0x66: "rejected for now",
}
