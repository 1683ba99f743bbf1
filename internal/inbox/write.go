package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
	"opeka/internal/post"
)

// answered is the letter that an answer goes to.
type answered struct {
	sender, refs, mailID, body string
	mail                       Mail
	at                         db.Time
	seq                        int64
}

const selectAnswered = `SELECT l.sender, l.reference_ids, l.mail_id, l.mail, m.body, m.created_at, m.seq FROM letters l JOIN messages m ON m.id = l.message_id WHERE l.conversation_id = $1`

// lastLetter is the one that waits for an answer: the latest that came, unless it is of somebody to whom the conversation was passed on.
func lastLetter(ctx context.Context, q db.Querier, conversation int64) (last answered, err error) {
	rows, err := q.Query(ctx, selectAnswered+` ORDER BY l.message_id DESC LIMIT $2`, conversation, int64(participants))
	if err != nil {
		return last, err
	}
	defer rows.Close()
	var came []answered
	outside := map[string]bool{}
	for rows.Next() {
		var l answered
		var raw []byte
		if err := rows.Scan(&l.sender, &l.refs, &l.mailID, &raw, &l.body, &l.at, &l.seq); err != nil {
			return last, err
		}
		if err := json.Unmarshal(raw, &l.mail); err != nil {
			return last, err
		}
		if l.sender != "" {
			came = append(came, l)
		} else if l.mail.Forward {
			for _, a := range slices.Concat(l.mail.To, l.mail.Cc, l.mail.Bcc) {
				outside[bare(a)] = true
			}
		}
	}
	for _, l := range came {
		if !outside[l.sender] {
			return l, rows.Err()
		}
	}
	if len(came) > 0 {
		last = came[0]
	}
	return last, rows.Err()
}

// lastLetterOf is the latest letter of one sender; a zero one if he wrote none. What an answer quotes is only ever what its first reader wrote.
func lastLetterOf(ctx context.Context, q db.Querier, conversation int64, sender string) (l answered, err error) {
	var raw []byte
	err = q.QueryRow(ctx, selectAnswered+` AND l.sender = $2 AND l.sender <> '' ORDER BY l.message_id DESC LIMIT 1`, conversation, sender).Scan(&l.sender, &l.refs, &l.mailID, &raw, &l.body, &l.at, &l.seq)
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
	if a.Forward == 0 {
		asked, err := unanswered(e.ctx, e.Tx, e.now.ID)
		if err != nil {
			return err
		}
		e.checked(m, asked)
	}
	subject := cmp.Or(last.mail.Subject, e.now.Subject)
	if len(a.To) > 0 && bare(a.To[0]) != last.sender {
		if last, err = lastLetterOf(e.ctx, e.Tx, e.now.ID, bare(a.To[0])); err != nil {
			return err
		}
	}
	what := Mail{Subject: cmp.Or(a.Subject, answerSubject(subject)), To: a.To, Cc: a.Cc, Bcc: a.Bcc, Forward: a.Forward != 0}
	if len(what.To) == 0 && last.sender != "" && !what.Forward {
		what.To = []string{last.sender}
	}
	if a.Cc == nil && !what.Forward && !last.mail.Guessed {
		what.Cc = last.mail.Cc
	}
	if e.created { // the conversation begins with it
		what.Subject = cmp.Or(a.Subject, e.now.Subject)
	}
	quoted := ""
	if last.body != "" {
		quoted = last.at.Time().UTC().Format("2006-01-02 15:04") + ", " + cmp.Or(last.mail.From, last.sender) + ":\n" + last.body
	}
	if what.Forward {
		passed, files, err := e.forwarded(a.Forward)
		if err != nil {
			return err
		}
		quoted, r.Body.Files = passed, append(r.Body.Files, files...)
		if a.Subject == "" {
			what.Subject = strings.TrimSpace("Fwd: " + replyPrefix.ReplaceAllString(subject, ""))
		}
	}
	r.Body.Subject, r.Body.Quoted = what.Subject, quoted
	if len(what.To) > 0 {
		if r.To = bare(what.To[0]); r.To != last.sender || what.Forward {
			r.Body.ToName = nameIn(what.To[0])
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
	if e.actor != "" {
		set("Agent", []string{e.actor})
	}
	if last.mailID != "" && !what.Forward {
		set("In-Reply-To", []string{last.mailID})
	}
	set("References", strings.Fields(last.refs))
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
	said := &e.said[len(e.said)-1]
	said.Mail, said.Delivery.SendAt = &what, what.SendAt
	return nil
}

// forwarded is a letter of the conversation as it is passed on: its head, its text, its files.
func (e *edit) forwarded(message int64) (quoted string, files []post.File, err error) {
	found, err := e.inbox.messages(e.ctx, e.Tx, `m.id = $1 AND m.conversation_id = $2 AND m.kind = 'reply'`, message, e.now.ID)
	if err != nil {
		return "", nil, err
	}
	if len(found) == 0 {
		return "", nil, care.NotFound("message")
	}
	m := found[0]
	var b strings.Builder
	b.WriteString("---------- Forwarded message ----------\n")
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	if l := m.Mail; l != nil {
		line("From", l.From)
		line("Date", m.CreatedAt.Time().UTC().Format("2006-01-02 15:04 UTC"))
		line("Subject", l.Subject)
		line("To", strings.Join(l.To, ", "))
		line("Cc", strings.Join(l.Cc, ", "))
	}
	b.WriteString("\n" + m.Body)
	if m.Mail != nil && m.Mail.Quoted != "" {
		b.WriteString("\n\n" + m.Mail.Quoted)
	}
	for _, f := range m.Attachments {
		row, err := query.New(e.Tx).Attachment(e.ctx, f.ID)
		if err != nil {
			return "", nil, err
		}
		files = append(files, post.File{Name: row.Name, ContentType: row.ContentType, Size: row.Size, BlobKey: row.BlobKey})
	}
	return b.String(), files, nil
}

func answerSubject(s string) string {
	if replyPrefix.MatchString(s) {
		return s
	}
	return strings.TrimSpace("Re: " + s)
}

// nameIn is the name before an address.
func nameIn(a string) string {
	if n := strings.LastIndexByte(a, '<'); n > 0 {
		return strings.Trim(strings.TrimSpace(a[:n]), `"`)
	}
	return ""
}
