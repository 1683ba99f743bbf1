package inbox

import (
	"encoding/json"
	"strconv"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Hints are published after a commit; what they say is in the database too, so losing one loses nothing.

func agentsTopic(store int64) string     { return "live.agents." + strconv.FormatInt(store, 10) }
func visitorTopic(visitor string) string { return "live.visitor." + visitor }

// conversationHint is {"t":"conversation","conversation":{...},"change":"created"}.
func conversationHint(row *Row, change string) []byte {
	b := row.appendJSON(append(make([]byte, 0, 1024), `{"t":"conversation","conversation":`...))
	return append(appendText(append(b, `,"change":`...), change), '}')
}

type messageHint struct {
	T            string  `json:"t"`
	Conversation int64   `json:"conversation_id"`
	Message      Message `json:"message"`
}

// VisitorMessage is a message as the customer sees it.
type VisitorMessage struct {
	ID          int64        `json:"id"`
	Seq         int64        `json:"seq"`
	From        string       `json:"from"`
	Author      string       `json:"author"` // the agent's name
	Body        string       `json:"body"`
	Attachments []Attachment `json:"attachments"`
	ClientID    string       `json:"client_id"`
	CreatedAt   db.Time      `json:"created_at"`
}

type visitorHint struct {
	T            string         `json:"t"`
	Conversation int64          `json:"conversation_id"`
	Message      VisitorMessage `json:"message"`
}

type statusHint struct {
	T            string `json:"t"`
	Conversation int64  `json:"conversation_id"`
	Status       string `json:"status"`
}

type readHint struct {
	T            string `json:"t"`
	Conversation int64  `json:"conversation_id"`
	By           string `json:"by,omitempty"`
	Seq          int64  `json:"seq"`
}

type typingHint struct {
	T            string `json:"t"`
	Conversation int64  `json:"conversation_id,omitempty"`
	Who          string `json:"who,omitempty"`
	Name         string `json:"name"`
	On           bool   `json:"on"`
}

var countsHint = []byte(`{"t":"counts"}`)

func (i *Inbox) publish(topic string, hint any) {
	b, err := json.Marshal(hint)
	if err != nil {
		i.log.Error("hint not sent", "topic", topic, "err", err)
		return
	}
	i.bus.Publish(topic, b)
}

// tell says what an edit did to the agents of the store and to the visitor.
func (i *Inbox) tell(e *edit, row Row, said []Message) {
	topic, change := agentsTopic(row.Store), "updated"
	if e.created {
		change = "created"
	}
	for _, m := range said {
		i.publish(topic, messageHint{"message", row.ID, m})
	}
	i.bus.Publish(topic, conversationHint(&row, change))
	if e.created || bucketOf(&e.was) != bucketOf(&e.now) {
		i.bus.Publish(topic, countsHint)
	}
	if e.now.Channel != care.ChannelChat {
		return
	}
	for n := range said {
		if said[n].Kind == KindReply {
			i.publish(visitorTopic(e.now.Thread), visitorHint{"message", row.ID, i.forVisitor(&said[n])})
		}
	}
	if !e.created && e.was.Status != e.now.Status {
		i.publish(visitorTopic(e.now.Thread), statusHint{"status", row.ID, e.now.Status})
	}
}

func (i *Inbox) forVisitor(m *Message) VisitorMessage {
	v := VisitorMessage{ID: m.ID, Seq: m.Seq, From: m.From, Body: m.Body, ClientID: m.ClientID, CreatedAt: m.CreatedAt, Attachments: make([]Attachment, len(m.Attachments))}
	if m.Author != nil && m.From == FromAgent {
		v.Author = m.Author.Name
	}
	for n, a := range m.Attachments {
		v.Attachments[n] = i.signed(a)
	}
	return v
}
