package inbox

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"sync"

	"opeka/internal/care"
	"opeka/internal/db"
)

// conversation is a row of conversations with the names that belong to it.
type conversation struct {
	ID, Store, Number, Version     int64
	Status, Channel, Thread        string
	Latest                         bool
	Previous                       int64
	Customer, IdentityHash         int64
	Subject, Language              string
	Queue, Team, Assignee          int64
	Declined, Priority, Topic      int64
	Tags                           string // JSON
	Preview, PreviewFrom           string
	LastSeq, LastCustomerSeq       int64
	Unread                         int64
	ReadAgent, ReadCustomer        int64
	PageHash                       int64
	CreatedAt, LastMessageAt       db.Time
	ListedAt                       db.Time // its place in lists
	WaitingSince, Deadline         db.Time
	FirstResponse, SnoozedUntil    db.Time
	ResolvedAt                     db.Time
	Person                         int64 // the customer, or the one that he was merged into
	PersonName, AgentName, TopicOf string
	AgentState                     string // presence of the assignee
	AgentSince                     db.Time
}

// conversationColumns belong to conversationFrom and conversation.scan.
const conversationColumns = `c.id, c.store_id, c.number, c.version, c.status, c.channel, c.thread, c.latest, c.previous_id, c.customer_id, c.identity_hash,
c.subject, c.language, c.queue_id, c.team_id, c.assignee_id, c.declined_id, c.priority, c.topic_id, c.tags, c.preview, c.preview_from,
c.last_seq, c.last_customer_seq, c.unread, c.read_seq_agent, c.read_seq_customer, c.page_hash, c.created_at, c.last_message_at, c.listed_at,
c.waiting_since_at, c.deadline_at, c.first_response_at, c.snoozed_until_at, c.resolved_at,
coalesce(r.id, c.customer_id), coalesce(r.name, k.name, ''), coalesce(a.name, ''), coalesce(t.name, ''),
coalesce(p.state, ''), coalesce(p.since_at, 0)`

const conversationJoins = ` LEFT JOIN customers k ON k.id = c.customer_id LEFT JOIN customers r ON r.id = k.merged_into AND k.merged_into <> 0
LEFT JOIN agents a ON a.id = c.assignee_id LEFT JOIN presences p ON p.agent_id = c.assignee_id LEFT JOIN topics t ON t.id = c.topic_id`

func (c *conversation) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&c.ID, &c.Store, &c.Number, &c.Version, &c.Status, &c.Channel, &c.Thread, &c.Latest, &c.Previous, &c.Customer, &c.IdentityHash,
		&c.Subject, &c.Language, &c.Queue, &c.Team, &c.Assignee, &c.Declined, &c.Priority, &c.Topic, &c.Tags, &c.Preview, &c.PreviewFrom,
		&c.LastSeq, &c.LastCustomerSeq, &c.Unread, &c.ReadAgent, &c.ReadCustomer, &c.PageHash, &c.CreatedAt, &c.LastMessageAt, &c.ListedAt,
		&c.WaitingSince, &c.Deadline, &c.FirstResponse, &c.SnoozedUntil, &c.ResolvedAt,
		&c.Person, &c.PersonName, &c.AgentName, &c.TopicOf, &c.AgentState, &c.AgentSince)
}

// loads tells whether the conversation counts towards its agent's load.
func (c *conversation) loads() bool { return c.Assignee != 0 && c.Status == Open }

const (
	byID     = `SELECT ` + conversationColumns + ` FROM conversations c` + conversationJoins + ` WHERE c.id = $1`
	byThread = `SELECT ` + conversationColumns + ` FROM conversations c` + conversationJoins + ` WHERE c.store_id = $1 AND c.channel = $2 AND c.thread = $3 AND c.latest`
	// PostgreSQL can't lock the nullable side of an outer join, so only the conversation is locked.
	locked = ` FOR UPDATE OF c`
)

// load reads one conversation; locked, in a transaction that is going to change it.
func load(ctx context.Context, q db.Querier, lock bool, sql string, args ...any) (conversation, error) {
	if lock {
		sql += locked
	}
	var c conversation
	err := db.Answer(ctx, q, db.AskRow(c.scan, sql, args...))
	if errors.Is(err, db.ErrNoRows) {
		return c, care.NotFound("conversation")
	}
	return c, err
}

// visible is load for a caller: a conversation of another store doesn't exist for him.
func visible(ctx context.Context, q db.Querier, lock bool, scope care.Scope, id int64, p care.Permission) (conversation, error) {
	c, err := load(ctx, q, lock, byID, id)
	if err != nil {
		return c, err
	}
	if !scope.In(c.Store) {
		return c, care.NotFound("conversation")
	}
	return c, scope.Check(c.Store, p)
}

// mutable names the columns that a change may touch, in the order of conversation.changes.
var mutable = [...]string{"status", "latest", "customer_id", "identity_hash", "subject", "language", "queue_id", "team_id", "assignee_id",
	"declined_id", "priority", "topic_id", "tags", "preview", "preview_from", "last_seq", "last_customer_seq", "unread", "read_seq_agent",
	"page_hash", "last_message_at", "listed_at", "waiting_since_at", "deadline_at", "first_response_at", "snoozed_until_at", "resolved_at"}

type changes struct {
	mask uint64
	args []any
	bit  uint
}

func changed[T comparable](u *changes, was, now T) {
	if was != now {
		u.mask |= 1 << u.bit
		u.args = append(u.args, now)
	}
	u.bit++
}

// changesTo lists what differs, so that an update touches only the indexes that it must.
func (c *conversation) changesTo(n *conversation) changes {
	u := changes{args: make([]any, 0, 16)}
	changed(&u, c.Status, n.Status)
	changed(&u, c.Latest, n.Latest)
	changed(&u, c.Customer, n.Customer)
	changed(&u, c.IdentityHash, n.IdentityHash)
	changed(&u, c.Subject, n.Subject)
	changed(&u, c.Language, n.Language)
	changed(&u, c.Queue, n.Queue)
	changed(&u, c.Team, n.Team)
	changed(&u, c.Assignee, n.Assignee)
	changed(&u, c.Declined, n.Declined)
	changed(&u, c.Priority, n.Priority)
	changed(&u, c.Topic, n.Topic)
	changed(&u, c.Tags, n.Tags)
	changed(&u, c.Preview, n.Preview)
	changed(&u, c.PreviewFrom, n.PreviewFrom)
	changed(&u, c.LastSeq, n.LastSeq)
	changed(&u, c.LastCustomerSeq, n.LastCustomerSeq)
	changed(&u, c.Unread, n.Unread)
	changed(&u, c.ReadAgent, n.ReadAgent)
	changed(&u, c.PageHash, n.PageHash)
	changed(&u, c.LastMessageAt, n.LastMessageAt)
	changed(&u, c.ListedAt, n.ListedAt)
	changed(&u, c.WaitingSince, n.WaitingSince)
	changed(&u, c.Deadline, n.Deadline)
	changed(&u, c.FirstResponse, n.FirstResponse)
	changed(&u, c.SnoozedUntil, n.SnoozedUntil)
	changed(&u, c.ResolvedAt, n.ResolvedAt)
	return u
}

var updates sync.Map // mask -> statement

// updateOf is the compare-and-set of the columns in mask: with another version than the one that was read, version
// becomes NULL, which the column refuses, and the whole transaction fails (db.Conflicts).
func updateOf(mask uint64) string {
	if s, ok := updates.Load(mask); ok {
		return s.(string)
	}
	var b strings.Builder
	b.WriteString("UPDATE conversations SET version = CASE WHEN version = $1 THEN version + 1 END")
	n := 1
	for m := mask; m != 0; m &= m - 1 {
		n++
		b.WriteString(", " + mutable[bits.TrailingZeros64(m)] + " = $" + itoa(n))
	}
	b.WriteString(" WHERE id = $" + itoa(n+1))
	s, _ := updates.LoadOrStore(mask, b.String())
	return s.(string)
}

const insertConversation = `INSERT INTO conversations (id, store_id, number, version, status, channel, thread, latest, previous_id, customer_id, identity_hash,
subject, language, queue_id, team_id, assignee_id, declined_id, priority, topic_id, tags, preview, preview_from, last_seq, last_customer_seq, unread,
read_seq_agent, read_seq_customer, page_hash, created_at, last_message_at, listed_at, waiting_since_at, deadline_at, first_response_at, snoozed_until_at, resolved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)`

func (c *conversation) values() []any {
	return []any{c.ID, c.Store, c.Number, c.Version, c.Status, c.Channel, c.Thread, c.Latest, c.Previous, c.Customer, c.IdentityHash,
		c.Subject, c.Language, c.Queue, c.Team, c.Assignee, c.Declined, c.Priority, c.Topic, c.Tags, c.Preview, c.PreviewFrom, c.LastSeq, c.LastCustomerSeq, c.Unread,
		c.ReadAgent, c.ReadCustomer, c.PageHash, c.CreatedAt, c.LastMessageAt, c.ListedAt, c.WaitingSince, c.Deadline, c.FirstResponse, c.SnoozedUntil, c.ResolvedAt}
}
