package widget

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/web/live"
	"opeka/messages"
)

// talk is a part of what a visitor and the shop have said, over all of his conversations.
type talk struct {
	Messages      []talkMessage      `json:"messages"`
	Conversations []talkConversation `json:"conversations"`
	More          bool               `json:"more"`
}

type talkMessage struct {
	Conversation int64 `json:"conversation_id"`
	inbox.VisitorMessage
}

type talkConversation struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
	Read   int64  `json:"read_seq"` // how far agents have read
}

func emptyTalk() talk { return talk{Messages: []talkMessage{}, Conversations: []talkConversation{}} }

func talkOf(t inbox.Talk) talk {
	out := emptyTalk()
	out.More = t.HasMore
	for _, c := range t.Conversations {
		out.Conversations = append(out.Conversations, talkConversation{c.ID, c.Status, c.ReadAgent})
	}
	for _, m := range t.Messages {
		out.Messages = append(out.Messages, talkMessage{m.Conversation, m.VisitorMessage})
	}
	return out
}

// messages answers "what came before?" (before=id) and "what did I miss?" (after=newest id,conversation:seq,...). The last
// number of each conversation is what counts: ids of two nodes may commit in another order than they were made.
func (d *Door) messages(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	part, err := partOf(r.URL.Query().Get("before"), r.URL.Query().Get("after"))
	if err != nil {
		return nil, err
	}
	if part.After > 0 {
		d.o.Polled(live.Visitor{Store: r.claims.Store, ID: r.claims.Visitor})
	}
	t, err := d.o.Inbox.Talk(r.Context(), r.store.ID, care.ChannelChat, r.claims.Visitor, part)
	if err != nil {
		return nil, err
	}
	return talkOf(t), nil
}

func partOf(before, after string) (p inbox.TalkPart, err error) {
	invalid := care.Invalid("after", "value_invalid")
	if before != "" {
		if p.Before, err = strconv.ParseInt(before, 10, 64); err != nil || p.Before < 0 {
			return p, care.Invalid("before", "value_invalid")
		}
		return p, nil
	}
	if after == "" {
		return p, nil
	}
	if len(after) > 1000 {
		return p, invalid
	}
	newest, known, _ := strings.Cut(after, ",")
	if p.After, err = strconv.ParseInt(newest, 10, 64); err != nil || p.After < 0 {
		return p, invalid
	}
	p.Known = map[int64]int64{}
	for pair := range strings.SplitSeq(known, ",") {
		if pair == "" {
			continue
		}
		id, seq, _ := strings.Cut(pair, ":")
		c, err1 := strconv.ParseInt(id, 10, 64)
		n, err2 := strconv.ParseInt(seq, 10, 64)
		if err1 != nil || err2 != nil {
			return p, invalid
		}
		p.Known[c] = n
	}
	return p, nil
}

type sendInput struct {
	ClientID    string    `json:"client_id"`
	Body        string    `json:"body"`
	Attachments []int64   `json:"attachments"`
	Contact     *contact  `json:"contact"`
	Page        care.Page `json:"page"`
	Language    string    `json:"language"`
}

type sendOutput struct {
	Conversation int64   `json:"conversation_id"`
	Seq          int64   `json:"seq"`
	ID           int64   `json:"id"`
	CreatedAt    db.Time `json:"created_at"`
	Duplicate    bool    `json:"duplicate"`
}

// send takes a message. The same client_id is stored once, however often it is sent.
func (d *Door) send(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	var in sendInput
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if in.ClientID == "" || len(in.ClientID) > 100 {
		return nil, care.Invalid("client_id", "widget.client_id_invalid")
	}
	if err := d.limits.sends.Check(r.claims.Visitor, r.now); err != nil {
		return nil, err
	}
	message := care.Inbound{
		Store: r.store.ID, Channel: care.ChannelChat, Thread: r.claims.Visitor, ClientID: in.ClientID, From: r.claims.identities(r.now), Name: r.claims.Name,
		Language: messages.Match(in.Language), Body: in.Body, Attachments: in.Attachments,
		Page: care.Page{URL: clip(in.Page.URL, 1000), Title: clip(in.Page.Title, 200), Agent: clip(r.UserAgent(), 300)},
	}
	if in.Contact != nil {
		ids, err := in.Contact.identities(r.store.region())
		if err != nil {
			return nil, err
		}
		message.From = append(message.From, ids...)
		message.Name = cmp.Or(message.Name, clip(strings.TrimSpace(in.Contact.Name), 200))
	}
	got, err := d.o.Inbox.Receive(r.Context(), message)
	if err != nil {
		return nil, err
	}
	return sendOutput{got.Conversation, got.Seq, got.Message, db.At(r.now), got.Duplicate}, nil
}

// upload keeps a file that the visitor means to send.
func (d *Door) upload(w http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	if err := d.limits.uploads.Check(r.claims.Visitor, r.now); err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, errMalformed
	}
	limit := int64(inbox.MaxFileSize) + 1<<16
	parts := multipart.NewReader(http.MaxBytesReader(w, r.whole, limit), params["boundary"])
	for range 5 {
		part, err := parts.NextPart()
		if err != nil {
			return nil, errMalformed
		}
		if part.FormName() != "file" {
			continue
		}
		a, err := d.o.Inbox.Upload(r.Context(), inbox.Upload{Store: r.store.ID, OwnerKind: care.ActorCustomer, Owner: r.claims.Visitor, Name: part.FileName(), Content: part})
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return nil, tooLarge(inbox.MaxFileSize)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errMalformed
		case err != nil:
			return nil, err
		}
		return d.o.Inbox.Signed(a), nil
	}
	return nil, errMalformed
}

// read notes how far the visitor has read.
func (d *Door) read(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	var in struct {
		Conversation int64 `json:"conversation_id"`
		Seq          int64 `json:"seq"`
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	// Only the latest conversation has marks: nobody waits to see whether an old one was read.
	latest, err := d.Conversation(r.Context(), live.Visitor{Store: r.store.ID, ID: r.claims.Visitor})
	if err != nil || latest != in.Conversation {
		if err == nil && latest == 0 {
			err = care.NotFound("conversation")
		}
		return nil, err
	}
	return nil, d.o.Inbox.ReadByCustomer(r.Context(), r.store.ID, care.ChannelChat, r.claims.Visitor, in.Seq)
}
