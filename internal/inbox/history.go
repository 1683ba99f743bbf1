package inbox

import (
	"context"
	"errors"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
)

// Detail is a conversation as an agent opens it.
type Detail struct {
	Conversation Full      `json:"conversation"`
	Messages     []Message `json:"messages"`
	HasMore      bool      `json:"has_more"`
	Draft        *Draft    `json:"draft"`
	Viewers      []Agent   `json:"viewers"`
}

// Full is a row with what only the open conversation shows.
type Full struct {
	Row
	PageURL      string   `json:"page_url"`
	Visitor      *Visitor `json:"visitor"` // of a chat
	ReadCustomer int64    `json:"read_seq_customer"`
	ReadAgent    int64    `json:"read_seq_agent"`
}

// Visitor is where a customer on the shop's page is. Whether he is there now, web/live knows.
type Visitor struct {
	Online    bool    `json:"online"`
	PageTitle string  `json:"page_title"`
	PageURL   string  `json:"page_url"`
	UserAgent string  `json:"user_agent"`
	Language  string  `json:"language"`
	SeenAt    db.Time `json:"seen_at"`
	// Thread is the visitor's id, for web/live to ask about; it is a secret of the visitor.
	Thread string `json:"-"`
}

const pageOfMessages = 50

// Show opens a conversation: its last messages, the caller's draft, and who else looks at it. The caller is shown to others as a viewer.
func (i *Inbox) Show(ctx context.Context, scope care.Scope, id int64) (Detail, error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, id, care.PermInboxRead)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Conversation: Full{Row: c.row(), ReadCustomer: c.ReadCustomer, ReadAgent: c.ReadAgent}}
	if c.Channel == care.ChannelChat {
		d.Conversation.Visitor = &Visitor{Language: c.Language, Thread: c.Thread}
	}
	if v := d.Conversation.Visitor; v != nil && c.PageHash != 0 {
		err := q.QueryRow(ctx, `SELECT url, title, user_agent, seen_at FROM conversation_pages WHERE conversation_id = $1`, id).Scan(&v.PageURL, &v.PageTitle, &v.UserAgent, &v.SeenAt)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return Detail{}, err
		}
		d.Conversation.PageURL = v.PageURL
	}
	if d.Messages, d.HasMore, err = i.lastMessages(ctx, q, id, 0, pageOfMessages, false); err != nil {
		return Detail{}, err
	}
	readBy(d.Messages, c.ReadCustomer)
	if scope.Agent != 0 {
		row, err := query.New(q).Draft(ctx, query.DraftParams{ConversationID: id, AgentID: scope.Agent})
		if err == nil {
			d.Draft = &Draft{row.Body, row.Mode, row.UpdatedAt}
		} else if !errors.Is(err, db.ErrNoRows) {
			return Detail{}, err
		}
		i.look(ctx, &c, scope.Agent)
	}
	d.Viewers = i.viewers.of(id, scope.Agent)
	return d, nil
}

// History returns messages before or after a sequence number (after wins), in their order, and whether there are more in that direction.
func (i *Inbox) History(ctx context.Context, scope care.Scope, id, before, after int64, limit int) (messages []Message, more bool, err error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, id, care.PermInboxRead)
	if err != nil {
		return nil, false, err
	}
	if limit <= 0 || limit > 100 {
		limit = pageOfMessages
	}
	if after > 0 {
		messages, err = i.messages(ctx, q, `m.conversation_id = $1 AND m.seq > $2 ORDER BY m.seq LIMIT $3`, id, after, int64(limit+1))
		if more = len(messages) > limit; more {
			messages = messages[:limit]
		}
	} else {
		messages, more, err = i.lastMessages(ctx, q, id, before, limit, false)
	}
	readBy(messages, c.ReadCustomer)
	return messages, more, err
}

// lastMessages are the last ones before a number (0: of all), in their order.
func (i *Inbox) lastMessages(ctx context.Context, q db.Querier, id, before int64, limit int, public bool) (messages []Message, more bool, err error) {
	where := `m.conversation_id = $1 AND m.seq < $2`
	if public {
		where += ` AND m.kind = 'reply'`
	}
	if before <= 0 {
		before = 1 << 53
	}
	messages, err = i.messages(ctx, q, where+` ORDER BY m.seq DESC LIMIT $3`, id, before, int64(limit+1))
	if err != nil {
		return nil, false, err
	}
	if more = len(messages) > limit; more {
		messages = messages[:limit]
	}
	slices.Reverse(messages)
	return messages, more, nil
}

// messages reads messages with their attachments.
func (i *Inbox) messages(ctx context.Context, q db.Querier, where string, args ...any) ([]Message, error) {
	rows, err := q.Query(ctx, `SELECT `+messageColumns+messageJoins+` WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	out := []Message{}
	var with []int64
	for rows.Next() {
		var m Message
		files, err := m.scan(rows)
		if err != nil {
			rows.Close()
			return nil, err
		}
		if files > 0 {
			with = append(with, m.ID)
		}
		out = append(out, m)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return out, err
	}
	if err := errors.Join(withLetters(ctx, q, out), withTimes(ctx, q, out)); err != nil || len(with) == 0 {
		return out, err
	}
	files, err := query.New(q).AttachmentsOfMessages(ctx, with)
	if err != nil {
		return nil, err
	}
	for n := range out {
		for _, f := range files {
			if f.MessageID == out[n].ID {
				out[n].Attachments = append(out[n].Attachments, attachmentFrom(f))
			}
		}
	}
	return out, nil
}

// readBy marks the replies that the customer has read.
func readBy(messages []Message, seq int64) {
	for n := range messages {
		if d := messages[n].Delivery; d != nil && messages[n].Seq <= seq && (d.State == DeliverySent || d.State == DeliveryDelivered) {
			d.State = DeliveryRead
		}
	}
}

// Thread is a conversation as its customer sees it.
type Thread struct {
	Conversation int64            `json:"conversation_id"`
	Status       string           `json:"status"`
	Agent        string           `json:"agent"` // who answers, empty if nobody yet
	Customer     int64            `json:"-"`
	LastSeq      int64            `json:"last_seq"`
	ReadCustomer int64            `json:"read_seq_customer"`
	ReadAgent    int64            `json:"read_seq_agent"`
	Messages     []VisitorMessage `json:"messages"`
	HasMore      bool             `json:"has_more"`
}

// ThreadOf returns a thread's latest conversation for its customer: notes and system messages stay inside. With after > 0
// only what came later (resuming), with before > 0 what came earlier. NotFound if the thread has none.
func (i *Inbox) ThreadOf(ctx context.Context, store int64, channel, thread string, before, after int64) (Thread, error) {
	q := i.db.Read()
	c, err := load(ctx, q, false, byThread, store, channel, thread)
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Conversation: c.ID, Status: c.Status, Agent: c.AgentName, Customer: c.Person, LastSeq: c.LastSeq, ReadCustomer: c.ReadCustomer, ReadAgent: c.ReadAgent}
	var messages []Message
	if after > 0 {
		messages, err = i.messages(ctx, q, `m.conversation_id = $1 AND m.seq > $2 AND m.kind = 'reply' ORDER BY m.seq LIMIT 101`, c.ID, after)
		if t.HasMore = len(messages) > 100; t.HasMore {
			messages = messages[:100]
		}
	} else {
		messages, t.HasMore, err = i.lastMessages(ctx, q, c.ID, before, pageOfMessages, true)
	}
	t.Messages = make([]VisitorMessage, len(messages))
	for n := range messages {
		t.Messages[n] = i.forVisitor(&messages[n])
	}
	return t, err
}
