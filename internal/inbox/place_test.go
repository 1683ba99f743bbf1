package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

// letter is a customer's letter with what a case changes about it.
type letter struct {
	from, subject, body string
	facts               care.MailFacts
	store               int64
	nobody              bool // without a sender
}

func (h *house) letter(l letter) inbox.Received {
	h.t.Helper()
	if l.store == 0 {
		l.store = h.store
	}
	if l.facts.MessageID == "" {
		l.facts.MessageID = fmt.Sprint(h.db.ID(), "@example.com")
	}
	in := care.Inbound{Store: l.store, Channel: care.ChannelEmail, Thread: "7:mail:" + l.facts.MessageID + l.from, ClientID: "mail:" + l.facts.MessageID + l.from, Subject: l.subject, Body: l.body, Mail: &l.facts}
	if in.Body == "" {
		in.Body = "Text"
	}
	if !l.nobody {
		in.From = []care.Identity{{Kind: care.IdentityEmail, Value: l.from, Display: l.from, Verified: !l.facts.Doubtful}}
	}
	r, err := h.inbox.Receive(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// linked tells whether the conversation says that it answers another.
func (h *house) linked(conversation int64) bool {
	h.t.Helper()
	var n int
	if err := h.db.Read().QueryRow(h.t.Context(), `SELECT count(*) FROM messages WHERE conversation_id = $1 AND code = 'linked'`, conversation).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n > 0
}

// Where letters go. "joins": into Olena's conversation; "links": into one of its own that names hers to agents; "begins": into one of its own that
// has nothing to do with hers.
func TestWhereLettersGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const olena, friend, stranger = "olena@example.com", "friend@example.com", "stranger@example.net"
		other := h.addStore("other")
		theirs := h.letter(letter{from: olena, subject: "Інший магазин", store: other, facts: care.MailFacts{MessageID: "theirs@example.com"}})
		n := 0
		for name, c := range map[string]struct {
			want  string
			later time.Duration // after the first letter
			make  func(ours, token string) letter
		}{
			"she answers our letter": {"joins", 0, func(ours, _ string) letter {
				return letter{from: olena, subject: "Re: x", facts: care.MailFacts{InReplyTo: []string{ours}}}
			}},
			"she answers, and her program names only her own letter": {"joins", 0, func(string, string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{References: []string{fmt.Sprintf("first%d@example.com", n)}}}
			}},
			"her program names many letters, ours among them": {"joins", 0, func(ours, _ string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{References: []string{"a@x", ours, "b@x", "c@x"}, InReplyTo: []string{"d@x"}}}
			}},
			"she writes to the signed address": {"joins", 0, func(_, token string) letter {
				return letter{from: olena, subject: "Нове", facts: care.MailFacts{ReplyToken: token}}
			}},
			"servers wrote the signed address in capitals": {"joins", 0, func(_, token string) letter {
				return letter{from: olena, subject: "Нове", facts: care.MailFacts{ReplyToken: strings.ToUpper(token)}}
			}},
			"whom she copied in answers": {"joins", 0, func(ours, _ string) letter {
				return letter{from: friend, subject: "Re: x", facts: care.MailFacts{InReplyTo: []string{ours}}}
			}},
			"she goes on under the same subject": {"joins", 0, func(string, string) letter {
				return letter{from: olena, subject: fmt.Sprintf("RE: Замовлення 45%d", 1000+n)}
			}},
			"she names the order in other words": {"joins", 0, func(string, string) letter { return letter{from: olena, subject: fmt.Sprintf("Де 45%d?", 1000+n)} }},
			"a stranger has our letter": {"links", 0, func(ours, _ string) letter {
				return letter{from: stranger, subject: "Re: x", facts: care.MailFacts{InReplyTo: []string{ours}}}
			}},
			"a stranger has the signed address": {"links", 0, func(_, token string) letter {
				return letter{from: stranger, subject: "x", facts: care.MailFacts{ReplyToken: token}}
			}},
			"a stranger uses her subject": {"begins", 0, func(string, string) letter {
				return letter{from: stranger, subject: fmt.Sprintf("Re: Замовлення 45%d", 1000+n)}
			}},
			"a stranger names her order": {"begins", 0, func(string, string) letter { return letter{from: stranger, subject: fmt.Sprintf("Де 45%d?", 1000+n)} }},
			"a stranger copies her in": {"begins", 0, func(string, string) letter {
				return letter{from: stranger, subject: fmt.Sprintf("Re: Замовлення 45%d", 1000+n), facts: care.MailFacts{Cc: []string{olena}}}
			}},
			"somebody in her name has our letter": {"links", 0, func(ours, _ string) letter {
				return letter{from: olena, subject: "Re: x", facts: care.MailFacts{InReplyTo: []string{ours}, Doubtful: true}}
			}},
			"somebody in her name has the signed address": {"links", 0, func(_, token string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{ReplyToken: token, Doubtful: true}}
			}},
			"somebody in her name uses her subject": {"begins", 0, func(string, string) letter {
				return letter{from: olena, subject: fmt.Sprintf("Re: Замовлення 45%d", 1000+n), facts: care.MailFacts{Doubtful: true}}
			}},
			"she asks something else": {"begins", 0, func(string, string) letter {
				return letter{from: olena, subject: "Подарункова картка"}
			}},
			"a signature that isn't ours": {"begins", 0, func(_, token string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{ReplyToken: token[:len(token)-2] + "zz"}}
			}},
			"a Message-ID that looks like ours": {"begins", 0, func(ours, _ string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{InReplyTo: []string{strings.Replace(ours, ".", ".00", 1)}}}
			}},
			"a letter of another store": {"begins", 0, func(string, string) letter {
				return letter{from: olena, subject: "x", facts: care.MailFacts{InReplyTo: []string{"theirs@example.com"}, ReplyToken: inbox.SignID(h.inbox, "reply", theirs.Conversation)}}
			}},
			"a letter without a sender": {"begins", 0, func(string, string) letter {
				return letter{nobody: true, subject: fmt.Sprintf("Re: Замовлення 45%d", 1000+n)}
			}},
			"a letter without a sender that answers": {"links", 0, func(ours, _ string) letter {
				return letter{nobody: true, subject: "x", facts: care.MailFacts{InReplyTo: []string{ours}}}
			}},
			"the subject alone, after a month and a day": {"begins", 31 * 24 * time.Hour, func(string, string) letter {
				return letter{from: olena, subject: fmt.Sprintf("Re: Замовлення 45%d", 1000+n)}
			}},
		} {
			n++
			first := h.letter(letter{from: olena, subject: fmt.Sprintf("Замовлення 45%d", 1000+n), facts: care.MailFacts{MessageID: fmt.Sprintf("first%d@example.com", n), Cc: []string{friend}}})
			h.clock.Move(time.Minute + c.later)
			ours := "o" + inbox.SignID(h.inbox, "letter", first.Message) + "@shop.example"
			got := h.letter(c.make(ours, inbox.SignID(h.inbox, "reply", first.Conversation)))
			what := "begins"
			switch {
			case got.Conversation == first.Conversation:
				what = "joins"
			case h.linked(got.Conversation):
				what = "links"
			}
			if what != c.want {
				t.Errorf("%s: it %s", name, what)
			}
		}
	})
}

// Somebody writes in a customer's name, under her subject, and copies himself in. Nothing proves or disproves him. He gets in by that, but nothing gets out to him:
// he isn't taken for one of the conversation, and answers don't go to him by themselves.
func TestWhoCopiesHimselfInHearsNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := h.letter(letter{from: "olena@example.com", subject: "Замовлення 4512"})
		guess := h.letter(letter{from: "olena@example.com", subject: "Re: Замовлення 4512", facts: care.MailFacts{Cc: []string{"evil@example.net"}}})
		if guess.Conversation != first.Conversation {
			t.Fatal("the letter began a conversation")
		}
		ours := "o" + inbox.SignID(h.inbox, "letter", guess.Message) + "@shop.example"
		if r := h.letter(letter{from: "evil@example.net", subject: "Re: Замовлення 4512", facts: care.MailFacts{InReplyTo: []string{ours}}}); r.Conversation == first.Conversation {
			t.Error("he got into the conversation")
		}
		proven := h.letter(letter{from: "olena@example.com", subject: "Re: Замовлення 4512", facts: care.MailFacts{Cc: []string{"sister@example.com"}, Proven: true}})
		ours = "o" + inbox.SignID(h.inbox, "letter", proven.Message) + "@shop.example"
		if r := h.letter(letter{from: "sister@example.com", subject: "x", facts: care.MailFacts{InReplyTo: []string{ours}}}); r.Conversation != first.Conversation {
			t.Error("whom the customer herself copied in is kept out")
		}
	})
}

// The same letter comes again, by another way and in another form.
func TestALetterIsThereOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		l := letter{from: "olena@example.com", subject: "Замовлення 4512", facts: care.MailFacts{MessageID: "one@example.com"}}
		first := h.letter(l)
		l.body = "Text, and the footer of a mailing list"
		if again := h.letter(l); again.Message != first.Message || !again.Duplicate {
			t.Errorf("%+v", again)
		}
		l.from = "stranger@example.net" // ids are made by senders: another's letter under the same one is another letter
		if r := h.letter(l); r.Duplicate || r.Conversation == first.Conversation {
			t.Errorf("%+v", r)
		}
	})
}

// What machines write is kept and asks nothing: it opens, reopens and postpones nothing, so two machines can't keep each other awake.
func TestMachinesWakeNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := h.letter(letter{from: "olena@example.com", subject: "Замовлення 4512"})
		ours := "o" + inbox.SignID(h.inbox, "letter", first.Message) + "@shop.example"
		h.exec(`UPDATE conversations SET status = 'resolved', resolved_at = created_at WHERE id = $1`, first.Conversation)
		events := func() (n int) {
			if err := h.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, care.EventMessageReceived).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := events()
		for n := range 5 {
			r := h.letter(letter{from: "olena@example.com", subject: "Автовідповідь", body: fmt.Sprint("Я у відпустці ", n), facts: care.MailFacts{InReplyTo: []string{ours}, Automatic: true, Auto: "reply"}})
			if r.Conversation != first.Conversation {
				t.Error("it began a conversation")
			}
		}
		var status string
		if err := h.db.Read().QueryRow(t.Context(), `SELECT status FROM conversations WHERE id = $1`, first.Conversation).Scan(&status); err != nil || status != "resolved" {
			t.Error(status, err)
		}
		r := h.letter(letter{from: "news@example.net", subject: "Новини", facts: care.MailFacts{Automatic: true, Auto: "bulk"}})
		if err := h.db.Read().QueryRow(t.Context(), `SELECT status FROM conversations WHERE id = $1`, r.Conversation).Scan(&status); err != nil || status != "resolved" {
			t.Error(status, err)
		}
		if got := events(); got != before {
			t.Errorf("%d listeners were woken", got-before)
		}
	})
}
