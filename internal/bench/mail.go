package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opeka/internal/app"
	"opeka/internal/peer"
	"opeka/test/world/mailserver"
)

// mailboxRow has a mailbox's backlog read. The mail server is in this process: its part of the processor's time counts as the program's.
var mailboxRow = row{name: "mail", what: "letters fetched by IMAP, understood, threaded and stored", peer: "21/s and 17-20/s", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, b.size())
	if err != nil {
		return err
	}
	if err := b.mailbox(ctx, fmt.Sprintf("SQLite, %d conversations", b.size()), s, ""); err != nil {
		return err
	}
	if b.Postgres == "" {
		return nil
	}
	address, drop, err := b.database(ctx)
	if err != nil {
		return err
	}
	defer drop()
	n := b.smaller(min(20_000, b.Largest), 500)
	data := filepath.Join(b.dir, "mail-postgres")
	defer os.RemoveAll(data)
	about, err := grow(ctx, data, address, n)
	if err != nil {
		return err
	}
	return b.mailbox(ctx, fmt.Sprintf("PostgreSQL, %d conversations", n), &seed{about, data}, address)
}}

func (b *bench) mailbox(ctx context.Context, on string, s *seed, database string) (err error) {
	server, err := mailserver.Start(mailserver.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	letters := b.smaller(6000, 300)
	for n := range letters {
		if err := server.Deliver("INBOX", letterOf(n)); err != nil {
			return err
		}
	}
	a, err := app.New(ctx, app.Config{Data: s.dir, Database: database, LogLevel: "error", AllowPrivate: true}, app.Options{Log: quiet, Limits: noLimits})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Start(ctx); err != nil {
		return err
	}
	web := httptest.NewServer(a.Handler)
	defer web.Close()
	office := peer.NewOffice(web.URL)
	if err := office.SignIn(ctx, s.Email, s.Password); err != nil {
		return err
	}
	before, used, began := 0, ownTime(), time.Now()
	stored := func() (n int, err error) {
		err = a.DB.Read().QueryRow(ctx, `SELECT count(*) FROM letters WHERE store_id = $1`, s.Store).Scan(&n)
		return n, err
	}
	if before, err = stored(); err != nil {
		return err
	}
	err = office.Do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": s.Store, "plug": "email", "name": "Mail", "settings": map[string]any{"address": mailserver.User, "password": mailserver.Password,
		"imap_host": server.Host, "imap_port": server.Port, "imap_safety": "none", "history_days": 10}}, nil)
	if err != nil {
		return err
	}
	for {
		n, err := stored()
		if err != nil {
			return err
		}
		if n-before >= letters {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d letters: %w", n-before, letters, ctx.Err())
		}
	}
	took, cpu := time.Since(began), ownTime()-used
	b.atLeast(on, float64(letters)/took.Seconds(), "/s", 250, "one of four answers an earlier one")
	b.tell(on+", time of the processor for each", float64(cpu.Microseconds())/float64(letters)/1000, "CPU-ms")
	return nil
}

// letterOf is a letter as customers write them: with a form for programs that show marks, and what it answers below it.
func letterOf(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	body, quoted, answers, from := speech(r)+"\r\n\r\n"+speech(r), speech(r), "", n-n%4
	if n%4 == 3 {
		answers = fmt.Sprintf("In-Reply-To: <%d@example.com>\r\n", from)
	}
	return fmt.Appendf(nil, "From: =?utf-8?B?0J7Qu9C10L3QsA==?= <c%d@example.com>\r\nTo: %s\r\nSubject: Order %d\r\nMessage-ID: <%d@example.com>\r\nDate: %s\r\n%sMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n\r\n> %s\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<div>%s</div><blockquote>%s</blockquote>\r\n--b--\r\n",
		from, mailserver.User, 100_000+n, n, time.Now().Format(time.RFC1123Z), answers, body, quoted, strings.ReplaceAll(body, "\r\n", "<br>"), quoted)
}
