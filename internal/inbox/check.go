package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
	"opeka/internal/text/letter"
)

// Envelope is what an answer by letter would have around it.
type Envelope struct {
	From      string   `json:"from" doc:"The store's mailbox; empty: it has none"`
	Signature string   `json:"signature" doc:"Put below the text; {agent} is the caller"`
	Subject   string   `json:"subject"`
	To        []string `json:"to" doc:"Who wrote the letter that is answered"`
	Cc        []string `json:"cc" doc:"Those to whom it was copied, and its other readers: for an answer to all"`
	Known     []string `json:"known" doc:"Addresses of the customer and of those who take part"`
}

// Envelope returns that of an answer to a conversation; message, if not 0, is the letter of it that is answered.
func (i *Inbox) Envelope(ctx context.Context, scope care.Scope, id, message int64) (Envelope, error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, id, care.PermInboxRead)
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{To: []string{}, Cc: []string{}, Known: []string{}, Subject: c.Subject}
	var head post.Letterhead
	if i.post != nil {
		if head, err = i.post.Letterhead(ctx, c.Store, c.Thread); err != nil {
			return e, err
		}
	}
	e.From, e.Signature = head.From, head.Signature
	if scope.Agent != 0 {
		e.Signature = strings.ReplaceAll(e.Signature, "{agent}", i.agentName(ctx, scope.Agent))
	}
	last, err := lastLetter(ctx, q, id)
	if message != 0 && err == nil {
		var m Message
		if m, err = i.messageIn(ctx, id, message); err == nil && m.Mail != nil && m.From == FromCustomer {
			last = answered{sender: bare(m.Mail.From), mail: *m.Mail}
		}
	}
	if err != nil {
		return e, err
	}
	add := func(to *[]string, list ...string) {
		for _, a := range list {
			key := bare(a)
			if key != "" && !head.Own(key) && !slices.ContainsFunc(*to, func(had string) bool { return bare(had) == key }) {
				*to = append(*to, a)
			}
		}
	}
	if last.sender != "" {
		e.Subject = answerSubject(cmp.Or(last.mail.Subject, c.Subject))
		add(&e.To, cmp.Or(last.mail.From, last.sender))
		if !last.mail.Guessed { // else whom it names may be anybody
			add(&e.Cc, last.mail.To...)
			add(&e.Cc, last.mail.Cc...)
		}
		e.Cc = slices.DeleteFunc(e.Cc, func(a string) bool { return bare(a) == last.sender })
	}
	known, err := addressesOf(ctx, q, c.Customer)
	if err != nil {
		return e, err
	}
	for _, a := range known {
		if a.Channel == care.ChannelEmail {
			add(&e.Known, a.Address)
		}
	}
	seen, err := readersOf(ctx, q, id)
	add(&e.Known, seen...)
	if len(e.To) == 0 && len(e.Known) > 0 && last.sender == "" {
		e.To = e.Known[:1:1]
	}
	return e, err
}

// readersOf are all who wrote or were written to in a conversation's letters, the latest first.
func readersOf(ctx context.Context, q db.Querier, conversation int64) (out []string, err error) {
	rows, err := q.Query(ctx, `SELECT mail FROM letters WHERE conversation_id = $1 ORDER BY message_id DESC LIMIT $2`, conversation, int64(participants))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		var m Mail
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		if json.Unmarshal(raw, &m) != nil {
			continue
		}
		if m.From != "" {
			out = append(out, m.From)
		}
		out = slices.Concat(out, m.To, m.Cc, m.Bcc)
	}
	return out, rows.Err()
}

// Check is what there is to say of an answer before it is sent.
type Check struct {
	Questions []letter.Question `json:"questions" doc:"What the customer has asked since the last answer, and whether this one has words of it"`
	Refused   []Refused         `json:"refused" doc:"Addresses at which letters weren't taken, or whose owners don't want any"`
	New       []string          `json:"new" doc:"Addresses that haven't taken part in the conversation"`
}

// Refused is an address that is better not written to.
type Refused struct {
	Address string `json:"address"`
	Reason  string `json:"reason" enum:"stop,blocked,bounce,complaint,agent"`
}

// Check looks at an answer before it is sent. It stops nothing.
func (i *Inbox) Check(ctx context.Context, scope care.Scope, id int64, a Answer) (Check, error) {
	q := i.db.Read()
	out := Check{Questions: []letter.Question{}, Refused: []Refused{}, New: []string{}}
	c, err := visible(ctx, q, false, scope, id, care.PermInboxWrite)
	if err != nil {
		return out, err
	}
	for field, list := range map[string][]string{"to": a.To, "cc": a.Cc, "bcc": a.Bcc} {
		if err := checkAddresses(field, list); err != nil {
			return out, err
		}
	}
	asked, err := unanswered(ctx, q, id)
	if err != nil {
		return out, err
	}
	if found := letter.Check(asked, a.Body); found != nil {
		out.Questions = found
	}
	seen, err := readersOf(ctx, q, id)
	if err != nil {
		return out, err
	}
	known, err := addressesOf(ctx, q, c.Customer)
	if err != nil {
		return out, err
	}
	for _, k := range known {
		seen = append(seen, k.Address)
	}
	for _, to := range slices.Concat(a.To, a.Cc, a.Bcc) {
		key := bare(to)
		if !slices.ContainsFunc(seen, func(s string) bool { return bare(s) == key }) && !slices.Contains(out.New, key) {
			out.New = append(out.New, key)
		}
		if i.post == nil {
			continue
		}
		reason, err := i.post.OptedOut(ctx, q, c.Store, care.ChannelEmail, key)
		if err != nil {
			return out, err
		}
		if reason != "" && !slices.ContainsFunc(out.Refused, func(r Refused) bool { return r.Address == key }) {
			out.Refused = append(out.Refused, Refused{key, reason})
		}
	}
	return out, nil
}

const maxUnanswered = 10 // messages in a row that are read for questions

// unanswered is what the customer has written since the last answer that went to him.
func unanswered(ctx context.Context, q db.Querier, conversation int64) (string, error) {
	rows, err := q.Query(ctx, `SELECT m.sender, m.body, m.delivery, coalesce(l.mail, '{}') FROM messages m LEFT JOIN letters l ON l.message_id = m.id WHERE m.conversation_id = $1 AND m.kind = 'reply' ORDER BY m.seq DESC LIMIT $2`,
		conversation, int64(2*maxUnanswered))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var parts []string
	for rows.Next() && len(parts) < maxUnanswered {
		var sender, body, delivery string
		var raw []byte
		var m Mail
		if err := rows.Scan(&sender, &body, &delivery, &raw); err != nil {
			return "", err
		}
		_ = json.Unmarshal(raw, &m) // one that can't be read is an ordinary message
		if sender == FromCustomer {
			parts = append(parts, body)
		} else if delivery != DeliveryCancelled && !m.Forward {
			break
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "\n\n"), rows.Err()
}

// checked keeps how whole an answer is as it goes out.
func (e *edit) checked(m Message, asked string) {
	if asked == "" || m.Author == nil {
		return
	}
	open := 0
	found := letter.Check(asked, m.Body)
	for _, q := range found {
		if !q.Answered {
			open++
		}
	}
	if len(found) > 0 {
		e.Defer(`INSERT INTO answer_checks (message_id, store_id, conversation_id, agent_id, asked, open, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			m.ID, e.now.Store, e.now.ID, m.Author.ID, int64(len(found)), int64(open), m.CreatedAt)
	}
}
