package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/inbox"
	"opeka/internal/post"
)

// assignment tells what is left out from what is null.
type assignment struct {
	Agent nullableID `json:"agent_id,omitempty"`
	Team  nullableID `json:"team_id,omitempty"`
	Queue nullableID `json:"queue_id,omitempty"`
}

// nullableID is an id, null, or not there at all.
type nullableID struct {
	given bool
	value int64
}

// UnmarshalJSON is called only for what is there.
func (n *nullableID) UnmarshalJSON(b []byte) error {
	n.given = true
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &n.value)
}

// Schema implements huma.SchemaProvider.
func (nullableID) Schema(huma.Registry) *huma.Schema {
	zero := 0.0
	return &huma.Schema{Type: "integer", Format: "int64", Nullable: true, Minimum: &zero}
}

// id is nil when the field was left out, 0 when it was null.
func (n nullableID) id() *int64 {
	if !n.given {
		return nil
	}
	return &n.value
}

// newMessage is what an agent or a program writes.
type newMessage struct {
	Kind        string    `json:"kind" enum:"reply,note"`
	Body        string    `json:"body" maxLength:"20000"`
	Attachments []int64   `json:"attachment_ids,omitempty" maxItems:"10"`
	Channel     string    `json:"channel,omitempty" maxLength:"40" doc:"Another channel than the conversation's by which a reply goes: one of its ways"`
	Address     string    `json:"address,omitempty" maxLength:"320" doc:"The customer's address on that channel; empty: the first"`
	ClientID    string    `json:"client_id,omitempty" maxLength:"100" doc:"Makes it safe to send again; the Idempotency-Key stands in for it"`
	Resolve     bool      `json:"resolve,omitempty" doc:"Close the conversation with it"`
	SnoozeUntil time.Time `json:"snooze_until,omitzero"`
	ExpectedSeq int64     `json:"expected_seq,omitempty" minimum:"0" doc:"The last message that its author has seen: a later one from the customer refuses a reply with 409"`
	To          []string  `json:"to,omitempty" maxItems:"50" doc:"Of a letter: to whom it goes; empty: to whoever wrote the one that is answered"`
	Cc          []string  `json:"cc,omitempty" maxItems:"50" doc:"Left out: those to whom the answered letter was copied"`
	Bcc         []string  `json:"bcc,omitempty" maxItems:"50"`
	Subject     string    `json:"subject,omitempty" maxLength:"500" doc:"Of a letter; empty: that of the answered one"`
	Forward     int64     `json:"forward,omitempty" minimum:"0" doc:"The message that the letter passes on to somebody else; it then answers nobody"`
	SendAt      time.Time `json:"send_at,omitzero" doc:"Send it then, unless the customer writes first; a letter without it can be taken back for ten seconds"`

	Template *inbox.TemplateChoice `json:"template,omitempty" doc:"A message that the channel's service has approved: it goes instead of body, at any time"`
}

// messagePage is a part of a conversation's messages, in their order.
type messagePage struct {
	Items   []inbox.Message `json:"items"`
	Next    string          `json:"next" doc:"The number to give as before_seq, or as after_seq, for the next part"`
	HasMore bool            `json:"has_more"`
}

func (a *API) registerMessages() {
	read, write := needs(care.PermInboxRead), needs(care.PermInboxWrite)
	register(a, op{ID: "list-messages", Method: http.MethodGet, Path: "/conversations/{id}/messages", Tag: tagInbox, Summary: "List messages before or after a number", Access: read},
		func(ctx context.Context, in *struct {
			ByID
			Before int64 `query:"before_seq" minimum:"0"`
			After  int64 `query:"after_seq" minimum:"0"`
			Limit  int   `query:"limit" minimum:"1" maximum:"100" default:"50"`
		}) (*Out[messagePage], error) {
			items, more, err := a.Inbox.History(ctx, scope(ctx), in.ID, in.Before, in.After, in.Limit)
			p := messagePage{Items: items, HasMore: more}
			if more && in.After > 0 {
				p.Next = strconv.FormatInt(items[len(items)-1].Seq, 10)
			} else if more {
				p.Next = strconv.FormatInt(items[0].Seq, 10)
			}
			return out(p, err)
		})
	register(a, op{ID: "send-message", Method: http.MethodPost, Path: "/conversations/{id}/messages", Tag: tagInbox, Summary: "Answer a customer, or leave a note for colleagues",
		Detail: "Sent again with the same client_id (or Idempotency-Key) it isn't stored again, and answered with the first message.", Access: write, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Key  string `header:"Idempotency-Key" maxLength:"100"`
			Body newMessage
		}) (*Out[inbox.Message], error) {
			b := in.Body
			if b.ClientID == "" {
				b.ClientID = in.Key
			}
			return out(a.Inbox.Say(ctx, scope(ctx), in.ID, inbox.Answer{Kind: b.Kind, Body: b.Body, Attachments: b.Attachments, ClientID: b.ClientID,
				Channel: b.Channel, Address: b.Address, ExpectedSeq: b.ExpectedSeq, Resolve: b.Resolve, SnoozeUntil: b.SnoozeUntil, To: b.To, Cc: b.Cc, Bcc: b.Bcc, Subject: b.Subject, Forward: b.Forward, SendAt: b.SendAt, Template: b.Template}))
		})
	register(a, op{ID: "list-ways", Method: http.MethodGet, Path: "/conversations/{id}/ways", Tag: tagInbox, Summary: "List the channels by which the customer can be answered now, with their limits",
		Detail: "First as the customer wrote, then by the other channels on which he can be reached. Chat isn't among them: it needs no connection.", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[post.Way]], error) {
			ways, err := a.Inbox.Ways(ctx, scope(ctx), in.ID)
			return out(List[post.Way]{Items: ways}, err)
		})
	register(a, op{ID: "list-templates", Method: http.MethodGet, Path: "/conversations/{id}/templates", Tag: tagInbox, Summary: "List the messages approved by a channel's service that may be sent to the customer",
		Detail: "Such a message may be sent at any time, where free text may only within some time after the customer's last message.", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Channel string `query:"channel" maxLength:"40" doc:"Empty: the conversation's own"`
			Address string `query:"address" maxLength:"320"`
		}) (*Out[inbox.Offers], error) {
			return out(a.Inbox.Templates(ctx, scope(ctx), in.ID, in.Channel, in.Address))
		})
	register(a, op{ID: "take-message-back", Method: http.MethodPost, Path: "/conversations/{id}/take-back", Tag: tagInbox, Summary: "Stop a reply that hasn't gone out yet",
		Detail: "Gives it back to be written anew; one that has gone out is refused with message.sent.", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Message int64 `json:"message_id"`
			}
		}) (*Out[inbox.Message], error) {
			return out(a.Inbox.TakeBack(ctx, scope(ctx), in.ID, in.Body.Message))
		})
	register(a, op{ID: "save-draft", Method: http.MethodPut, Path: "/conversations/{id}/draft", Tag: tagInbox, Summary: "Keep what the caller is writing", Detail: "An empty body removes the draft.", Access: agentNeeds(care.PermInboxWrite)},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Body string `json:"body" maxLength:"20000"`
				Mode string `json:"mode" enum:"reply,note" default:"reply"`
			}
		}) (*None, error) {
			return none(a.Inbox.SaveDraft(ctx, scope(ctx), in.ID, in.Body.Body, in.Body.Mode))
		})
	register(a, op{ID: "read-conversation", Method: http.MethodPost, Path: "/conversations/{id}/read", Tag: tagInbox, Summary: "Mark the messages up to a number as read", Access: read, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Seq int64 `json:"seq" minimum:"0"`
			}
		}) (*None, error) {
			return none(a.Inbox.Read(ctx, scope(ctx), in.ID, in.Body.Seq))
		})
	register(a, op{ID: "type-in-conversation", Method: http.MethodPost, Path: "/conversations/{id}/typing", Tag: tagInbox, Summary: "Show that the caller is writing, or has stopped", Access: write, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				On bool `json:"on"`
			}
		}) (*None, error) {
			return none(a.Inbox.Typing(ctx, scope(ctx), in.ID, in.Body.On))
		})
}
