package journeys

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/inbox"
	"opeka/internal/text/letter"
)

// relay is a server that takes the store's letters and keeps them.
type relay struct {
	mu      sync.Mutex
	letters []*letter.Letter
	raw     [][]byte
	to      [][]string
	refuse  map[string]*smtp.SMTPError // by recipient
	port    int
}

func startRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{refuse: map[string]*smtp.SMTPError{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.port = l.Addr().(*net.TCPAddr).Port
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &taking{r: r}, nil }))
	s.Domain, s.AllowInsecureAuth = "relay.test", true
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return r
}

type taking struct {
	r  *relay
	to []string
}

func (s *taking) Reset()                               { s.to = nil }
func (s *taking) Logout() error                        { return nil }
func (s *taking) Mail(string, *smtp.MailOptions) error { return nil }
func (s *taking) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if e := s.r.refuse[to]; e != nil {
		return e
	}
	s.to = append(s.to, to)
	return nil
}

func (s *taking) Data(b io.Reader) error {
	raw, err := io.ReadAll(b)
	if err != nil {
		return err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.letters, s.r.raw, s.r.to = append(s.r.letters, letter.Parse(raw)), append(s.r.raw, raw), append(s.r.to, s.to)
	return nil
}

func (r *relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.letters)
}

func (w *installation) mailbox(settings map[string]any) (id int64) {
	w.t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	w.do(http.MethodPost, "/connections", map[string]any{"store_id": w.store, "plug": "email", "name": "Пошта", "settings": settings}, &made)
	return made.ID
}

func (w *installation) conversations() []inbox.Row {
	w.t.Helper()
	var page struct {
		Items []inbox.Row `json:"items"`
	}
	w.do(http.MethodGet, fmt.Sprintf("/conversations?store_id=%d&limit=100", w.store), nil, &page)
	return page.Items
}

func (w *installation) messagesOf(conversation int64) []inbox.Message {
	w.t.Helper()
	var page struct {
		Items []inbox.Message `json:"items"`
	}
	w.do(http.MethodGet, fmt.Sprintf("/conversations/%d/messages", conversation), nil, &page)
	return page.Items
}

func text(from, subject, id, body string, more ...string) []string {
	return append(append([]string{"From: " + from, "To: help@shop.example", "Subject: " + subject, "Message-ID: <" + id + ">", "Content-Type: text/plain; charset=utf-8"}, more...), "", body)
}

func TestALetterIsAnsweredInItsThread(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		own, r := startDovecot(t), startRelay(t)
		w.mailbox(map[string]any{"address": "help@shop.example", "user": "shop", "password": "secret", "imap_host": "127.0.0.1", "imap_port": own.port, "imap_safety": "none",
			"smtp_host": "127.0.0.1", "smtp_port": r.port, "smtp_safety": "none", "signature": "Крамниця «Стежка»", "history_days": 1000, "reply_tags": true})
		own.deliver(text("Олена <olena.k@example.com>", "Замовлення 4512", "one@example.com", "Коли доставка?\n\n-- \nОлена", "Cc: friend@example.com")...)
		w.until("the letter is a conversation", func() bool { return len(w.conversations()) == 1 })
		c := w.conversations()[0]
		if c.Channel != "email" || c.Subject != "Замовлення 4512" || c.Customer.Name != "Олена" || c.Status != "open" {
			t.Fatalf("%+v", c)
		}
		m := w.messagesOf(c.ID)[0]
		if m.Body != "Коли доставка?" || m.Mail == nil || !strings.Contains(m.Mail.Quoted, "Олена") || m.Mail.Cc[0] != "friend@example.com" {
			t.Fatalf("%+v %+v", m, m.Mail)
		}

		// The answer waits while it can be taken back, then goes out once, in the customer's thread.
		w.answers(c.ID, "Завтра.")
		if r.count() != 0 {
			t.Error("it didn't wait")
		}
		w.clock.Move(11 * time.Second)
		w.until("the answer goes out", func() bool { return r.count() == 1 })
		out := r.letters[0]
		if out.Subject != "Re: Замовлення 4512" || out.InReplyTo[0] != "one@example.com" || out.From.Email != "help@shop.example" || len(r.to[0]) != 2 ||
			!strings.Contains(out.Text, "Завтра.") || !strings.Contains(out.Text, "Стежка") || !strings.Contains(out.Text, "> Коли доставка?") || out.HTML == "" || out.Auto.Kind != "" {
			t.Errorf("%+v to %v: %s", out, r.to[0], out.Text)
		}
		w.until("its delivery is told", func() bool {
			for _, m := range w.messagesOf(c.ID) {
				if m.Delivery != nil && m.Delivery.State == "sent" {
					return true
				}
			}
			return false
		})

		// Going on: by reference, by the signed address, and a stranger who has the letter.
		own.deliver(text("Олена <olena.k@example.com>", "Re: Замовлення 4512", "two@example.com", "Дякую!", "In-Reply-To: <"+out.MessageID+">")...)
		w.until("her answer is in the conversation", func() bool { return w.has(c.ID, "Дякую!") })
		own.deliver(text("stranger@example.com", "Re: Замовлення 4512", "three@example.com", "Що тут?", "References: <"+out.MessageID+">", "X-To: "+out.ReplyTo[0].Email)...)
		w.until("the stranger has a conversation of his own", func() bool { return len(w.conversations()) == 2 })
		if w.has(c.ID, "Що тут?") {
			t.Error("a stranger got into her conversation")
		}

		// What machines write opens nothing.
		before := len(w.conversations())
		own.deliver(text("olena.k@example.com", "Автоматична відповідь: Re: Замовлення 4512", "auto@example.com", "Я у відпустці", "Auto-Submitted: auto-replied", "In-Reply-To: <"+out.MessageID+">")...)
		w.until("the automatic answer is kept with the conversation", func() bool {
			for _, m := range w.messagesOf(c.ID) {
				if m.Mail != nil && m.Mail.Auto == "reply" {
					return true
				}
			}
			return false
		})
		own.deliver("From: MAILER-DAEMON@relay.test", "Return-Path: <>", "To: help@shop.example", "Subject: Undelivered Mail Returned to Sender", "Message-ID: <b@relay.test>",
			`Content-Type: multipart/report; report-type=delivery-status; boundary="b"`, "", "--b", "", "failed", "--b", "Content-Type: message/delivery-status", "",
			"Reporting-MTA: dns; relay.test", "", "Final-Recipient: rfc822; olena.k@example.com", "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 no such user", "",
			"--b", "Content-Type: message/rfc822", "", "Message-ID: <"+out.MessageID+">", "", "x", "--b--")
		w.until("the bounce is with its message", func() bool {
			for _, m := range w.messagesOf(c.ID) {
				if m.Delivery != nil && m.Delivery.State == "failed" && m.Delivery.Reason == "unknown_address" && strings.Contains(m.Delivery.Detail, "5.1.1") {
					return true
				}
			}
			return false
		})
		if n := len(w.conversations()); n != before {
			t.Errorf("machines opened %d conversations", n-before)
		}

		// The server forgets its connections, then all its numbers: nothing is lost and nothing comes twice.
		messages := len(w.messagesOf(c.ID))
		own.renumber()
		own.deliver(text("Марія <maria@example.com>", "Питання", "four@example.com", "Чи є 42?")...)
		w.until("a letter after the break arrives", func() bool { w.clock.Move(20 * time.Second); return len(w.conversations()) == before+1 })
		if n := len(w.messagesOf(c.ID)); n != messages {
			t.Errorf("after the numbers changed there are %d messages instead of %d", n, messages)
		}
	})
}

func (w *installation) has(conversation int64, body string) bool {
	for _, m := range w.messagesOf(conversation) {
		if m.Body == body {
			return true
		}
	}
	return false
}
