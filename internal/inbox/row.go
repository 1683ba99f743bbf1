package inbox

import (
	"encoding/json"
	"strings"

	"opeka/internal/db"
)

// Row is a conversation as lists show it.
type Row struct {
	ID            int64           `json:"id"`
	Store         int64           `json:"store_id"`
	Number        int64           `json:"number"`
	Version       int64           `json:"version"`
	Status        string          `json:"status" enum:"open,pending,snoozed,resolved"`
	Channel       string          `json:"channel"`
	Subject       string          `json:"subject"`
	Preview       string          `json:"preview"`
	PreviewFrom   string          `json:"preview_from" enum:"customer,agent,note"`
	Customer      Person          `json:"customer"`
	Assignee      *Agent          `json:"assignee"`
	Queue         int64           `json:"queue_id"`
	Team          int64           `json:"team_id"`
	Priority      int64           `json:"priority" minimum:"0" maximum:"3"`
	Tags          json.RawMessage `json:"tags"`
	Topic         string          `json:"topic"`
	Language      string          `json:"language"`
	Unread        int64           `json:"unread" doc:"Messages of the customer that no agent has read"`
	LastSeq       int64           `json:"last_seq"`
	LastMessageAt db.Time         `json:"last_message_at"`
	WaitingSince  db.Time         `json:"waiting_since_at" doc:"Since when the customer waits for an answer"`
	CreatedAt     db.Time         `json:"created_at"`
	SnoozedUntil  db.Time         `json:"snoozed_until"`
	Deadline      db.Time         `json:"deadline_at" doc:"By when the first response is due"`
	Listed        db.Time         `json:"-"` // its place in lists
}

// Person is a customer as a list shows him.
type Person struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Initials string `json:"initials"`
}

// Agent is an agent as a list shows him.
type Agent struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// rowColumns belong to rowJoins and Row.scan: of a conversation what lists show, which is half of it.
const (
	rowColumns = `c.id, c.store_id, c.number, c.version, c.status, c.channel, c.subject, c.preview, c.preview_from, c.assignee_id, c.queue_id, c.team_id, c.priority, c.tags,
c.language, c.unread, c.last_seq, c.last_message_at, c.listed_at, c.waiting_since_at, c.created_at, c.snoozed_until_at, c.deadline_at,
coalesce(r.id, c.customer_id), coalesce(r.name, k.name, ''), coalesce(a.name, ''), coalesce(t.name, '')`
	rowJoins = ` LEFT JOIN customers k ON k.id = c.customer_id LEFT JOIN customers r ON r.id = k.merged_into AND k.merged_into <> 0
LEFT JOIN agents a ON a.id = c.assignee_id LEFT JOIN topics t ON t.id = c.topic_id`
)

func (r *Row) scan(row interface{ Scan(...any) error }) error {
	var assignee Agent
	err := row.Scan(&r.ID, &r.Store, &r.Number, &r.Version, &r.Status, &r.Channel, &r.Subject, &r.Preview, &r.PreviewFrom, &assignee.ID, &r.Queue, &r.Team, &r.Priority, &r.Tags,
		&r.Language, &r.Unread, &r.LastSeq, &r.LastMessageAt, &r.Listed, &r.WaitingSince, &r.CreatedAt, &r.SnoozedUntil, &r.Deadline,
		&r.Customer.ID, &r.Customer.Name, &assignee.Name, &r.Topic)
	if assignee.ID != 0 {
		r.Assignee = &assignee
	}
	r.Customer.Initials = initials(r.Customer.Name)
	return err
}

func (c *conversation) row() Row {
	r := Row{ID: c.ID, Store: c.Store, Number: c.Number, Version: c.Version, Status: c.Status, Channel: c.Channel, Subject: c.Subject,
		Preview: c.Preview, PreviewFrom: c.PreviewFrom, Customer: Person{c.Person, c.PersonName, initials(c.PersonName)},
		Queue: c.Queue, Team: c.Team, Priority: c.Priority, Tags: json.RawMessage(c.Tags), Topic: c.TopicOf, Language: c.Language, Unread: c.Unread,
		LastSeq: c.LastSeq, LastMessageAt: c.LastMessageAt, WaitingSince: c.WaitingSince, CreatedAt: c.CreatedAt,
		SnoozedUntil: c.SnoozedUntil, Deadline: c.Deadline, Listed: c.ListedAt}
	if c.Assignee != 0 {
		r.Assignee = &Agent{c.Assignee, c.AgentName}
	}
	return r
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	out := firstLetter(words[0])
	if len(words) > 1 {
		out += firstLetter(words[len(words)-1])
	}
	return strings.ToUpper(out)
}

func firstLetter(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
