package inbox

import (
	"context"
	"encoding/json"
	"errors"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
)

// Call notes what the telephone tells in the conversation that is named, else in the customer's latest on the telephone, which begins with it if need
// be. The same key is noted once. It returns the conversation.
func (i *Inbox) Call(ctx context.Context, n care.CallNote) (int64, error) {
	if n.Words != "" {
		r, err := i.Receive(ctx, care.Inbound{Store: n.Store, Channel: care.ChannelPhone, Thread: n.Number, ClientID: n.Key, From: callerIdentity(n), Name: n.Name, Language: n.Language,
			Body: n.Words, Attachments: n.Attachments})
		return r.Conversation, err
	}
	if n.Conversation == 0 {
		id, begun, err := i.callThread(ctx, n)
		if err != nil || begun {
			return id, err
		}
		n.Conversation = id
	}
	_, err := i.change(ctx, db.System, func(q db.Querier, lock bool) (conversation, error) {
		c, err := load(ctx, q, lock, byID, n.Conversation)
		if err == nil && c.Store != n.Store {
			return c, care.NotFound("conversation")
		}
		return c, err
	}, func(e *edit) error {
		var seq int64
		err := e.QueryRow(ctx, saidBefore, n.Conversation, n.Key).Scan(&seq)
		if !errors.Is(err, db.ErrNoRows) {
			return err
		}
		return e.call(n)
	})
	return n.Conversation, err
}

func callerIdentity(n care.CallNote) []care.Identity {
	// The network vouches for a caller's number as nobody vouches for what is typed.
	return []care.Identity{{Kind: care.IdentityPhone, Value: n.Number, Verified: true}}
}

// call adds the line, and what is said to the customer with it.
func (e *edit) call(n care.CallNote) error {
	params, err := json.Marshal(n.Params)
	if err != nil {
		return err
	}
	e.say(Message{Kind: KindSystem, From: FromSystem, System: &System{n.Code, params}, ClientID: n.Key})
	if n.Body != "" {
		if err := e.tellCustomer(n.Body); err != nil {
			return err
		}
	}
	if n.Agent != 0 {
		e.now.WaitingSince, e.now.Deadline = 0, 0
		if e.now.FirstResponse == 0 {
			e.now.FirstResponse = db.At(e.Now)
		}
		if e.now.Status == Open && e.now.Assignee == 0 {
			var name string
			if err := e.QueryRow(e.ctx, `SELECT name FROM agents WHERE id = $1`, n.Agent).Scan(&name); err != nil {
				return err
			}
			e.assign(n.Agent, name)
		}
	}
	e.now.LastMessageAt = max(e.now.LastMessageAt, db.At(e.Now))
	return nil
}

// tellCustomer says something to the customer where he can read it; where he can't (on the telephone, or a channel that has nothing to send
// by any more) it is a note, so that an agent sees what he wasn't told.
func (e *edit) tellCustomer(body string) error {
	if e.now.Channel != care.ChannelPhone {
		before, said := e.now, len(e.said)
		err := e.reply(Message{Kind: KindReply, From: FromBot, Body: body}, Answer{Kind: KindReply, Body: body})
		var refused *care.Error
		if err == nil || !errors.As(err, &refused) {
			return err
		}
		e.now, e.said = before, e.said[:said]
	}
	m := e.say(Message{Kind: KindNote, From: FromBot, Body: body})
	e.Emit(db.Event{Store: e.now.Store, Type: care.EventNoteAdded, Subject: m.ID, Payload: e.messageEvent(m)})
	return nil
}

// callThread finds the customer's conversation on the telephone, or begins it with the note.
func (i *Inbox) callThread(ctx context.Context, n care.CallNote) (id int64, begun bool, err error) {
	in := care.Inbound{Store: n.Store, Channel: care.ChannelPhone, Thread: n.Number, From: callerIdentity(n), Name: n.Name, Language: n.Language}
	for try := 1; ; try++ {
		was, err := i.liveIn(ctx, i.db.Read(), in, false)
		if err != nil {
			return 0, false, err
		}
		if was.ID != 0 && !was.expired(db.At(i.db.Now())) {
			return was.ID, false, nil
		}
		plan, err := i.admit(ctx, i.db.Read(), in, was)
		if err != nil {
			return 0, false, err
		}
		err = i.db.Write(ctx, db.System, func(tx *db.Tx) error {
			who, err := i.customers.Recognise(ctx, tx, n.Store, in.From, customer.Hint{Name: n.Name, Language: n.Language})
			if err != nil {
				return err
			}
			if was.ID != 0 {
				tx.Defer(`UPDATE conversations SET latest = FALSE, version = CASE WHEN version = $1 THEN version + 1 END WHERE id = $2`, was.Version, was.ID)
			}
			e := &edit{Tx: tx, ctx: ctx, inbox: i, created: true, now: conversation{ID: tx.ID(), Store: n.Store, Version: 1, Status: Open, Channel: in.Channel, Thread: in.Thread, Latest: true,
				Previous: was.ID, Customer: who.Owner, Person: who.Customer, PersonName: n.Name, IdentityHash: identityHash(in), Language: plan.language, Queue: plan.queue.ID, Team: plan.queue.Team,
				Tags: "[]", CreatedAt: db.At(tx.Now), LastMessageAt: db.At(tx.Now)}}
			id = e.now.ID
			e.event(care.EventConversationCreated)
			if err := e.call(n); err != nil {
				return err
			}
			if err := e.number(); err != nil {
				return err
			}
			if i.index != nil {
				if err := i.index.Add(tx, entryOf(e.now)); err != nil {
					return err
				}
			}
			e.save()
			return nil
		})
		if !db.Conflicts(err) || try == tries {
			return id, err == nil, err
		}
	}
}
