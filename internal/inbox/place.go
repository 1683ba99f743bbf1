package inbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
)

// By what a letter was found to belong to a conversation.
const (
	byToken   = "token"   // it came to the address that we gave for answers
	byAnswer  = "answer"  // it names a letter of the conversation
	bySubject = "subject" // the same person goes on under the same subject or order number
)

// clue is a conversation to which a letter may belong.
type clue struct {
	by           string
	conversation int64
	takesPart    bool // the sender is of the conversation: wrote in it or was written to
	over         bool // resolved so long ago that a letter begins a new one
}

// placed is where a letter goes.
type placed struct {
	conversation int64  // 0: a new one
	linked       int64  // the conversation that it answers without going on in it
	by           string // empty: nothing led anywhere
}

// placeLetter decides which conversation a letter goes on with. Whoever doesn't take part in a conversation never gets into it, whatever his letter names: it may
// have been passed on to him, and answers to him would carry what others wrote. What a letter looks like counts only for the same person, and
// never when the sender is in doubt.
func placeLetter(clues []clue, doubtful bool) placed {
	var p placed
	for _, c := range clues {
		if c.by == bySubject && (doubtful || !c.takesPart || c.over) {
			continue
		}
		if c.takesPart && !c.over && !doubtful {
			return placed{conversation: c.conversation, by: c.by}
		}
		if p.linked == 0 {
			p.linked, p.by = c.conversation, c.by
		}
	}
	return p
}

const (
	subjectFor   = 30 * 24 * time.Hour // how long a subject is remembered
	maxClues     = 12
	participants = 200 // letters of a conversation that are looked at for who takes part
)

// place finds where a letter belongs; seen is the message that it already is.
func (i *Inbox) place(ctx context.Context, in *care.Inbound) (p placed, seen Received, err error) {
	q, m, from := i.db.Read(), in.Mail, senderOf(in)
	if m.MessageID != "" {
		r := Received{Duplicate: true}
		err := q.QueryRow(ctx, `SELECT l.message_id, l.conversation_id, x.seq, x.author_id FROM letters l JOIN messages x ON x.id = l.message_id
WHERE l.store_id = $1 AND l.mail_id = $2 AND l.mail_id <> '' AND l.sender = $3`, in.Store, m.MessageID, from).Scan(&r.Message, &r.Conversation, &r.Seq, &r.Customer)
		if err == nil {
			return p, r, nil
		}
		if !errors.Is(err, db.ErrNoRows) {
			return p, r, err
		}
	}
	var clues []clue
	add := func(by string, conversation int64) error {
		if conversation == 0 || len(clues) >= maxClues || slices.ContainsFunc(clues, func(c clue) bool { return c.conversation == conversation }) {
			return nil
		}
		c, err := load(ctx, q, false, byID, conversation)
		if errors.Is(err, care.NotFound("")) || err == nil && c.Store != in.Store {
			return nil
		}
		if err != nil {
			return err
		}
		part, err := i.takesPart(ctx, q, &c, from)
		clues = append(clues, clue{by, conversation, part, c.expired(db.At(i.db.Now()))})
		return err
	}
	if m.ReplyToken != "" {
		if id, ok := i.unsign("reply", m.ReplyToken); ok {
			if err := add(byToken, id); err != nil {
				return p, seen, err
			}
		}
	}
	ids := slices.Clone(m.InReplyTo)
	for _, id := range slices.Backward(m.References) { // the nearest last
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids[:min(len(ids), 30)] {
		conversation, err := i.conversationOfLetter(ctx, q, in.Store, id)
		if err != nil {
			return p, seen, err
		}
		if err := add(byAnswer, conversation); err != nil {
			return p, seen, err
		}
	}
	if len(clues) == 0 && from != "" && !m.Doubtful {
		found, err := i.bySubject(ctx, q, in.Store, from, in.Subject)
		if err != nil {
			return p, seen, err
		}
		for _, id := range found {
			if err := add(bySubject, id); err != nil {
				return p, seen, err
			}
		}
	}
	return placeLetter(clues, m.Doubtful), seen, nil
}

func senderOf(in *care.Inbound) string {
	for _, id := range in.From {
		if id.Kind == care.IdentityEmail {
			return id.Value
		}
	}
	return ""
}

// conversationOfLetter finds the conversation by a Message-ID: ours carries its proof, others' are looked up.
func (i *Inbox) conversationOfLetter(ctx context.Context, q db.Querier, store int64, mailID string) (id int64, err error) {
	name, _, _ := strings.Cut(mailID, "@")
	if message, ok := i.unsign("letter", strings.TrimPrefix(name, "o")); ok && strings.HasPrefix(name, "o") {
		err = q.QueryRow(ctx, `SELECT conversation_id FROM messages WHERE id = $1 AND store_id = $2`, message, store).Scan(&id)
	} else {
		err = q.QueryRow(ctx, `SELECT conversation_id FROM letters WHERE store_id = $1 AND mail_id = $2 AND mail_id <> '' ORDER BY message_id DESC LIMIT 1`, store, mailID).Scan(&id)
	}
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// takesPart tells whether an address is of a conversation: its customer's, or one that wrote in it or to which it was written.
func (i *Inbox) takesPart(ctx context.Context, q db.Querier, c *conversation, from string) (bool, error) {
	if from == "" {
		return false, nil
	}
	rows, err := q.Query(ctx, `SELECT sender, mail FROM letters WHERE conversation_id = $1 ORDER BY message_id DESC LIMIT $2`, c.ID, int64(participants))
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var sender string
		var raw []byte
		if err := rows.Scan(&sender, &raw); err != nil {
			return false, err
		}
		if sender == from {
			return true, nil
		}
		var m Mail
		if json.Unmarshal(raw, &m) != nil || m.Guessed {
			continue // whom somebody copied in who may have been anybody
		}
		for _, list := range [][]string{m.Cc, m.Bcc, m.To} {
			// Whom a customer wrote to beside us may be anybody; whom he copied in he has told himself.
			if slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(bare(a), from) }) {
				return true, nil
			}
		}
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	rows.Close()
	known, err := addressesOf(ctx, q, c.Customer)
	return slices.ContainsFunc(known, func(a post.Address) bool { return a.Channel == care.ChannelEmail && a.Address == from }), err
}

var (
	replyPrefix = regexp.MustCompile(`(?i)^\s*(?:(?:re|aw|sv|odp|вiдп|відп|ha|на|от|fwd?|fw|wg|pd|пересл)(?:\[\d+\])?\s*:\s*)+`)
	orderNumber = regexp.MustCompile(`[0-9A-Za-zА-Яа-яІіЇїЄє]*-?\d{4,}`)
)

// baseSubject is a subject without the marks of answers.
func baseSubject(s string) (base string, answer bool) {
	base = strings.Join(strings.Fields(replyPrefix.ReplaceAllString(s, "")), " ")
	return strings.ToLower(base), replyPrefix.MatchString(s)
}

// bySubject finds the conversations of the same sender that a subject goes on with.
func (i *Inbox) bySubject(ctx context.Context, q db.Querier, store int64, from, subject string) (out []int64, err error) {
	base, answer := baseSubject(subject)
	numbers := orderNumber.FindAllString(base, 5)
	if base == "" || !answer && len(numbers) == 0 {
		return nil, nil
	}
	rows, err := q.Query(ctx, `SELECT DISTINCT c.id, c.subject FROM letters l JOIN conversations c ON c.id = l.conversation_id
WHERE l.store_id = $1 AND l.sender = $2 AND l.sender <> '' AND l.created_at > $3 AND c.channel = 'email' ORDER BY c.id DESC LIMIT 20`, store, from, db.At(i.db.Now().Add(-subjectFor)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var had string
		if err := rows.Scan(&id, &had); err != nil {
			return nil, err
		}
		b, _ := baseSubject(had)
		if answer && b == base || slices.ContainsFunc(numbers, func(n string) bool { return slices.Contains(orderNumber.FindAllString(b, 5), n) }) {
			out = append(out, id)
		}
	}
	return out, rows.Err()
}

// signID makes a name of an id that nobody else can make: for the answers' address and for our Message-IDs.
func (i *Inbox) signID(what string, id int64) string {
	return strconv.FormatInt(id, 36) + "." + i.mac(what, id)
}

func (i *Inbox) mac(what string, id int64) string {
	m := hmac.New(sha256.New, i.secret)
	_, _ = m.Write([]byte(what + ":" + strconv.FormatInt(id, 10)))
	return hex.EncodeToString(m.Sum(nil)[:8])
}

func (i *Inbox) unsign(what, s string) (id int64, ok bool) {
	head, mac, found := strings.Cut(strings.ToLower(s), ".")
	id, err := strconv.ParseInt(head, 36, 64)
	return id, found && err == nil && hmac.Equal([]byte(mac), []byte(i.mac(what, id)))
}

// bare is an address without its name.
func bare(a string) string {
	if n := strings.LastIndexByte(a, '<'); n >= 0 {
		a = strings.TrimSuffix(a[n+1:], ">")
	}
	return strings.ToLower(strings.TrimSpace(a))
}
