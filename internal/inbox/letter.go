package inbox

import (
	"context"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
)

// Mail is what a letter has beside its text.
type Mail struct {
	Subject string   `json:"subject"`
	From    string   `json:"from" doc:"Empty: the store"`
	To      []string `json:"to,omitempty"`
	Cc      []string `json:"cc,omitempty"`
	Bcc     []string `json:"bcc,omitempty"`
	Auto    string   `json:"auto,omitempty" doc:"Of an automatic letter, its kind: reply, generated, bulk, receipt"`
	Spam    bool     `json:"spam,omitempty"`
	Via     string   `json:"via,omitempty" doc:"Who passed it on"`
	Guessed bool     `json:"guessed,omitempty" doc:"It came here by its subject and sender alone, and nothing proves that it is from him: whom it copied in gets no answers by itself"`
	Quoted  string   `json:"quoted,omitempty" doc:"What was folded away: earlier letters, the signature"`
	SendAt  db.Time  `json:"send_at" doc:"Until when it can be taken back; null: it has gone"`
	// Pictures is of the sender: an agent has said that his may always be shown.
	Forward  bool `json:"forward,omitempty" doc:"A letter of the conversation passed on to somebody else: no answer to the customer"`
	Pictures bool `json:"pictures,omitempty" doc:"Pictures of this sender that lie elsewhere are shown without asking"`
}

// Tags of what is put aside.
const (
	TagSpam      = "spam"
	TagAutomatic = "automatic"
)

// undoFor is how long a letter waits before it goes out, so that its author can take it back.
const undoFor = 10 * time.Second

// quiet tells whether a letter asks nothing of anybody: it is kept where it belongs and wakes no one. What filters call spam is put aside
// unless it goes on with a conversation.
func quiet(in care.Inbound, begins bool) bool {
	m := in.Mail
	if m == nil {
		return false
	}
	if begins {
		return m.Automatic || m.Spam
	}
	return m.Automatic && m.Auto != "bulk"
}

// overhear adds a letter that asks nothing: nobody waits for an answer to it, nothing is reopened and no listener hears of it.
func (e *edit) overhear(in care.Inbound, files []Attachment) Message {
	m := *e.say(Message{Kind: KindReply, From: FromCustomer, Author: &Agent{e.now.Customer, e.now.PersonName}, Body: in.Body, HTML: htmlOf(in), ClientID: in.ClientID, Attachments: files})
	e.letter(m, in)
	return m
}

// putAside gives a new conversation that asks nothing its place: resolved, and tagged so that it is found and can be taken back.
func (e *edit) putAside(in care.Inbound) error {
	tag := TagAutomatic
	if in.Mail.Spam {
		tag = TagSpam
	}
	e.now.Status, e.now.ResolvedAt, e.now.Tags = Resolved, db.At(e.Now), `["`+tag+`"]`
	q := query.New(e.Tx)
	id, err := q.EnsureTag(e.ctx, query.EnsureTagParams{ID: e.ID(), StoreID: e.now.Store, Name: tag, CreatedAt: db.At(e.Now)})
	if err != nil {
		return err
	}
	return q.TagConversation(e.ctx, query.TagConversationParams{ConversationID: e.now.ID, TagID: id})
}

const insertLetter = `INSERT INTO letters (message_id, store_id, conversation_id, mail_id, sender, reference_ids, mail, quoted, send_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const maxReferences = 20

// letter keeps what a letter has beside its message.
func (e *edit) letter(m Message, in care.Inbound) {
	f := in.Mail
	if f == nil {
		return
	}
	refs := slices.Clone(f.References)
	if len(refs) == 0 {
		refs = slices.Clone(f.InReplyTo)
	}
	if f.MessageID != "" {
		refs = append(refs, f.MessageID)
	}
	if n := len(refs); n > maxReferences { // the first and the latest are what programs thread by
		refs = append(refs[:1:1], refs[n-maxReferences+1:]...)
	}
	from := senderOf(&in)
	what := Mail{Subject: in.Subject, From: from, To: f.To, Cc: f.Cc, Auto: f.Auto, Spam: f.Spam, Via: f.Via, Guessed: f.Guessed && !e.created}
	if in.Name != "" && from != "" {
		what.From = in.Name + " <" + from + ">"
	}
	raw, _ := json.Marshal(what) // strings only
	e.Defer(insertLetter, m.ID, e.now.Store, e.now.ID, f.MessageID, from, strings.Join(refs, " "), json.RawMessage(raw), f.Quoted, int64(0), m.CreatedAt)
	what.Quoted = f.Quoted
	e.said[len(e.said)-1].Mail = &what
}

func htmlOf(in care.Inbound) *string {
	if in.Mail == nil || in.Mail.HTML == "" {
		return nil
	}
	return &in.Mail.HTML
}

// ShowInline lets a letter's HTML show its enclosed pictures, by the addresses at which agents fetch attachments.
func ShowInline(html string, files map[string]int64) string {
	for cid, id := range files {
		html = strings.ReplaceAll(html, `src="cid:`+cid+`"`, `src="`+agentFiles+itoa64(id)+`"`)
	}
	return html
}

// withLetters adds to messages what they have as letters.
func withLetters(ctx context.Context, q db.Querier, messages []Message) error {
	ids := make([]int64, 0, len(messages))
	for n := range messages {
		if messages[n].Kind == KindReply {
			ids = append(ids, messages[n].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := q.Query(ctx, `SELECT l.message_id, l.mail, l.quoted, coalesce(s.run_at, 0), coalesce(f.pictures, FALSE) FROM letters l LEFT JOIN post_sends s ON s.id = l.send_id AND s.state = 'queued'
LEFT JOIN letter_senders f ON f.store_id = l.store_id AND f.address = l.sender WHERE l.message_id = ANY($1::bigint[])`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var raw []byte
		var m Mail
		var quoted string
		var at db.Time
		var pictures bool
		if err := rows.Scan(&id, &raw, &quoted, &at, &pictures); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		m.Quoted, m.SendAt, m.Pictures = quoted, at, pictures
		for n := range messages {
			if messages[n].ID == id {
				messages[n].Mail = &m
			}
		}
	}
	return rows.Err()
}

// withTimes adds to messages that haven't gone out when they will.
func withTimes(ctx context.Context, q db.Querier, messages []Message) error {
	var ids []int64
	for n := range messages {
		if d := messages[n].Delivery; d != nil && d.State == DeliveryQueued {
			ids = append(ids, messages[n].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := q.Query(ctx, `SELECT ref_id, run_at FROM post_sends WHERE kind = 'message' AND ref_id = ANY($1::bigint[]) AND state = 'queued' AND attempts = 0`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var at db.Time
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		for n := range messages {
			if messages[n].ID == id {
				messages[n].Delivery.SendAt = at
			}
		}
	}
	return rows.Err()
}

const maxAddressees = 50

// checkAddresses refuses what can't be written to, and brings the rest to one form.
func checkAddresses(field string, list []string) error {
	if len(list) > maxAddressees {
		return care.Invalid(field, "too_many_items", "max", maxAddressees)
	}
	for n, s := range list {
		a, err := mail.ParseAddress(strings.TrimSpace(s))
		if err != nil || len(s) > 400 {
			return care.Invalid(field, "email_invalid")
		}
		a.Address = strings.ToLower(a.Address)
		list[n] = a.Address
		if a.Name != "" {
			list[n] = a.Name + " <" + a.Address + ">"
		}
	}
	return nil
}
