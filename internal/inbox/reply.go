package inbox

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Answer is what an agent sends: a reply to the customer or a note for colleagues.
type Answer struct {
	Kind        string
	Body        string
	Attachments []int64
	ClientID    string // makes it idempotent within the conversation
	// ExpectedSeq is the last message that the author had seen; 0: he doesn't mind. A later one from
	// the customer refuses the reply with conversation.stale.
	ExpectedSeq int64
	// Channel, if set, is another one than the conversation's by which the reply goes; Address one of the customer's on it, empty: the first.
	Channel string
	Address string
	// To, Cc and Bcc are of a letter. Empty To: the one that is answered; nil Cc: those whom that one was copied to.
	To, Cc, Bcc []string
	Subject     string // of a letter; empty: that of the answered one
	// Forward, if set, is the message of the conversation that the letter passes on to somebody else: it answers nobody.
	Forward int64
	// SendAt is when it goes out; zero: now, a letter after the time in which it can be taken back.
	SendAt      time.Time
	Resolve     bool
	SnoozeUntil time.Time // zero: no
	// Template, if set, is what goes instead of Body.
	Template *TemplateChoice
	approved *approved
}

// Say adds an agent's reply or note. The conversation becomes his if it was nobody's. The same ClientID is stored
// once, and gives the first message back.
func (i *Inbox) Say(ctx context.Context, scope care.Scope, id int64, a Answer) (Message, error) {
	if a.Template != nil {
		c, err := visible(ctx, i.db.Read(), false, scope, id, care.PermInboxWrite)
		if err != nil {
			return Message{}, err
		}
		ways, err := i.Ways(ctx, scope, id)
		if err != nil {
			return Message{}, err
		}
		if err := i.fillTemplate(ctx, scope, c, ways, &a); err != nil {
			return Message{}, err
		}
	}
	if err := a.check(i.db.Now()); err != nil {
		return Message{}, err
	}
	e, err := i.act(ctx, scope, id, func(e *edit) error {
		// The first attempt trusts that the message is new. If it isn't, the unique index refuses it, and this finds it.
		if e.try > 1 && a.ClientID != "" {
			var seq int64
			err := e.QueryRow(ctx, saidBefore, id, a.ClientID).Scan(&seq)
			if err == nil {
				return errSaid
			}
			if !errors.Is(err, db.ErrNoRows) {
				return err
			}
		}
		return e.answer(scope, a)
	})
	if errors.Is(err, errSaid) {
		return i.said(ctx, id, a.ClientID)
	}
	if err != nil {
		return Message{}, err
	}
	return e.said[0], nil
}

func (e *edit) answer(scope care.Scope, a Answer) error {
	files, err := attachable(e.ctx, e.Tx, e.now.Store, care.ActorAgent, itoa64(scope.Agent), a.Attachments)
	if err != nil {
		return err
	}
	m := Message{Kind: a.Kind, From: FromAgent, Author: &Agent{ID: scope.Agent}, Body: a.Body, ClientID: a.ClientID, Attachments: files}
	if scope.Agent == 0 {
		m.From, m.Author = FromBot, nil
	} else {
		m.Author.Name = e.actor
		e.Defer(`DELETE FROM drafts WHERE conversation_id = $1 AND agent_id = $2`, e.now.ID, scope.Agent)
	}
	if a.Kind == KindNote {
		e.say(m)
		e.Emit(db.Event{Store: e.now.Store, Type: care.EventNoteAdded, Subject: e.said[0].ID, Payload: e.messageEvent(&e.said[0])})
	} else {
		if a.ExpectedSeq > 0 && e.now.LastCustomerSeq > a.ExpectedSeq {
			return care.Conflict("conversation.stale", "seq", e.now.LastSeq)
		}
		if err := e.reply(m, a); err != nil {
			return err
		}
	}
	switch {
	case a.Resolve:
		e.resolve()
	case !a.SnoozeUntil.IsZero():
		e.snooze(db.At(a.SnoozeUntil))
	}
	return nil
}

// reply adds a message to the customer and what follows from it.
func (e *edit) reply(m Message, a Answer) error {
	m.Delivery = &Delivery{State: DeliveryQueued}
	if a.Channel != "" && a.Channel != e.now.Channel {
		m.Channel = a.Channel
	}
	over := cmp.Or(m.Channel, e.now.Channel)
	if over == care.ChannelChat { // stored is delivered to where the widget reads
		m.Delivery.State = DeliverySent
	}
	if over == care.ChannelEmail {
		html, marked := text.MarksToHTML(m.Body, func(id int64) string {
			if slices.ContainsFunc(m.Attachments, func(f Attachment) bool { return f.ID == id && f.Width > 0 }) {
				return agentFiles + itoa64(id)
			}
			return ""
		})
		if marked {
			m.HTML = &html
		}
	}
	said := *e.say(m)
	if over != care.ChannelChat {
		if err := e.post(said, a); err != nil {
			return err
		}
	}
	e.now.Unread, e.now.ReadAgent = 0, said.Seq
	if a.Forward == 0 { // what is passed on to somebody else is no answer
		e.now.WaitingSince, e.now.Deadline = 0, 0
		if e.now.FirstResponse == 0 {
			e.now.FirstResponse = max(said.CreatedAt, db.At(a.SendAt))
		}
	}
	if said.From == FromAgent && e.now.Assignee == 0 {
		e.assign(said.Author.ID, said.Author.Name)
	}
	e.Emit(db.Event{Store: e.now.Store, Type: care.EventMessageSent, Subject: said.ID, Payload: e.messageEvent(&said)})
	return nil
}

const saidBefore = `SELECT seq FROM messages WHERE conversation_id = $1 AND client_id = $2 AND client_id <> ''`

var errSaid = errors.New("inbox: said before")

// said returns a message of the conversation by the id that its sender gave it.
func (i *Inbox) said(ctx context.Context, id int64, clientID string) (Message, error) {
	found, err := i.messages(ctx, i.db.Read(), `m.conversation_id = $1 AND m.client_id = $2 AND m.client_id <> ''`, id, clientID)
	if err != nil || len(found) == 0 {
		return Message{}, err
	}
	return found[0], nil
}

func (a *Answer) check(now time.Time) error {
	a.Body = strings.TrimSpace(a.Body)
	if a.Kind != KindReply && a.Kind != KindNote {
		return care.Invalid("kind", "value_invalid")
	}
	if a.Body == "" && len(a.Attachments) == 0 && a.Forward == 0 {
		return care.Invalid("body", "required")
	}
	if len(a.Attachments) > MaxFiles {
		return care.Invalid("attachment_ids", "too_many_items", "max", MaxFiles)
	}
	if err := checkText("body", a.Body, MaxBody); err != nil {
		return err
	}
	if err := checkText("client_id", a.ClientID, 100); err != nil {
		return err
	}
	if !a.SnoozeUntil.IsZero() && !a.SnoozeUntil.After(now) {
		return care.Invalid("snooze_until", "time_past")
	}
	if !a.SendAt.IsZero() && (!a.SendAt.After(now) || a.SendAt.After(now.AddDate(1, 0, 0))) {
		return care.Invalid("send_at", "time_past")
	}
	for field, list := range map[string][]string{"to": a.To, "cc": a.Cc, "bcc": a.Bcc} {
		if err := checkAddresses(field, list); err != nil {
			return err
		}
	}
	if err := checkText("subject", a.Subject, MaxSubject); err != nil {
		return err
	}
	if a.Forward != 0 && len(a.To) == 0 {
		return care.Invalid("to", "required")
	}
	a.Body, a.Subject = text.MaskCards(a.Body), text.MaskCards(strings.TrimSpace(a.Subject))
	return nil
}
