package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/inbox"
	"opeka/internal/post"
)

// registerLetters lists the operations on letters and on what goes out.
func (a *API) registerLetters() {
	read, write := needs(care.PermInboxRead), needs(care.PermInboxWrite)
	register(a, op{ID: "get-envelope", Method: http.MethodGet, Path: "/conversations/{id}/envelope", Tag: tagInbox, Summary: "Tell what an answer by letter would have around it",
		Detail: "To whom it would go, its subject, the mailbox that sends it, the signature.", Access: read},
		func(ctx context.Context, in *struct {
			ByID
			Message int64 `query:"message_id" minimum:"0" doc:"The letter that is answered; 0: the latest"`
		}) (*Out[inbox.Envelope], error) {
			return out(a.Inbox.Envelope(ctx, scope(ctx), in.ID, in.Message))
		})
	register(a, op{ID: "check-answer", Method: http.MethodPost, Path: "/conversations/{id}/check", Tag: tagInbox, Summary: "Look at an answer before it is sent",
		Detail: "Which of the customer's questions it leaves open, and which addresses are better not written to. It stops nothing and keeps nothing.", Access: write, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Body string   `json:"body" maxLength:"20000"`
				To   []string `json:"to,omitempty" maxItems:"50"`
				Cc   []string `json:"cc,omitempty" maxItems:"50"`
				Bcc  []string `json:"bcc,omitempty" maxItems:"50"`
			}
		}) (*Out[inbox.Check], error) {
			b := in.Body
			return out(a.Inbox.Check(ctx, scope(ctx), in.ID, inbox.Answer{Body: b.Body, To: b.To, Cc: b.Cc, Bcc: b.Bcc}))
		})
	register(a, op{ID: "retry-message", Method: http.MethodPost, Path: "/conversations/{id}/retry", Tag: tagInbox, Summary: "Send a reply once more that failed, or whose fate is unknown",
		Detail: "Any other is refused with message.not_failed.", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Message int64 `json:"message_id"`
			}
		}) (*Out[inbox.Message], error) {
			return out(a.Inbox.Retry(ctx, scope(ctx), in.ID, in.Body.Message))
		})
	for _, v := range []struct {
		id, path, summary, detail string
		act                       func(context.Context, care.Scope, int64) (inbox.Row, error)
	}{
		{"rescue-conversation", "rescue", "Take a conversation out of spam", "It waits for an answer, and its sender's further letters aren't taken for spam.", a.Inbox.Rescue},
		{"junk-conversation", "junk", "Put a conversation among spam", "It is closed and tagged “spam”.", a.Inbox.Junk},
	} {
		register(a, op{ID: v.id, Method: http.MethodPost, Path: "/conversations/{id}/" + v.path, Tag: tagInbox, Summary: v.summary, Detail: v.detail, Access: write},
			func(ctx context.Context, in *struct{ ByID }) (*Out[inbox.Row], error) {
				return out(v.act(ctx, scope(ctx), in.ID))
			})
	}
	register(a, op{ID: "list-told", Method: http.MethodGet, Path: "/conversations/{id}/notices", Tag: tagInbox, Summary: "List the notices that the customer was sent about the time of a conversation", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[inbox.Told]], error) {
			return whole(a.Inbox.Told(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-customer-ways", Method: http.MethodGet, Path: "/customers/{id}/ways", Tag: tagInbox, Summary: "List the channels by which a customer can be written to first", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[post.Way]], error) {
			return whole(a.Inbox.WaysTo(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-customer-templates", Method: http.MethodGet, Path: "/customers/{id}/templates", Tag: tagInbox, Summary: "List the messages approved by a channel's service by which a customer can be written to first", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Channel string `query:"channel" maxLength:"40"`
			Address string `query:"address" maxLength:"320"`
		}) (*Out[inbox.Offers], error) {
			return out(a.Inbox.TemplatesTo(ctx, scope(ctx), in.ID, in.Channel, in.Address))
		})
	register(a, op{ID: "begin-conversation", Method: http.MethodPost, Path: "/customers/{id}/conversations", Tag: tagInbox, Summary: "Write to a customer first",
		Detail: "Where an exchange with the address is going on, it goes on there.", Access: write, Status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Channel     string    `json:"channel" minLength:"1" maxLength:"40" doc:"One of the customer's ways"`
				Address     string    `json:"address,omitempty" maxLength:"320" doc:"Empty: the first on the channel"`
				Subject     string    `json:"subject,omitempty" maxLength:"500"`
				Body        string    `json:"body,omitempty" maxLength:"20000"`
				Attachments []int64   `json:"attachment_ids,omitempty" maxItems:"10"`
				Cc          []string  `json:"cc,omitempty" maxItems:"50"`
				Bcc         []string  `json:"bcc,omitempty" maxItems:"50"`
				SendAt      time.Time `json:"send_at,omitzero"`

				Template *inbox.TemplateChoice `json:"template,omitempty" doc:"Goes instead of body"`
			}
		}) (*Out[inbox.Row], error) {
			b := in.Body
			return out(a.Inbox.Begin(ctx, scope(ctx), inbox.Opening{Customer: in.ID, Channel: b.Channel,
				Answer: inbox.Answer{Body: b.Body, Attachments: b.Attachments, Address: b.Address, Subject: b.Subject, Cc: b.Cc, Bcc: b.Bcc, SendAt: b.SendAt, Template: b.Template}}))
		})
	register(a, op{ID: "get-original", Method: http.MethodGet, Path: "/messages/{id}/original", Tag: tagInbox, Summary: "Get a letter as it came", Detail: "The raw mail, to be saved; nothing in it is cleaned.", Access: read},
		func(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
			raw, err := a.Inbox.Original(ctx, scope(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				defer raw.Close()
				hc.SetHeader("Content-Type", "message/rfc822")
				hc.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "letter.eml"}))
				hc.SetHeader("X-Content-Type-Options", "nosniff")
				hc.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
				_, _ = io.Copy(hc.BodyWriter(), raw) // a caller that has gone away needs no more
			}}, nil
		})
	register(a, op{ID: "show-pictures", Method: http.MethodPut, Path: "/messages/{id}/pictures", Tag: tagInbox, Summary: "Say whether a letter's sender may always show pictures that lie elsewhere", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Show bool `json:"show"`
			}
		}) (*None, error) {
			return none(a.Inbox.ShowPictures(ctx, scope(ctx), in.ID, in.Body.Show))
		})
}
