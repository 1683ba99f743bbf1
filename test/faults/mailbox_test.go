package faults_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/db"
	"opeka/internal/text/letter"
	"opeka/test/world/mailserver"
	"opeka/test/world/ports"
)

// The program is killed again and again while it reads a mailbox, and the mail server breaks off now and then. Every letter is there once.
func TestKilledWhileFetchingLetters(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	eachEngine(t, func(t *testing.T, database string) {
		const letters = 600
		lives, within := 6, 20*time.Second
		if database != "" { // another node takes over when the dead one's lease has run out
			lives, within = 1, 70*time.Second
		}
		server, err := mailserver.Start(mailserver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		for n := range letters {
			raw := fmt.Sprintf("From: c%d@example.com\r\nTo: help@shop.example\r\nSubject: Question %d\r\nMessage-ID: <%d@example.com>\r\n\r\n%s\r\n", n, n, n, strings.Repeat("When? ", 50+n%300))
			if err := server.Deliver("INBOX", []byte(raw)); err != nil {
				t.Fatal(err)
			}
		}
		p := newProgram(t, database)
		withMailbox(t, p, map[string]any{"address": mailserver.User, "password": mailserver.Password, "imap_host": server.Host, "imap_port": server.Port, "imap_safety": "none", "history_days": 2})
		kept := func() int64 {
			d := reader(t, p)
			defer d.close()
			return d.count(`SELECT count(*) FROM post_pushes WHERE received_at < $1`, db.At(time.Now().Add(time.Hour)))
		}
		var steps []int64
		for range lives {
			server.BreakAfter(80_000 + rand.Int64N(80_000))
			was := kept()
			for end := time.Now().Add(within); kept() == was && was < letters && time.Now().Before(end); { // it has begun to read
				pause(t.Context(), 10*time.Millisecond)
			}
			p.kill()
			steps = append(steps, kept())
			p.spawn()
			p.serving()
		}
		wait(t, "the end of the mailbox", func() bool { return kept() == letters })
		d := reader(t, p)
		wait(t, "the end of reading", func() bool {
			return d.count(`SELECT count(*) FROM post_arrivals WHERE state = 'waiting' AND received_at < $1`, db.At(time.Now().Add(time.Hour))) == 0
		})
		d.close()
		p.stop()
		if steps[0] == 0 || steps[0] == letters {
			t.Errorf("it wasn't killed while it read: %v", steps)
		}
		t.Logf("kept when it was killed: %v", steps)
		lettersOnce(t, p, letters)
	})
}

// slow is a server by which letters go. It takes a letter and keeps its answer to itself until it is told.
type slow struct {
	mu    sync.Mutex
	taken map[string]int // by Message-ID
	texts map[string]int
	hold  chan struct{}
	held  chan struct{}
}

func (s *slow) Reset()                               {}
func (s *slow) Logout() error                        { return nil }
func (s *slow) Mail(string, *smtp.MailOptions) error { return nil }
func (s *slow) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *slow) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l := letter.Parse(raw)
	s.mu.Lock()
	s.taken[l.MessageID]++
	first, _, _ := strings.Cut(strings.TrimSpace(l.Text), "\n")
	s.texts[strings.TrimSpace(first)]++
	hold := s.hold
	s.mu.Unlock()
	select {
	case <-hold:
	default:
		select {
		case s.held <- struct{}{}:
		default:
		}
		<-hold
	}
	return nil
}

// The program dies when a server has a letter and hasn't answered yet. The letter is never sent again, and is shown as unclear; what waited goes out in the next life,
// once each.
func TestKilledWhileALetterIsHandedOver(t *testing.T) {
	s := &slow{taken: map[string]int{}, texts: map[string]int{}, hold: make(chan struct{}), held: make(chan struct{}, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return s, nil }))
	server.Domain, server.AllowInsecureAuth = "smtp.test", true
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })

	p := newProgram(t, "")
	door := ports.Address(t)
	p.more = []string{"--mail-listen", door}
	office, _ := withMailbox(t, p, map[string]any{"address": "help@shop.example", "smtp_host": "127.0.0.1", "smtp_port": l.Addr().(*net.TCPAddr).Port, "smtp_safety": "none"})
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := office.Do(t.Context(), method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	if err := handOver(door, "From: Olena <c@example.com>\r\nTo: help@shop.example\r\nSubject: Order\r\nMessage-ID: <1@example.com>\r\n\r\nWhere is it?\r\n", "help@shop.example"); err != nil {
		t.Fatal(err)
	}
	var talk int64
	until(t, "the question is there", func() bool {
		var list struct {
			Items []struct {
				ID int64 `json:"id"`
			} `json:"items"`
		}
		do(http.MethodGet, "/conversations?view=all", nil, &list)
		if len(list.Items) > 0 {
			talk = list.Items[0].ID
		}
		return talk != 0
	})
	texts := []string{"first", "second", "third"}
	for _, text := range texts {
		do(http.MethodPost, fmt.Sprintf("/conversations/%d/messages", talk), map[string]any{"kind": "reply", "body": text, "client_id": text}, nil)
	}
	<-s.held
	p.kill()
	s.mu.Lock()
	close(s.hold)
	s.mu.Unlock()
	p.spawn()
	p.serving()
	until(t, "every letter has its fate", func() bool {
		var th struct {
			Messages []struct {
				Body     string `json:"body"`
				Delivery *struct {
					State string `json:"state"`
				} `json:"delivery"`
			} `json:"messages"`
		}
		do(http.MethodGet, fmt.Sprintf("/conversations/%d", talk), nil, &th)
		got := map[string]string{}
		for _, m := range th.Messages {
			if m.Delivery != nil {
				got[m.Body] = m.Delivery.State
			}
		}
		return got["first"] == "unknown" && got["second"] == "sent" && got["third"] == "sent"
	})
	p.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range s.taken {
		if n != 1 {
			t.Errorf("%s was handed over %d times", id, n)
		}
	}
	for _, text := range texts {
		if s.texts[text] != 1 {
			t.Errorf("%q was handed over %d times: %v", text, s.texts[text], s.texts)
		}
	}
}
