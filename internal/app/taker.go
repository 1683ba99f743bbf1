package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/post"
)

// taker hands what the post room brings to the inbox: post.Taker.
type taker struct {
	db        *db.DB
	customers *customer.Customers
	inbox     *inbox.Inbox
}

func (t taker) KeepFile(ctx context.Context, in post.Incoming, name string, content io.Reader) (int64, error) {
	a, err := t.inbox.Upload(ctx, inbox.Upload{Store: in.Store, OwnerKind: care.ActorCustomer, Owner: in.Thread, Name: name, Content: content})
	return a.ID, err
}

// Take puts a message into its conversation. What the inbox doesn't carry as such is said in words, so that nothing is lost.
func (t taker) Take(ctx context.Context, in post.Incoming) (post.Taken, error) {
	body := inWords(in)
	opened := body == "" && len(in.Attachments) == 0 // the bot: from now on he can be written to
	if opened || in.Customer != 0 {
		var taken post.Taken
		err := t.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: in.Connection.ID}, func(tx *db.Tx) (err error) {
			h := customer.Hint{Name: in.Name, Language: in.Language}
			if in.Customer == 0 {
				taken.Customer, _, err = t.customers.Resolve(ctx, tx, in.Store, in.From, h)
				return err
			}
			// He has followed a link of his own: that is who he is, and a yes to being written to here.
			if taken.Customer, err = t.customers.Prove(ctx, tx, in.Store, in.Customer, in.From, h); err != nil {
				return err
			}
			return t.customers.Consent(ctx, tx, taken.Customer, customer.SubjectMessenger, true, "link")
		})
		if err != nil || opened {
			return taken, err
		}
	}
	if r := []rune(body); len(r) > inbox.MaxBody { // the whole of it goes along as a file
		id, err := t.KeepFile(ctx, in, "message.txt", strings.NewReader(body))
		if err != nil {
			return post.Taken{}, err
		}
		in.Attachments, body = append(in.Attachments, id), string(r[:inbox.MaxBody-1])+"…"
	}
	if in.Mail != nil {
		in.Mail.HTML = inbox.ShowInline(in.Mail.HTML, in.Inline)
	}
	var taken post.Taken
	for n := 0; n == 0 || len(in.Attachments) > 0; n++ {
		some := in.Inbound
		some.Body = body
		some.Attachments = in.Attachments[:min(len(in.Attachments), inbox.MaxFiles)]
		if n > 0 {
			some.Body, some.ClientID = "", some.ClientID+"#"+strconv.Itoa(n)
			if some.Mail != nil { // its other files follow it
				some.Mail, some.Conversation = nil, taken.Conversation
			}
		}
		r, err := t.inbox.Receive(ctx, some)
		if err != nil {
			return post.Taken{}, err
		}
		if n == 0 {
			taken = post.Taken{Conversation: r.Conversation, Message: r.Message, Customer: r.Customer}
		}
		in.Attachments = in.Attachments[len(some.Attachments):]
	}
	return taken, nil
}

// inWords is the text of a message with what has no other form.
func inWords(in post.Incoming) string {
	body := strings.TrimSpace(in.Body)
	add := func(line string) { body = strings.TrimSpace(body + "\n" + line) }
	if in.Edited {
		body = "✎ " + body
	}
	if p := in.Place; p != nil {
		add(fmt.Sprintf("📍 %.6f, %.6f https://www.openstreetmap.org/?mlat=%[1]f&mlon=%[2]f#map=17/%[1]f/%[2]f", p.Latitude, p.Longitude))
	}
	for _, f := range in.Missing {
		add("📎 " + cmp.Or(f.Name, "file") + " ✗ " + f.Code)
	}
	return body
}
