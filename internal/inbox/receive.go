package inbox

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Received is where a customer's message went.
type Received struct {
	Conversation int64
	Message      int64
	Seq          int64
	Customer     int64
	Duplicate    bool // it had been received before; nothing was written
	Created      bool // it began a conversation
}

// Receive stores a customer's message: it finds whom it is from and the conversation that it belongs to, begins
// one if need be, sets the deadline and gives it to an agent who can take it. All of it is one transaction. The same
// ClientID in the same thread is stored once. Refuses text that is too long or not UTF-8.
func (i *Inbox) Receive(ctx context.Context, in care.Inbound) (Received, error) {
	if err := checkInbound(&in); err != nil {
		return Received{}, err
	}
	for try := 1; ; try++ {
		if in.Mail != nil {
			p, seen, err := i.place(ctx, &in)
			if err != nil || seen.Message != 0 {
				return seen, err
			}
			facts := *in.Mail
			if facts.Spam {
				yes, err := wanted(ctx, i.db.Read(), in.Store, senderOf(&in))
				if err != nil {
					return Received{}, err
				}
				facts.Spam = !yes
			}
			facts.Linked, in.Mail, in.Conversation = p.linked, &facts, p.conversation
			facts.Guessed = p.by == bySubject && !facts.Proven
		}
		r, err := i.receive(ctx, in, try)
		if !db.Conflicts(err) || try == tries {
			return r, err
		}
	}
}

// meeting is what a message meets in its store.
type meeting struct {
	was     conversation // the latest of its thread; zero: there is none
	earlier Received     // of a message that had come before
	begins  bool         // it begins a conversation, as the plan says
	plan    admission
	files   []Attachment
	// Of one that begins a conversation: its number, if it was drawn ahead, and whether it is of somebody whom nobody knows.
	number   int64
	stranger bool
}

// receive is one attempt. The first one trusts that the message is new: the unique index on client ids says so
// otherwise, and the next attempt looks for it.
func (i *Inbox) receive(ctx context.Context, in care.Inbound, try int) (r Received, err error) {
	var m meeting
	inside := i.readsInside(try)
	if !inside {
		if m, err = i.meet(ctx, i.db.Read(), in, try); err != nil || m.earlier.Message != 0 {
			return m.earlier, err
		}
	}
	err = i.db.Write(ctx, db.Actor{Kind: care.ActorCustomer}, func(tx *db.Tx) (err error) {
		if inside {
			if m, err = i.meet(ctx, tx, in, try); err != nil {
				return err
			}
		}
		switch {
		case m.earlier.Message != 0:
			r = m.earlier
		case m.begins:
			r, err = i.begin(ctx, tx, in, m)
		default:
			r, err = i.goOn(ctx, tx, in, m)
		}
		return err
	})
	return r, err
}

// meet reads what the message meets; in a transaction, under the conversation's lock.
func (i *Inbox) meet(ctx context.Context, q db.Querier, in care.Inbound, try int) (m meeting, err error) {
	_, lock := q.(*db.Tx)
	if m.was, err = i.liveIn(ctx, q, in, lock); err != nil {
		return m, err
	}
	m.begins = m.was.ID == 0 || m.was.expired(db.At(i.db.Now()))
	if in.ClientID != "" && (try > 1 || m.was.Previous != 0 || m.was.ID != 0 && m.begins) {
		// The message may be one of a conversation that is over, where the index can't see it.
		if m.earlier, err = earlier(ctx, q, in, m.was.ID); err != nil || m.earlier.Message != 0 {
			return m, err
		}
	}
	if m.files, err = attachable(ctx, q, in.Store, care.ActorCustomer, in.Thread, in.Attachments); err != nil || !m.begins {
		return m, err
	}
	if m.plan, err = i.admit(ctx, q, in, m.was, i.customers.AskUnknown(&m.stranger, in.Store, in.From)...); err == nil && !lock {
		m.number, err = i.numbers.next(ctx, in.Store)
	}
	return m, err
}

// liveIn returns the latest conversation of the thread, or a zero one.
func (i *Inbox) liveIn(ctx context.Context, q db.Querier, in care.Inbound, lock bool) (conversation, error) {
	if in.Conversation != 0 {
		c, err := load(ctx, q, lock, byID, in.Conversation)
		if err == nil && c.Store == in.Store && !c.expired(db.At(i.db.Now())) {
			return c, nil
		}
		if err != nil && !errors.Is(err, care.NotFound("")) {
			return conversation{}, err
		}
	}
	c, err := load(ctx, q, lock, byThread, in.Store, in.Channel, in.Thread)
	if errors.Is(err, care.NotFound("")) {
		return conversation{}, nil
	}
	return c, err
}

// expired tells whether the conversation was resolved so long ago that a message begins a new one.
func (c *conversation) expired(now db.Time) bool {
	return c.Status == Resolved && now > c.ResolvedAt.Add(reopenWithin)
}

// goOn adds the message to a conversation.
func (i *Inbox) goOn(ctx context.Context, tx *db.Tx, in care.Inbound, met meeting) (Received, error) {
	was := met.was
	tx.Actor.ID = was.Person
	e := &edit{Tx: tx, ctx: ctx, inbox: i, was: was, now: was}
	// What comes into a conversation from another of the customer's channels doesn't change whose it is.
	if hash := identityHash(in); hash != was.IdentityHash && in.Channel == was.Channel && in.Thread == was.Thread {
		who, err := i.customers.Recognise(ctx, tx, in.Store, in.From, customer.Hint{Name: in.Name, Language: in.Language, Unread: true})
		if err != nil {
			return Received{}, err
		}
		e.now.Customer, e.now.IdentityHash = who.Owner, hash
		if who.Customer != was.Person {
			e.now.Person, e.now.PersonName = who.Customer, in.Name
		}
		tx.Actor.ID = who.Customer
	}
	m := e.hear(in, met.files)
	e.save()
	return Received{Conversation: e.now.ID, Message: m.ID, Seq: m.Seq, Customer: e.now.Person}, nil
}

// hear adds the customer's message and what follows from it.
func (e *edit) hear(in care.Inbound, files []Attachment) Message {
	if quiet(in, e.created) {
		return e.overhear(in, files)
	}
	if in.Language != "" {
		e.now.Language = in.Language
	}
	said := Message{Kind: KindReply, From: FromCustomer, Author: &Agent{e.now.Person, e.now.PersonName}, Body: in.Body, ClientID: in.ClientID, Attachments: files}
	if in.Channel != e.now.Channel {
		said.Channel = in.Channel
	}
	said.HTML = htmlOf(in)
	m := *e.say(said)
	e.letter(m, in)
	e.unschedule()
	if e.created && !e.stranger || e.now.Status == Resolved {
		e.returned()
	}
	e.now.LastCustomerSeq = m.Seq
	e.now.Unread++
	if e.now.WaitingSince == 0 {
		e.now.WaitingSince = m.CreatedAt
	}
	if e.now.Status != Open {
		e.reopen("customer_wrote")
	}
	if e.now.Assignee != 0 && gone(e.now.AgentState, e.now.AgentSince, m.CreatedAt) {
		e.unassign(SystemReturned)
		e.drain()
	}
	if h := pageHash(in.Page); in.Page != (care.Page{}) && h != e.now.PageHash {
		e.now.PageHash = h
		e.Defer(upsertPage, e.now.ID, in.Page.URL, in.Page.Title, in.Page.Agent, m.CreatedAt)
	}
	e.Emit(db.Event{Store: e.now.Store, Type: care.EventMessageReceived, Subject: m.ID, Payload: e.messageEvent(&m)})
	return m
}

const upsertPage = `INSERT INTO conversation_pages (conversation_id, url, title, user_agent, seen_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (conversation_id) DO UPDATE SET url = excluded.url, title = excluded.title, user_agent = excluded.user_agent, seen_at = excluded.seen_at`

func (e *edit) messageEvent(m *Message) care.MessageEvent {
	return care.MessageEvent{Conversation: e.now.ID, Customer: e.now.Person, Channel: e.now.Channel, Seq: m.Seq}
}

// begin starts a conversation with the message, after the thread's earlier one, if there was any.
func (i *Inbox) begin(ctx context.Context, tx *db.Tx, in care.Inbound, met meeting) (Received, error) {
	before, plan := met.was, met.plan
	who, err := i.customers.Recognise(ctx, tx, in.Store, in.From, customer.Hint{Name: in.Name, Language: in.Language, Unread: true, Stranger: met.stranger})
	if err != nil {
		return Received{}, err
	}
	tx.Actor.ID = who.Customer
	if before.ID != 0 {
		tx.Defer(`UPDATE conversations SET latest = FALSE, version = CASE WHEN version = $1 THEN version + 1 END WHERE id = $2`, before.Version, before.ID)
	}
	now := db.At(tx.Now)
	e := &edit{Tx: tx, ctx: ctx, inbox: i, created: true, stranger: met.stranger, now: conversation{ID: tx.ID(), Store: in.Store, Number: met.number, Version: 1, Status: Open, Channel: in.Channel,
		Thread: in.Thread, Latest: true, Previous: before.ID, Customer: who.Owner, Person: who.Customer, PersonName: in.Name, IdentityHash: identityHash(in), Subject: in.Subject,
		Language: plan.language, Queue: plan.queue.ID, Team: plan.queue.Team, Tags: "[]", CreatedAt: now}}
	still := quiet(in, true)
	if plan.queue.FirstResponse > 0 && !still {
		e.now.Deadline = plan.deadline(now)
	}
	m := e.hear(in, met.files)
	if still {
		err = e.putAside(in)
	} else {
		e.event(care.EventConversationCreated)
		err = e.route(plan)
	}
	if err != nil {
		return Received{}, err
	}
	if in.Mail != nil && in.Mail.Linked != 0 {
		e.note(SystemLinked, "conversation_id", in.Mail.Linked)
	}
	if err := e.number(); err != nil {
		return Received{}, err
	}
	if i.index != nil {
		if err := i.index.Add(tx, entryOf(e.now)); err != nil {
			return Received{}, err
		}
	}
	e.save()
	return Received{Conversation: e.now.ID, Message: m.ID, Seq: m.Seq, Customer: who.Customer, Created: true}, nil
}

// earlierLooks is in how many conversations of a thread, from the latest back, a message that comes again is looked for.
const earlierLooks = 5

// earlier finds the message when it was received before, in the conversation or one before it; otherwise it returns a zero Received.
func earlier(ctx context.Context, q db.Querier, in care.Inbound, conversation int64) (Received, error) {
	id := conversation
	for range earlierLooks {
		r := Received{Conversation: id, Duplicate: true}
		var before int64
		err := q.QueryRow(ctx, `SELECT coalesce(m.id, 0), coalesce(m.seq, 0), c.customer_id, c.previous_id FROM conversations c
LEFT JOIN messages m ON m.conversation_id = c.id AND m.client_id = $2 AND m.client_id <> '' WHERE c.id = $1`, id, in.ClientID).Scan(&r.Message, &r.Seq, &r.Customer, &before)
		if errors.Is(err, db.ErrNoRows) {
			break
		}
		if err != nil || r.Message != 0 {
			return r, err
		}
		id = before
	}
	return Received{}, nil
}

// checkInbound refuses what can't be kept and masks what mustn't be.
func checkInbound(in *care.Inbound) error {
	if in.Store == 0 || in.Channel == "" || in.Thread == "" {
		return errors.New("inbox: Receive needs a store, a channel and a thread")
	}
	in.Body = strings.TrimSpace(in.Body)
	if in.Body == "" && len(in.Attachments) == 0 {
		return care.Invalid("body", "required")
	}
	for _, f := range []struct {
		field string
		value *string
		limit int
	}{{"body", &in.Body, MaxBody}, {"subject", &in.Subject, MaxSubject}, {"name", &in.Name, 200}, {"client_id", &in.ClientID, 100}, {"thread", &in.Thread, 500},
		{"page.url", &in.Page.URL, 2000}, {"page.title", &in.Page.Title, 500}, {"page.agent", &in.Page.Agent, 500}} {
		if err := checkText(f.field, *f.value, f.limit); err != nil {
			return err
		}
	}
	in.Body, in.Subject = text.MaskCards(in.Body), text.MaskCards(in.Subject)
	return nil
}

func checkText(field, s string, limit int) error {
	switch err := text.ValidText(s, limit); {
	case err == nil:
		return nil
	case errors.Is(err, text.ErrTooLong):
		return care.Invalid(field, "too_long", "max", limit)
	default:
		return care.Invalid(field, "text_invalid")
	}
}

// identityHash tells cheaply whether a thread's next message comes from the same identities: only others ask for Resolve.
func identityHash(in care.Inbound) int64 {
	h := fnv.New64a()
	for _, id := range in.From {
		v := "-"
		if id.Verified {
			v = "+"
		}
		_, _ = h.Write([]byte(string(id.Kind) + "\x00" + id.Value + "\x00" + v))
	}
	_, _ = h.Write([]byte("\x00" + in.Name))
	return int64(h.Sum64() >> 1)
}

func pageHash(p care.Page) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.URL + "\x00" + p.Title + "\x00" + p.Agent))
	return int64(h.Sum64() >> 1)
}
