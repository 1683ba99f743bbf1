package mailin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"

	"opeka/internal/care"
	"opeka/internal/mailproof"
	"opeka/internal/post"
)

func refuse(code int, class, subject, detail int, says string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: says}
}

var (
	errUnknown  = refuse(550, 5, 1, 1, "No such mailbox here")
	errPaused   = refuse(450, 4, 2, 1, "The mailbox takes nothing at the moment, try again later")
	errGuessing = refuse(450, 4, 7, 1, "Too many unknown recipients, try again later")
	errPace     = refuse(451, 4, 7, 1, "Too many letters, try again later")
	errLoop     = refuse(554, 5, 4, 6, "The letter goes in circles")
	errEmpty    = refuse(554, 5, 6, 0, "The letter is empty")
	errNotKept  = refuse(451, 4, 3, 0, "The letter couldn't be kept, try again later")
	errStopping = refuse(421, 4, 3, 2, "Stopping, try again later")
)

// session is one connection.
type session struct {
	d       *Door
	peer    net.Addr
	ip      net.IP
	helo    string
	secure  bool
	lmtp    bool
	from    string
	unknown int
	to      []recipient
}

type recipient struct {
	address    string
	connection int64
}

func (d *Door) session(c *smtp.Conn) (smtp.Session, error) {
	s := &session{d: d, peer: c.Conn().RemoteAddr(), helo: c.Hostname(), lmtp: c.Server().LMTP}
	if t, ok := s.peer.(*net.TCPAddr); ok {
		s.ip = t.IP
	}
	_, s.secure = c.TLSConnectionState()
	return s, nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.d.ctx.Err() != nil {
		return errStopping
	}
	if !s.d.pace.letter(s.peer, s.d.o.Now()) {
		return errPace
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session: there is nothing here but the stores' mailboxes.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.unknown >= s.d.o.Limits.Unknown {
		return errGuessing // whoever guesses addresses is told nothing more
	}
	ctx, cancel := context.WithTimeout(s.d.ctx, keepWithin)
	defer cancel()
	connection, err := s.d.o.Room.MailboxFor(ctx, to)
	switch {
	case err != nil:
		return s.answer(err)
	case connection == 0:
		s.unknown++
		return errUnknown
	}
	s.to = append(s.to, recipient{to, connection})
	return nil
}

// answer says what became of a letter that wasn't kept.
func (s *session) answer(err error) error {
	var known *care.Error
	var said *smtp.SMTPError
	switch {
	case errors.As(err, &said):
		return said
	case errors.As(err, &known) && known.Kind == care.KindConflict:
		return errPaused
	case errors.As(err, &known) && known.Kind == care.KindNotFound:
		return errUnknown
	case errors.As(err, &known) && known.Kind == care.KindTooLarge:
		return smtp.ErrDataTooLarge
	case errors.As(err, &known) && known.Kind == care.KindInvalid:
		return errEmpty
	}
	s.d.o.Log.Error("a letter couldn't be kept; its server tries again", "peer", s.peer, "err", err)
	return errNotKept
}

// Data implements smtp.Session. The letter has one answer: if one of its mailboxes fails it comes again, and is known where it was kept.
func (s *session) Data(r io.Reader) error {
	raw, err := s.read(r)
	if err != nil {
		return err
	}
	proof := s.prove(raw)
	for _, b := range s.mailboxes() {
		if err := s.keep(b, raw, proof); err != nil {
			return err
		}
	}
	return nil
}

// LMTPData implements smtp.LMTPSession: each recipient has an answer of its own.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	raw, err := s.read(r)
	if err != nil {
		return err
	}
	proof := s.prove(raw)
	for _, b := range s.mailboxes() {
		err := s.keep(b, raw, proof)
		for _, to := range b.to {
			status.SetStatus(to, err)
		}
	}
	return nil
}

// mailbox is a connection with those of its addresses to which a letter came.
type mailbox struct {
	connection int64
	to         []string
}

func (s *session) mailboxes() (out []mailbox) {
	for _, r := range s.to {
		n := slices.IndexFunc(out, func(b mailbox) bool { return b.connection == r.connection })
		if n < 0 {
			n = len(out)
			out = append(out, mailbox{connection: r.connection})
		}
		out[n].to = append(out[n].to, r.address)
	}
	return out
}

// read takes the letter in; of large ones only a few at a time.
func (s *session) read(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, smallLetter))
	if err == nil && len(raw) == smallLetter {
		select {
		case s.d.large <- struct{}{}:
			defer func() { <-s.d.large }()
		case <-s.d.ctx.Done():
			return nil, errStopping
		}
		b := bytes.NewBuffer(raw)
		_, err = b.ReadFrom(r)
		raw = b.Bytes()
	}
	if err != nil {
		var said *smtp.SMTPError
		if errors.As(err, &said) {
			return nil, said
		}
		return nil, errNotKept
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errEmpty
	}
	if hops(raw) > s.d.o.Limits.Hops {
		return nil, errLoop
	}
	return raw, nil
}

// prove looks whether the letter is from whom it says.
func (s *session) prove(raw []byte) mailproof.Result {
	if s.d.o.Prove == nil || !s.d.o.Outside(s.peer) {
		return mailproof.Result{}
	}
	return s.d.o.Prove(s.d.ctx, s.d.o.Host, mailproof.Evidence{Raw: raw, From: s.from, Helo: s.helo, IP: s.ip})
}

func (s *session) keep(b mailbox, raw []byte, proof mailproof.Result) error {
	ctx, cancel := context.WithTimeout(s.d.ctx, keepWithin)
	defer cancel()
	e := post.Envelope{From: s.from, To: b.to, Helo: s.helo, IP: s.ip, By: s.d.o.Host, With: s.protocol(), Proof: string(proof.Verdict), Results: proof.Field}
	if _, err := s.d.o.Room.ReceiveMail(ctx, b.connection, e, raw); err != nil {
		return s.answer(err)
	}
	return nil
}

func (s *session) protocol() string {
	p := "ESMTP"
	if s.lmtp {
		p = "LMTP"
	}
	if s.secure {
		p += "S"
	}
	return p
}

// hops counts the servers that say in the head that they passed the letter on.
func hops(raw []byte) (n int) {
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		if len(bytes.TrimRight(line, "\r")) == 0 {
			return n
		}
		if len(line) > 9 && strings.EqualFold(string(line[:9]), "Received:") {
			n++
		}
		raw = rest
	}
	return n
}
