package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"opeka/internal/care"
)

const (
	poolSize = 4
	idleSMTP = 25 * time.Second
)

// pool keeps connections between letters.
type pool struct {
	mu     sync.Mutex
	idle   []pooled
	closed bool
}

type pooled struct {
	c     *smtp.Client
	since time.Time
}

func (p *pool) take(now time.Time) *smtp.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if now.Sub(last.since) < idleSMTP {
			return last.c
		}
		_ = last.c.Close()
	}
	return nil
}

func (p *pool) give(c *smtp.Client, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= poolSize {
		_ = c.Close()
		return
	}
	p.idle = append(p.idle, pooled{c, now})
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, i := range p.idle {
		_ = i.c.Close()
	}
	p.idle = nil
}

// dialSMTP opens a connection and logs in.
func (m *mailbox) dialSMTP(ctx context.Context) (*smtp.Client, error) {
	conn, config, err := m.connect(ctx, m.SMTPHost, m.SMTPPort, m.SMTPSafety)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	var c *smtp.Client
	if m.SMTPSafety == "starttls" {
		if c, err = smtp.NewClientStartTLS(conn, config); err != nil {
			conn.Close()
			return nil, &care.TemporaryError{Cause: err}
		}
	} else {
		c = smtp.NewClient(conn)
	}
	c.CommandTimeout, c.SubmissionTimeout = 45*time.Second, 50*time.Second
	if m.SMTPSafety != "starttls" { // which has said hello already
		if err := c.Hello(helloName()); err != nil {
			c.Close()
			return nil, &care.TemporaryError{Cause: err}
		}
	}
	if err := m.loginSMTP(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func helloName() string {
	if h, err := os.Hostname(); err == nil && strings.Contains(h, ".") {
		return h
	}
	return "localhost"
}

func (m *mailbox) loginSMTP(ctx context.Context, c *smtp.Client) error {
	var by sasl.Client
	switch {
	case m.Auth == "oauth2":
		var err error
		if by, err = m.bearer(ctx, c.SupportsAuth, m.SMTPHost, m.SMTPPort); err != nil {
			return err
		}
	case m.Password == "":
		return nil // a server of the house that takes from its network
	case c.SupportsAuth(sasl.Plain):
		by = sasl.NewPlainClient("", m.User, m.Password)
	case c.SupportsAuth(sasl.Login):
		by = sasl.NewLoginClient(m.User, m.Password)
	default:
		if ok, _ := c.Extension("AUTH"); !ok {
			return nil
		}
		return &care.AuthError{Cause: errors.New("the server offers no way to log in that is known here")}
	}
	err := c.Auth(by)
	var refused *smtp.SMTPError
	var token *sasl.OAuthBearerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &token):
		m.forgetToken()
		return &care.AuthError{Cause: fmt.Errorf("%w: %s", errRefused, token.Status)}
	case errors.As(err, &refused) && refused.Code >= 500:
		m.forgetToken()
		return &care.AuthError{Cause: fmt.Errorf("%w: %s", errRefused, refused.Message)}
	}
	return &care.TemporaryError{Cause: err}
}

// Send implements care.Channel. Until the last byte was handed over a failure means that nobody has the letter; after it, without an answer, that nobody knows.
func (m *mailbox) Send(ctx context.Context, out care.Outbound) (care.Receipt, error) {
	if m.SMTPHost == "" {
		return care.Receipt{}, &care.RejectedError{Code: "other", Detail: errNoSMTP.Error()}
	}
	l, err := m.compose(out)
	if err != nil {
		return care.Receipt{}, err
	}
	c := m.pool.take(m.now())
	if c != nil && c.Reset() != nil { // it was closed at the other end
		_ = c.Close()
		c = nil
	}
	if c == nil {
		if c, err = m.dialSMTP(ctx); err != nil {
			return care.Receipt{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	err = transmit(c, m.from.Address, l)
	if !stop() || err != nil {
		_ = c.Close()
	} else {
		m.pool.give(c, m.now())
	}
	if err != nil {
		return care.Receipt{}, err
	}
	return care.Receipt{ExternalID: l.id, Parts: 1}, nil
}

func transmit(c *smtp.Client, from string, l composed) error {
	if err := c.Mail(from, nil); err != nil {
		return refusal(err, "other")
	}
	for _, to := range l.recipients {
		if err := c.Rcpt(to, nil); err != nil {
			// All or nobody: a letter that only some of its readers have is worse than one that comes back at once.
			return refusal(err, "unknown_address")
		}
	}
	w, err := c.Data()
	if err != nil {
		return refusal(err, "other")
	}
	if _, err := bytes.NewReader(l.raw).WriteTo(w); err != nil {
		return &care.TemporaryError{Cause: err} // the end was not sent: a server drops what it has
	}
	if err := w.Close(); err != nil {
		var said *smtp.SMTPError
		if errors.As(err, &said) {
			return refusal(err, "content")
		}
		return &care.UncertainError{Cause: err}
	}
	return nil
}

// refusal tells apart what may go away by itself and a server's last word.
func refusal(err error, code string) error {
	var said *smtp.SMTPError
	if !errors.As(err, &said) || said.Code < 500 {
		return &care.TemporaryError{Cause: err}
	}
	switch {
	case said.Code == 530 || said.Code == 534 || said.Code == 535:
		return &care.AuthError{Cause: err}
	case said.Code == 552 || said.EnhancedCode == smtp.EnhancedCode{5, 3, 4}:
		code = "too_long"
	case said.EnhancedCode[0] == 5 && said.EnhancedCode[1] == 7:
		code = "content"
	}
	return &care.RejectedError{Code: code, Detail: fmt.Sprintf("%d %s", said.Code, said.Message)}
}
