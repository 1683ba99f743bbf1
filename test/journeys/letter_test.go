package journeys

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/post"
)

// write brings a letter to a mailbox at our own door.
func (w *installation) write(mailbox int64, lines []string) {
	w.t.Helper()
	if _, err := w.app.Post.ReceiveRaw(w.t.Context(), mailbox, []byte(strings.Join(lines, "\r\n"))); err != nil {
		w.t.Fatal(err)
	}
}

// refused sends a request that must be refused for this reason.
func (w *installation) refused(method, path string, in any, code string) {
	w.t.Helper()
	if err := w.office.Do(w.t.Context(), method, path, in, nil); err == nil || !strings.Contains(err.Error(), code) {
		w.t.Errorf("%s %s: %v, not %s", method, path, err, code)
	}
}

func (w *installation) row(id int64) (d inbox.Detail) {
	w.t.Helper()
	w.do(http.MethodGet, fmt.Sprintf("/conversations/%d", id), nil, &d)
	return d
}

func (w *installation) figure(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.app.DB.Read().QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestALetterIsWeighedTakenBackSentAgainAndPassedOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		r := startRelay(t)
		box := w.mailbox(map[string]any{"address": "help@shop.example", "from_name": "Стежка", "smtp_host": "127.0.0.1", "smtp_port": r.port, "smtp_safety": "none", "signature": "{agent}\nКрамниця «Стежка»", "reply_tags": true})
		w.write(box, text("Олена <olena.k@example.com>", "Намет", "one@example.com", "Добрий день! Коли ви відправите намет 4512? Чи можна повернути каремат?\n\n-- \nОлена", "Cc: Друг <friend@example.com>, help@shop.example"))
		w.until("the letter is a conversation", func() bool { return len(w.conversations()) == 1 })
		c := w.conversations()[0]
		at := func(path string) string { return fmt.Sprintf("/conversations/%d/%s", c.ID, path) }

		// Around an answer: who gets it, with the store's own address left out; the signature has the agent's name.
		var e inbox.Envelope
		w.do(http.MethodGet, at("envelope"), nil, &e)
		if len(e.To) != 1 || e.To[0] != "Олена <olena.k@example.com>" || len(e.Cc) != 1 || e.Cc[0] != "friend@example.com" || e.Subject != "Re: Намет" || e.From != "Стежка <help@shop.example>" ||
			strings.Contains(e.Signature, "{agent}") || !strings.HasSuffix(e.Signature, "«Стежка»") {
			t.Errorf("%+v", e)
		}

		// Two questions; an answer to one of them leaves the other open. An address that never took part is new.
		var check inbox.Check
		w.do(http.MethodPost, at("check"), map[string]any{"body": "Відправимо намет завтра.", "to": []string{"olena.k@example.com", "courier@example.com"}}, &check)
		if len(check.Questions) != 2 || !check.Questions[0].Answered || check.Questions[1].Answered || len(check.New) != 1 || check.New[0] != "courier@example.com" || len(check.Refused) != 0 {
			t.Errorf("%+v", check)
		}

		// Taken back: it doesn't go out, the customer waits again as before, the conversation is open, and the text is given back.
		before := w.row(c.ID).Conversation
		var said inbox.Message
		w.do(http.MethodPost, at("messages"), map[string]any{"kind": "reply", "body": "Відправимо **завтра**.", "resolve": true, "client_id": "a"}, &said)
		if d := w.row(c.ID).Conversation; d.Status != "resolved" || d.WaitingSince != 0 || d.Preview != "Відправимо завтра." {
			t.Fatalf("%+v", d)
		}
		if said.Delivery == nil || said.Delivery.SendAt == 0 || said.HTML == nil || !strings.Contains(*said.HTML, "<b>завтра</b>") {
			t.Errorf("%+v", said)
		}
		w.do(http.MethodPost, at("take-back"), map[string]any{"message_id": said.ID}, &said)
		if said.Body != "Відправимо **завтра**." {
			t.Errorf("%+v", said)
		}
		if d := w.row(c.ID).Conversation; d.Status != "open" || d.WaitingSince != before.WaitingSince || d.Deadline != before.Deadline {
			t.Errorf("waits since %v till %v, before %v till %v", d.WaitingSince, d.Deadline, before.WaitingSince, before.Deadline)
		}
		if n := w.figure(`SELECT count(*) FROM resolutions WHERE conversation_id = $1 AND undone_at = 0`, c.ID); n != 0 {
			t.Errorf("%d closings count", n)
		}
		w.clock.Move(time.Minute)

		// It fails, and goes out when it is sent again.
		r.refuse["olena.k@example.com"] = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not today"}
		w.do(http.MethodPost, at("messages"), map[string]any{"kind": "reply", "body": "Відправимо **завтра**.", "to": []string{"olena.k@example.com"}, "cc": []string{}, "client_id": "b"}, &said)
		w.clock.Move(11 * time.Second)
		state := func() string {
			for _, m := range w.messagesOf(c.ID) {
				if m.ID == said.ID {
					return m.Delivery.State
				}
			}
			return ""
		}
		w.until("it is refused", func() bool { return state() == "failed" })
		delete(r.refuse, "olena.k@example.com")
		w.do(http.MethodPost, at("retry"), map[string]any{"message_id": said.ID}, nil)
		w.until("it goes out", func() bool { return state() == "sent" })
		if r.count() != 1 || !strings.Contains(r.letters[0].HTML, "<b>завтра</b>") || strings.Contains(r.letters[0].Text, "**") || !strings.Contains(r.letters[0].Text, "> Добрий день!") {
			t.Errorf("%d letters: %+v", r.count(), r.letters)
		}
		w.refused(http.MethodPost, at("retry"), map[string]any{"message_id": said.ID}, "message.not_failed")
		if n := w.figure(`SELECT open FROM answer_checks WHERE message_id = $1 AND asked = 2`, said.ID); n != 1 {
			t.Errorf("%d questions are kept as open", n)
		}

		// Passed on to the courier: no answer to the customer. What he answers is in the conversation, and the next answer goes to the customer and quotes her alone.
		w.write(box, text("Олена <olena.k@example.com>", "Re: Намет", "two@example.com", "А каремат?", "In-Reply-To: <"+r.letters[0].MessageID+">"))
		w.until("she asks on", func() bool { return w.has(c.ID, "А каремат?") })
		asked := w.messagesOf(c.ID)
		w.do(http.MethodPost, at("messages"), map[string]any{"kind": "reply", "body": "Чи заберете?", "to": []string{"Кур'єр <courier@example.com>"}, "forward": asked[len(asked)-1].ID, "client_id": "c"}, &said)
		if d := w.row(c.ID).Conversation; d.WaitingSince == 0 {
			t.Error("passing it on counts as an answer")
		}
		w.clock.Move(11 * time.Second)
		w.until("it is passed on", func() bool { return r.count() == 2 })
		if out := r.letters[1]; out.Subject != "Fwd: Намет" || r.to[1][0] != "courier@example.com" || len(r.to[1]) != 1 || !strings.Contains(out.Text, "А каремат?") || !strings.Contains(out.Text, "olena.k@example.com") {
			t.Errorf("%+v", out)
		}
		w.write(box, text("courier@example.com", "Re: Fwd: Намет", "three@example.com", "Внутрішнє: заберу", "In-Reply-To: <"+r.letters[1].MessageID+">"))
		w.until("the courier answers", func() bool { return w.has(c.ID, "Внутрішнє: заберу") })
		w.do(http.MethodPost, at("messages"), map[string]any{"kind": "reply", "body": "Так, каремат можна повернути.", "client_id": "d"}, &said)
		w.clock.Move(11 * time.Second)
		w.until("she is answered", func() bool { return r.count() == 3 })
		if out := r.letters[2]; r.to[2][0] != "olena.k@example.com" || strings.Contains(out.Text, "Внутрішнє") || !strings.Contains(out.Text, "> А каремат?") {
			t.Errorf("to %v: %s", r.to[2], out.Text)
		}

		// Closed, and she writes again: the closing is known not to have held.
		w.do(http.MethodPost, at("resolve"), nil, nil)
		w.clock.Move(3 * 24 * time.Hour)
		w.write(box, text("Олена <olena.k@example.com>", "Інше", "four@example.com", "Ще питання: де він?"))
		w.until("she writes again", func() bool { return len(w.conversations()) == 1 && w.conversations()[0].ID != c.ID })
		if n := w.figure(`SELECT count(*) FROM resolutions WHERE conversation_id = $1 AND returned_at > 0 AND returned_id <> $1`, c.ID); n != 1 {
			t.Errorf("%d closings were followed by another letter", n)
		}
	})
}

func TestSpamIsRescuedForGood(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		box := w.mailbox(map[string]any{"address": "help@shop.example"})
		w.write(box, text("Марко <marko@example.com>", "Питання", "s1@example.com", "Чи є 42?", "X-Spam-Flag: YES"))
		list := func(query string) []inbox.Row {
			var page inbox.Page
			w.do(http.MethodGet, "/conversations?"+query, nil, &page)
			return page.Items
		}
		w.until("it is among spam", func() bool { return len(list("view=resolved&tag=spam")) == 1 })
		c := list("view=resolved&tag=spam")[0]
		if len(list("view=open")) != 0 {
			t.Error("spam waits")
		}
		w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/rescue", c.ID), nil, nil)
		if d := w.row(c.ID).Conversation; d.Status != "open" || d.WaitingSince == 0 || d.Deadline == 0 || strings.Contains(string(d.Tags), "spam") || d.Unread != 1 {
			t.Errorf("%+v", d)
		}
		w.write(box, text("Марко <marko@example.com>", "Інше питання", "s2@example.com", "Чи є 43?", "X-Spam-Flag: YES"))
		w.until("his next letter waits", func() bool { return len(list("view=open")) == 2 })
		w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/junk", c.ID), nil, nil)
		if d := w.row(c.ID).Conversation; d.Status != "resolved" || !strings.Contains(string(d.Tags), "spam") {
			t.Errorf("%+v", d)
		}
		w.write(box, text("Марко <marko@example.com>", "Третє", "s3@example.com", "Чи є 44?", "X-Spam-Flag: YES"))
		w.until("and is put aside again", func() bool { return len(list("view=resolved&tag=spam")) == 2 })

		// The original comes back byte for byte, and pictures of the sender may be shown from now on.
		m := w.messagesOf(c.ID)[0]
		answer, err := w.office.HTTP.Get(fmt.Sprintf("%s/api/v1/messages/%d/original", w.office.URL, m.ID))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil || string(raw) != strings.Join(text("Марко <marko@example.com>", "Питання", "s1@example.com", "Чи є 42?", "X-Spam-Flag: YES"), "\r\n") ||
			!strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%v %q", err, raw)
		}
		w.do(http.MethodPut, fmt.Sprintf("/messages/%d/pictures", m.ID), map[string]any{"show": true}, nil)
		if m := w.messagesOf(c.ID)[0]; !m.Mail.Pictures {
			t.Errorf("%+v", m.Mail)
		}
	})
}

func TestTheStoreWritesFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		r := startRelay(t)
		box := w.mailbox(map[string]any{"address": "help@shop.example", "smtp_host": "127.0.0.1", "smtp_port": r.port, "smtp_safety": "none"})
		w.write(box, text("Олена <olena.k@example.com>", "Намет", "one@example.com", "Чи є намет?"))
		w.until("she is known", func() bool { return len(w.conversations()) == 1 })
		her := w.conversations()[0].Customer.ID
		var ways struct{ Items []post.Way }
		w.do(http.MethodGet, fmt.Sprintf("/customers/%d/ways", her), nil, &ways)
		if len(ways.Items) != 1 || ways.Items[0].Channel != "email" || ways.Items[0].Address != "olena.k@example.com" {
			t.Fatalf("%+v", ways.Items)
		}
		path := fmt.Sprintf("/customers/%d/conversations", her)
		w.refused(http.MethodPost, path, map[string]any{"channel": "sms", "body": "x"}, "channel.no_address")
		var begun inbox.Row
		w.do(http.MethodPost, path, map[string]any{"channel": "email", "subject": "Про повернення", "body": "Добрий день! Гроші повернуто."}, &begun)
		if begun.Status != "pending" || begun.Subject != "Про повернення" || begun.Customer.ID != her || begun.Assignee == nil {
			t.Errorf("%+v", begun)
		}
		w.clock.Move(11 * time.Second)
		w.until("the letter goes out", func() bool { return r.count() == 1 })
		if out := r.letters[0]; out.Subject != "Про повернення" || r.to[0][0] != "olena.k@example.com" || len(out.InReplyTo) != 0 || strings.Contains(out.Text, "> ") {
			t.Errorf("%+v: %s", out, out.Text)
		}
		w.write(box, text("Олена <olena.k@example.com>", "Re: Про повернення", "two@example.com", "Дякую!", "In-Reply-To: <"+r.letters[0].MessageID+">"))
		w.until("her answer comes into it", func() bool { return w.has(begun.ID, "Дякую!") })
		if d := w.row(begun.ID).Conversation; d.Status != "open" || d.WaitingSince == 0 {
			t.Errorf("%+v", d)
		}

		// What she was told of her order stands between the messages.
		err := w.app.DB.Write(t.Context(), db.System, func(tx *db.Tx) error {
			notice := tx.ID()
			tx.Defer(`INSERT INTO notices (id, store_id, order_id, customer_id, event_type, event_id, notice_key, moment, part, once, outcome, reason, passed, channel, step, language, policy_version, governs, due_at, sent_at, created_at)
VALUES ($1, $2, 0, $3, 'order.created', 1, 'placed', 'placed', '', 'x', 'sent', '', '[]', 'sms', 0, 'uk', 1, '{}', 0, $4, $4)`, notice, w.store, her, db.At(tx.Now))
			tx.Defer(`INSERT INTO notice_sends (id, notice_id, store_id, customer_id, channel, address, send_id, state, code, subject, body, sent_at) VALUES ($1, $2, $3, $4, 'sms', '+380501112233', 1, 'delivered', '', '', 'Прийнято', $5)`,
				tx.ID(), notice, w.store, her, db.At(tx.Now))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var told struct{ Items []inbox.Told }
		w.do(http.MethodGet, fmt.Sprintf("/conversations/%d/notices", begun.ID), nil, &told)
		if len(told.Items) != 1 || told.Items[0].Moment != "placed" || told.Items[0].State != "delivered" || told.Items[0].Body != "Прийнято" {
			t.Errorf("%+v", told.Items)
		}

		// By when answers are due is an order of the list.
		var due inbox.Page
		w.do(http.MethodGet, "/conversations?sort=due", nil, &due)
		if len(due.Items) != 1 || due.Items[0].Subject != "Намет" || due.Items[0].Deadline == 0 {
			t.Errorf("%+v", due.Items)
		}
	})
}
