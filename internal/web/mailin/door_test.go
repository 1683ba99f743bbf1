package mailin_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/care"
	"opeka/internal/mailproof"
	"opeka/internal/post"
	"opeka/internal/web/mailin"
)

// room is a post room of two mailboxes and one that is paused.
type room struct {
	mu    sync.Mutex
	kept  map[int64][]string
	of    []post.Envelope
	fails map[int64]error
}

func (r *room) MailboxFor(_ context.Context, address string) (int64, error) {
	switch strings.ToLower(address) {
	case "help@shop.example", "info@shop.example":
		return 1, nil
	case "help@other.example":
		return 2, nil
	case "paused@shop.example":
		return 0, care.Conflict("connection.paused")
	case "broken@shop.example":
		return 0, errors.New("the database is away")
	}
	return 0, nil
}

func (r *room) ReceiveMail(_ context.Context, connection int64, e post.Envelope, raw []byte) (post.Pushed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fails[connection]; err != nil {
		return post.Pushed{}, err
	}
	if r.kept == nil {
		r.kept = map[int64][]string{}
	}
	r.kept[connection] = append(r.kept[connection], string(raw))
	r.of = append(r.of, e)
	return post.Pushed{Verdict: "accepted"}, nil
}

func open(t *testing.T, r *room, change func(*mailin.Options)) *mailin.Door {
	t.Helper()
	o := mailin.Options{Listen: []string{":0", "lmtp:127.0.0.1:0"}, Host: "mx.shop.example", Room: r, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	d := mailin.New(o)
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		d.Close(ctx)
	})
	return d
}

// dialogue speaks line by line; the answer to each begins with its code.
type dialogue struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, d *mailin.Door, n int) *dialogue {
	t.Helper()
	conn, err := net.Dial(d.Addresses()[n].Network(), d.Addresses()[n].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	return &dialogue{t, conn, bufio.NewReader(conn)}
}

func (d *dialogue) hears() string {
	d.t.Helper()
	for {
		line, err := d.in.ReadString('\n')
		if err != nil {
			return "gone: " + err.Error()
		}
		if len(line) < 4 || line[3] != '-' {
			return strings.TrimSpace(line)
		}
	}
}

func (d *dialogue) says(line, want string) {
	d.t.Helper()
	if _, err := io.WriteString(d.conn, line+"\r\n"); err != nil {
		d.t.Fatal(err)
	}
	if got := d.hears(); !strings.HasPrefix(got, want) {
		d.t.Fatalf("%.100q is answered with %q, not %s", line, got, want)
	}
}

func TestLettersAreTakenForOurMailboxesAlone(t *testing.T) {
	r := &room{}
	d := dial(t, open(t, r, nil), 0)
	d.hears()
	d.says("EHLO mail.example.com", "250")
	d.says("MAIL FROM:<olena@example.com>", "250")
	d.says("RCPT TO:<stranger@example.net>", "550 5.1.1")
	d.says("RCPT TO:<help@shop.example@example.net>", "5")
	d.says("RCPT TO:<@shop.example:stranger@example.net>", "5")
	d.says("RCPT TO:<nobody%example.net@shop.example>", "550")
	d.says("DATA", "502")
	d.says("RCPT TO:<paused@shop.example>", "450 4.2.1")
	d.says("RCPT TO:<broken@shop.example>", "451")
	d.says("RCPT TO:<help@shop.example>", "250")
	d.says("RCPT TO:<info@shop.example>", "250")
	d.says("RCPT TO:<HELP@Other.example>", "250")
	d.says("DATA", "354")
	d.says("From: olena@example.com\r\nSubject: one\r\n\r\n..dots stay\r\n.", "250")
	d.says("MAIL FROM:<>", "250")
	d.says("RCPT TO:<help@shop.example>", "250")
	d.says("DATA", "354")
	d.says("Subject: a report\r\n\r\nx\r\n.", "250")
	d.says("QUIT", "221")
	if len(r.kept[1]) != 2 || len(r.kept[2]) != 1 || !strings.HasSuffix(r.kept[1][0], "\r\n.dots stay\r\n") || r.kept[1][0] != r.kept[2][0] {
		t.Fatalf("%v", r.kept)
	}
	e := r.of[0]
	if e.From != "olena@example.com" || !slices.Equal(e.To, []string{"help@shop.example", "info@shop.example"}) || e.Helo != "mail.example.com" || !e.IP.IsLoopback() || e.With != "ESMTP" {
		t.Errorf("%+v", e)
	}
	if r.of[2].From != "" {
		t.Errorf("%+v", r.of[2])
	}
}

func TestEachRecipientOfLMTPHasAnAnswer(t *testing.T) {
	r := &room{fails: map[int64]error{2: errors.New("the disk is full")}}
	d := dial(t, open(t, r, nil), 1)
	d.hears()
	d.says("EHLO mail.example.com", "500")
	d.says("LHLO mail.example.com", "250")
	d.says("MAIL FROM:<olena@example.com>", "250")
	for _, to := range []string{"help@shop.example", "help@other.example", "info@shop.example", "help@shop.example"} {
		d.says("RCPT TO:<"+to+">", "250")
	}
	d.says("DATA", "354")
	d.says("Subject: one\r\n\r\nx\r\n.", "250")
	for _, want := range []string{"451", "250", "250"} {
		if got := d.hears(); !strings.HasPrefix(got, want) {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if len(r.kept[1]) != 1 || len(r.kept[2]) != 0 {
		t.Errorf("%v", r.kept)
	}
}

func TestOneFailureFailsAnSMTPLetter(t *testing.T) {
	r := &room{fails: map[int64]error{2: errors.New("the disk is full")}}
	d := dial(t, open(t, r, nil), 0)
	d.hears()
	d.says("EHLO mail.example.com", "250")
	d.says("MAIL FROM:<olena@example.com>", "250")
	d.says("RCPT TO:<help@shop.example>", "250")
	d.says("RCPT TO:<help@other.example>", "250")
	d.says("DATA", "354")
	d.says("Subject: one\r\n\r\nx\r\n.", "451 4.3.0")
}

func TestLimits(t *testing.T) {
	r := &room{}
	door := open(t, r, func(o *mailin.Options) {
		o.Limits = mailin.DefaultLimits
		o.Limits.Letter, o.Limits.Recipients, o.Limits.Unknown, o.Limits.Together, o.Limits.Hops = 2<<20, 3, 2, 2, 3
	})
	d := dial(t, door, 0)
	d.hears()
	d.says("EHLO mail.example.com", "250")
	d.says("MAIL FROM:<olena@example.com> SIZE=99999999", "552")
	for name, c := range map[string]struct{ letter, want string }{
		"too large":  {"Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", 200_000), "552"},
		"just right": {"Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", 150_000), "250"},
		"a loop":     {strings.Repeat("Received: from a by b; x\r\n", 4) + "\r\nx\r\n", "554 5.4.6"},
		"empty":      {"\r\n", "554"},
		"long line":  {"Subject: x\r\n\r\n" + strings.Repeat("x", 100_000) + "\r\n", "250"},
	} {
		d.says("MAIL FROM:<olena@example.com>", "250")
		d.says("RCPT TO:<help@shop.example>", "250")
		d.says("DATA", "354")
		if _, err := io.WriteString(d.conn, c.letter); err != nil {
			t.Fatal(err)
		}
		d.says(".", c.want)
		t.Log(name)
	}
	if len(r.kept[1]) != 2 {
		t.Errorf("%d letters were kept", len(r.kept[1]))
	}
	d.says("MAIL FROM:<olena@example.com>", "250")
	for range 3 {
		d.says("RCPT TO:<help@shop.example>", "250")
	}
	d.says("RCPT TO:<help@shop.example>", "452")
	d.says("RSET", "250")
	d.says("MAIL FROM:<olena@example.com>", "250")
	d.says("RCPT TO:<a@shop.example>", "550")
	d.says("RCPT TO:<b@shop.example>", "550")
	d.says("RCPT TO:<help@shop.example>", "450 4.7.1")

	second := dial(t, door, 0)
	if got := second.hears(); !strings.HasPrefix(got, "220") {
		t.Fatal(got)
	}
	if got := dial(t, door, 1).hears(); !strings.HasPrefix(got, "421") {
		t.Errorf("one connection too many hears %q", got)
	}
	second.says("QUIT", "221")
	for end := time.Now().Add(2 * time.Minute); ; { // its place is free when its end has been seen
		if got := dial(t, door, 1).hears(); strings.HasPrefix(got, "220") {
			break
		} else if time.Now().After(end) {
			t.Fatal(got)
		}
	}
}

func TestSTARTTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"mx.shop.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	cert, _ := x509.ParseCertificate(der)
	roots.AddCert(cert)
	r := &room{}
	socket := filepath.Join(t.TempDir(), "lmtp")
	door := open(t, r, func(o *mailin.Options) {
		o.Listen = append(o.Listen, "lmtp:"+socket)
		o.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	})
	conn, err := net.Dial("tcp", door.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClientStartTLS(conn, &tls.Config{ServerName: "mx.shop.example", RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail("o@example.com", []string{"help@shop.example"}, strings.NewReader("Subject: x\r\n\r\nx\r\n")); err != nil {
		t.Fatal(err)
	}
	if len(r.of) != 1 || r.of[0].With != "ESMTPS" {
		t.Errorf("%+v", r.of)
	}
	local := dial(t, door, 2)
	local.hears()
	local.says("LHLO here", "250")
	if err := mailin.New(mailin.Options{Listen: []string{"lmtp:" + socket}, Room: r}).Open(); err == nil {
		t.Error("a socket at which somebody answers was taken away")
	}
}

func TestLettersFromOutsideAreLookedAt(t *testing.T) {
	for name, outside := range map[string]bool{"outside": true, "of the house": false} {
		r := &room{}
		d := dial(t, open(t, r, func(o *mailin.Options) {
			o.Outside = func(net.Addr) bool { return outside }
			o.Prove = func(_ context.Context, host string, e mailproof.Evidence) mailproof.Result {
				if host != "mx.shop.example" || e.From != "olena@example.com" || e.Helo != "mail.example.com" || !e.IP.IsLoopback() || !strings.Contains(string(e.Raw), "Subject: one") {
					t.Errorf("%s %+v", host, e)
				}
				return mailproof.Result{Verdict: mailproof.Denied, Field: "mx.shop.example; dmarc=fail"}
			}
		}), 0)
		d.hears()
		d.says("EHLO mail.example.com", "250")
		d.says("MAIL FROM:<olena@example.com>", "250")
		d.says("RCPT TO:<help@shop.example>", "250")
		d.says("DATA", "354")
		d.says("From: olena@example.com\r\nSubject: one\r\n\r\nx\r\n.", "250")
		if looked := r.of[0].Proof == post.ProofFail && r.of[0].Results != ""; looked != outside {
			t.Errorf("%s: %+v", name, r.of[0])
		}
	}
}

func TestClosingBreaksWhatDoesntEnd(t *testing.T) {
	r := &room{}
	door := mailin.New(mailin.Options{Listen: []string{":0"}, Room: r, Log: slog.New(slog.DiscardHandler)})
	if err := door.Open(); err != nil {
		t.Fatal(err)
	}
	d := dial(t, door, 0)
	d.hears()
	d.says("EHLO a", "250")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	door.Close(ctx)
	if got := d.hears(); !strings.HasPrefix(got, "gone") && !strings.HasPrefix(got, "421") {
		t.Error(got)
	}
	if _, err := net.Dial("tcp", door.Addresses()[0].String()); err == nil {
		t.Error("it still listens")
	}
}

func FuzzDialogue(f *testing.F) {
	f.Add("EHLO a\r\nMAIL FROM:<o@example.com>\r\nRCPT TO:<help@shop.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
	f.Add("LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<help@shop.example>\r\nBDAT 3 LAST\r\nabc")
	f.Add("HELO \x00\r\nMAIL FROM:<a\tb@c>\r\nRCPT TO:<stranger@example.net>\r\nDATA\r\n")
	r := &room{}
	door := mailin.New(mailin.Options{Listen: []string{":0", "lmtp::0"}, Room: r, Log: slog.New(slog.DiscardHandler)})
	if err := door.Open(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { door.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, said string) {
		for n := range door.Addresses() {
			conn, err := net.Dial("tcp", door.Addresses()[n].String())
			if err != nil {
				t.Skip(err)
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(conn, said)
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range r.of {
			for _, to := range e.To {
				if !strings.HasSuffix(strings.ToLower(to), ".example") {
					t.Fatal(fmt.Errorf("a letter for %q was taken", to))
				}
			}
		}
	})
}
