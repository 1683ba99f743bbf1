package inbox

import (
	"encoding/json"
	"strconv"

	"opeka/internal/db"
)

func itoa(n int) string { return strconv.Itoa(n) }

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// Message is a message as agents see it.
type Message struct {
	ID           int64        `json:"id"`
	Conversation int64        `json:"conversation_id"`
	Seq          int64        `json:"seq"`
	Kind         string       `json:"kind" enum:"reply,note,system"`
	From         string       `json:"from" enum:"customer,agent,bot,system"`
	Author       *Agent       `json:"author"`
	Body         string       `json:"body"`
	HTML         *string      `json:"html"`
	Attachments  []Attachment `json:"attachments"`
	ClientID     string       `json:"client_id"`
	Delivery     *Delivery    `json:"delivery"` // null: nothing to deliver
	Channel      string       `json:"channel" doc:"By which it went or came, when that isn't the conversation's own"`
	CreatedAt    db.Time      `json:"created_at"`
	System       *System      `json:"system"`
	Mail         *Mail        `json:"mail" doc:"What a letter has beside its text; null on other channels"`
}

// Delivery is how far a message to the customer has come.
type Delivery struct {
	State  string `json:"state" enum:"queued,sent,delivered,read,failed,unknown,cancelled"`
	Reason string `json:"reason" doc:"Why it failed: delivery.<reason> of the catalogue"`
	Detail string `json:"detail" doc:"The service's own words"`
	// SendAt is when a queued message goes out, while that lies ahead or it can still be taken back.
	SendAt db.Time `json:"send_at" doc:"When it goes out and until when it can be taken back; null: it has gone, or goes at once"`
}

// Delivery states. What an agent took back is DeliveryCancelled.
const (
	DeliveryCancelled = "cancelled"
	DeliveryQueued    = "queued"
	DeliverySent      = "sent"
	DeliveryDelivered = "delivered"
	DeliveryRead      = "read"
	DeliveryFailed    = "failed"
	DeliveryUnknown   = "unknown" // it may or may not have gone out, and isn't repeated by itself
)

// System is what happened to a conversation: the catalogue has the words for it under `system.<code>`, with Params and the author as {actor}.
type System struct {
	Code   string          `json:"code"`
	Params json.RawMessage `json:"params"`
}

// Codes of system messages.
const (
	SystemAssigned   = "assigned" // agent; by somebody else
	SystemClaimed    = "claimed"  // agent; by himself, or by routing
	SystemUnassigned = "unassigned"
	SystemReturned   = "returned" // agent; he has been offline for long
	SystemResolved   = "resolved"
	SystemReopened   = "reopened"
	SystemPending    = "pending"
	SystemSnoozed    = "snoozed" // until
	SystemWoken      = "woken"
	SystemQueued     = "queued"           // queue
	SystemTeam       = "team"             // team
	SystemTopic      = "topic"            // topic
	SystemTagged     = "tagged"           // tags
	SystemAsked      = "inquiry_asked"    // department, text
	SystemAnswered   = "inquiry_answered" // department, reason (the verdict), quantity, day, text
	SystemSilent     = "inquiry_overdue"  // department, text
	SystemUnasked    = "inquiry_cancelled"
	SystemLinked     = "linked" // conversation_id; the letter answers one of it, and isn't of its people
)

const messageColumns = `m.id, m.conversation_id, m.seq, m.kind, m.sender, m.author_id, m.body, m.html, m.attachments, m.client_id,
m.delivery, m.delivery_reason, m.delivery_detail, m.channel, m.code, m.params, m.created_at, coalesce(a.name, k.name, '')`

const messageJoins = ` FROM messages m LEFT JOIN agents a ON a.id = m.author_id AND m.sender <> 'customer'
LEFT JOIN customers k ON k.id = m.author_id AND m.sender = 'customer'`

// scan also returns how many attachments the message has; they are read apart.
func (m *Message) scan(row interface{ Scan(...any) error }) (files int64, err error) {
	var author int64
	var name, html, code string
	var params []byte
	var d Delivery
	err = row.Scan(&m.ID, &m.Conversation, &m.Seq, &m.Kind, &m.From, &author, &m.Body, &html, &files, &m.ClientID,
		&d.State, &d.Reason, &d.Detail, &m.Channel, &code, &params, &m.CreatedAt, &name)
	if author != 0 {
		m.Author = &Agent{author, name}
	}
	if html != "" {
		m.HTML = &html
	}
	if d.State != "" {
		m.Delivery = &d
	}
	if code != "" {
		m.System = &System{code, params}
	}
	m.Attachments = []Attachment{}
	return files, err
}

const insertMessage = `INSERT INTO messages (id, store_id, conversation_id, seq, kind, sender, author_id, body, html, attachments, client_id, delivery, delivery_reason, channel, code, params, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

func (m *Message) values(store int64) []any {
	var author int64
	if m.Author != nil {
		author = m.Author.ID
	}
	var html, code string
	params := noParams
	var d Delivery
	if m.Delivery != nil {
		d = *m.Delivery
	}
	if m.HTML != nil {
		html = *m.HTML
	}
	if m.System != nil {
		code, params = m.System.Code, m.System.Params
	}
	return []any{m.ID, store, m.Conversation, m.Seq, m.Kind, m.From, author, m.Body, html, int64(len(m.Attachments)), m.ClientID,
		d.State, d.Reason, m.Channel, code, params, m.CreatedAt}
}

var noParams = json.RawMessage(`{}`)
