package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
	"opeka/internal/post"
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
	Quoted  string   `json:"quoted,omitempty" doc:"What was folded away: earlier letters, the signature"`
	SendAt  db.Time  `json:"send_at" doc:"Until when it can be taken back; null: it has gone"`
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
	what := Mail{Subject: in.Subject, From: from, To: f.To, Cc: f.Cc, Auto: f.Auto, Spam: f.Spam, Via: f.Via}
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
	rows, err := q.Query(ctx, `SELECT l.message_id, l.mail, l.quoted, coalesce(s.run_at, 0) FROM letters l LEFT JOIN post_sends s ON s.id = l.send_id AND s.state = 'queued' WHERE l.message_id = ANY($1::bigint[])`, ids)
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
		if err := rows.Scan(&id, &raw, &quoted, &at); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		m.Quoted, m.SendAt = quoted, at
		for n := range messages {
			if messages[n].ID == id {
				messages[n].Mail = &m
			}
		}
	}
	return rows.Err()
}

// answered is the letter that an answer goes to.
type answered struct {
	sender, refs, mailID, body string
	mail                       Mail
	at                         db.Time
}

func lastLetter(ctx context.Context, q db.Querier, conversation int64) (l answered, err error) {
	var raw []byte
	err = q.QueryRow(ctx, `SELECT l.sender, l.reference_ids, l.mail_id, l.mail, m.body, m.created_at FROM letters l JOIN messages m ON m.id = l.message_id
WHERE l.conversation_id = $1 AND l.sender <> '' ORDER BY l.message_id DESC LIMIT 1`, conversation).Scan(&l.sender, &l.refs, &l.mailID, &raw, &l.body, &l.at)
	if errors.Is(err, db.ErrNoRows) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &l.mail)
	}
	return l, err
}

// write hands an answer to the post room as a letter: in the thread of the customer's mail program, with what it answers below it.
func (e *edit) write(m Message, a Answer, r post.Reply) error {
	last, err := lastLetter(e.ctx, e.Tx, e.now.ID)
	if err != nil {
		return err
	}
	what := Mail{Subject: answerSubject(cmp.Or(last.mail.Subject, e.now.Subject)), To: a.To, Cc: a.Cc, Bcc: a.Bcc}
	if len(what.To) == 0 && last.sender != "" {
		what.To = []string{last.sender}
	}
	if a.Cc == nil {
		what.Cc = last.mail.Cc
	}
	r.Body.Subject = what.Subject
	if len(what.To) > 0 {
		if r.To = bare(what.To[0]); r.To != last.sender {
			r.Body.ToName = ""
		}
	}
	r.Body.Headers = map[string][]string{"Message-ID": {"o" + e.inbox.signID("letter", m.ID)}, "Reply-Token": {e.inbox.signID("reply", e.now.ID)}}
	set := func(name string, list []string) {
		if len(list) > 0 {
			r.Body.Headers[name] = list
		}
	}
	set("Cc", what.Cc)
	set("Bcc", what.Bcc)
	if len(what.To) > 1 {
		set("To", what.To[1:])
	}
	if last.mailID != "" {
		set("In-Reply-To", []string{last.mailID})
	}
	set("References", strings.Fields(last.refs))
	if last.body != "" {
		r.Body.Quoted = last.at.Time().UTC().Format("2006-01-02 15:04") + ", " + cmp.Or(last.mail.From, last.sender) + ":\n" + last.body
	}
	if r.RunAt.IsZero() {
		r.RunAt = e.Now.Add(undoFor)
	}
	send, err := e.inbox.post.Reply(e.ctx, e.Tx, r)
	if err != nil {
		return err
	}
	raw, _ := json.Marshal(what) // strings only
	e.Defer(insertLetter, m.ID, e.now.Store, e.now.ID, "", "", "", json.RawMessage(raw), "", send, m.CreatedAt)
	what.SendAt = db.At(r.RunAt)
	e.said[len(e.said)-1].Mail = &what
	return nil
}

func answerSubject(s string) string {
	if replyPrefix.MatchString(s) {
		return s
	}
	return strings.TrimSpace("Re: " + s)
}

// unschedule takes back what was to be sent later: the customer has written first.
func (e *edit) unschedule() {
	if e.created || e.inbox.post == nil || e.now.Channel == care.ChannelChat {
		return
	}
	e.Enqueue(db.Job{Store: e.now.Store, Kind: JobUnschedule, Key: itoa64(e.now.ID), Payload: wakePayload{e.now.ID}})
}

// takeBackScheduled is the job of unschedule.
func (i *Inbox) takeBackScheduled(ctx context.Context, tx *db.Tx, conversation int64) error {
	due, err := ids(tx.Query(ctx, `SELECT s.id FROM messages m JOIN post_sends s ON s.kind = 'message' AND s.ref_id = m.id
WHERE m.conversation_id = $1 AND m.delivery = 'queued' AND s.state = 'queued' AND s.run_at > $2`, conversation, db.At(tx.Now.Add(undoFor+5*time.Second))))
	if err != nil {
		return err
	}
	for _, send := range due {
		if _, err := i.post.Cancel(ctx, tx, send); err != nil {
			return err
		}
	}
	return nil
}

// TakeBack stops a reply that hasn't gone out yet, and gives it back to be written anew. One that has gone is refused with message.sent.
func (i *Inbox) TakeBack(ctx context.Context, scope care.Scope, conversation, message int64) (Message, error) {
	if _, err := visible(ctx, i.db.Read(), false, scope, conversation, care.PermInboxWrite); err != nil {
		return Message{}, err
	}
	found, err := i.messages(ctx, i.db.Read(), `m.id = $1 AND m.conversation_id = $2`, message, conversation)
	if err != nil {
		return Message{}, err
	}
	if len(found) == 0 {
		return Message{}, care.NotFound("message")
	}
	m := found[0]
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		var send int64
		err := tx.QueryRow(ctx, `SELECT id FROM post_sends WHERE kind = 'message' AND ref_id = $1 AND state = 'queued' ORDER BY id LIMIT 1`, message).Scan(&send)
		if errors.Is(err, db.ErrNoRows) || i.post == nil {
			return care.Conflict("message.sent")
		}
		if err != nil {
			return err
		}
		ok, err := i.post.Cancel(ctx, tx, send)
		if err == nil && !ok {
			return care.Conflict("message.sent")
		}
		return err
	})
	return m, err
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
