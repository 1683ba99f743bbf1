package inbox

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// edit is a conversation in the hands of one transaction: what it was, what it becomes, and what is said in it.
type edit struct {
	*db.Tx
	ctx      context.Context
	inbox    *Inbox
	try      int
	actor    string // the agent's name who makes the change
	was, now conversation
	created  bool
	stranger bool // created by somebody of whom nothing was known
	claimed  bool // the load of now.Assignee was counted by the claim already
	said     []Message
}

// tries bounds how often a change is begun anew because another came first. From the third on the
// conversation is read under its lock, so somebody always gets on.
const tries = 12

// readsInside tells whether a change reads what it starts from within its transaction. Where there is one writer that is cheapest, and
// nobody comes in between. Elsewhere it is read before, so that nothing is locked for long, and the write compares versions; whoever has been too late
// twice reads under lock.
func (i *Inbox) readsInside(try int) bool { return i.db.OneWriter() || try >= 3 }

// change reads a conversation, lets fn change it, and writes all of it in one transaction. fn may run several times.
func (i *Inbox) change(ctx context.Context, actor db.Actor, read func(q db.Querier, lock bool) (conversation, error), fn func(e *edit) error) (*edit, error) {
	var done *edit
	var name string
	if actor.Kind == care.ActorAgent { // before the transaction, which must not wait for another connection
		name = i.agentName(ctx, actor.ID)
	}
	for try := 1; ; try++ {
		var was conversation
		var err error
		inside := i.readsInside(try)
		if !inside {
			if was, err = read(i.db.Read(), false); err != nil {
				return nil, err
			}
		}
		err = i.db.Write(ctx, actor, func(tx *db.Tx) error {
			if inside {
				if was, err = read(tx, true); err != nil {
					return err
				}
			}
			done = &edit{Tx: tx, ctx: ctx, inbox: i, try: try, actor: name, was: was, now: was}
			if err := fn(done); err != nil {
				return err
			}
			done.save()
			return nil
		})
		if err == nil {
			return done, nil
		}
		if !db.Conflicts(err) || try == tries {
			return nil, err
		}
	}
}

// act is change for an agent's or a key's action on a conversation that he may write in.
func (i *Inbox) act(ctx context.Context, scope care.Scope, id int64, fn func(e *edit) error) (*edit, error) {
	return i.change(ctx, actorOf(scope), func(q db.Querier, lock bool) (conversation, error) {
		return visible(ctx, q, lock, scope, id, care.PermInboxWrite)
	}, fn)
}

func actorOf(scope care.Scope) db.Actor {
	if scope.Agent != 0 {
		return db.Actor{Kind: care.ActorAgent, ID: scope.Agent}
	}
	return db.Actor{Kind: care.ActorKey, ID: scope.Key}
}

// say adds a message with the next number of the conversation and returns it.
func (e *edit) say(m Message) *Message {
	e.now.LastSeq++
	m.ID, m.Conversation, m.Seq, m.CreatedAt = e.ID(), e.now.ID, e.now.LastSeq, db.At(e.Now)
	if m.Attachments == nil {
		m.Attachments = []Attachment{}
	}
	if m.Kind != KindSystem {
		e.now.LastMessageAt = max(e.now.LastMessageAt, m.CreatedAt)
		body := m.Body
		if m.HTML != nil && m.From != FromCustomer { // a letter of ours that has marks
			body = text.MarksToText(body)
		}
		e.now.Preview = text.Preview(body, 140)
		switch {
		case m.Kind == KindNote:
			e.now.PreviewFrom = KindNote
		case m.From == FromCustomer:
			e.now.PreviewFrom = FromCustomer
		default:
			e.now.PreviewFrom = FromAgent
		}
		if e.now.Preview == "" && len(m.Attachments) > 0 {
			e.now.Preview = m.Attachments[0].Name
		}
	}
	e.said = append(e.said, m)
	return &e.said[len(e.said)-1]
}

// note records in the thread what happened to the conversation; pairs are names and values.
func (e *edit) note(code string, pairs ...any) {
	params := make(map[string]any, len(pairs)/2)
	for n := 0; n+1 < len(pairs); n += 2 {
		params[pairs[n].(string)] = pairs[n+1]
	}
	raw, _ := json.Marshal(params) // strings and numbers only
	m := Message{Kind: KindSystem, From: FromSystem, System: &System{code, raw}}
	if e.Actor.Kind == care.ActorAgent {
		m.Author = &Agent{e.Actor.ID, e.actor}
	}
	e.say(m)
}

// save writes what differs, with counts, loads, messages and hints. Nothing of it needs an answer, so on
// PostgreSQL all of it is one round trip.
func (e *edit) save() {
	e.list()
	if e.created {
		e.Defer(insertConversation, e.now.values()...)
	} else {
		u := e.was.changesTo(&e.now)
		if u.mask == 0 && len(e.said) == 0 {
			return
		}
		args := append(append(make([]any, 0, len(u.args)+2), e.was.Version), u.args...)
		e.Defer(updateOf(u.mask), append(args, e.was.ID)...)
		e.now.Version++
	}
	for n := range e.said {
		m := &e.said[n]
		e.Defer(insertMessage, m.values(e.now.Store)...)
		for _, f := range m.Attachments {
			e.Defer(`UPDATE attachments SET store_id = $1, conversation_id = $2, message_id = $3 WHERE id = $4 AND message_id = 0`, e.now.Store, m.Conversation, m.ID, f.ID)
		}
		if m.Kind != KindSystem && m.Body != "" {
			e.Defer(`INSERT INTO messages_unindexed (message_id) VALUES ($1)`, m.ID)
		}
	}
	e.count()
	said, row := e.said, e.now.row()
	e.AfterCommit(func() {
		e.inbox.tell(e, row, said)
		e.inbox.indexer.nudge()
	})
}

// listStep is how far the place in lists stays behind the last message: what is said in quick succession moves a conversation once, and the other
// writes leave the indexes of lists alone. Within a page the last messages decide.
const listStep = 10 * time.Second

// list moves the conversation in the lists, if it is time to.
func (e *edit) list() {
	if at := e.now.LastMessageAt; at < e.now.ListedAt || at >= e.now.ListedAt.Add(listStep) {
		e.now.ListedAt = at
	}
}

// bucket is a row of conversation_counts.
type bucket struct {
	store, queue, assignee int64
	status                 string
	shard                  int64
}

func bucketOf(c *conversation) bucket {
	b := bucket{c.Store, c.Queue, c.Assignee, c.Status, c.ID % 4}
	if c.Assignee == 0 { // where every new conversation lands
		b.shard = (c.ID ^ c.ID>>13) & 15 // of an id the milliseconds vary, and under load the sequence below them
	}
	return b
}

const addCount = `INSERT INTO conversation_counts (store_id, queue_id, assignee_id, status, shard, n) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, queue_id, assignee_id, status, shard) DO UPDATE SET n = conversation_counts.n + excluded.n`

const addLoad = `INSERT INTO agent_loads (agent_id, channel, n) VALUES ($1, $2, $3)
ON CONFLICT (agent_id, channel) DO UPDATE SET n = agent_loads.n + excluded.n`

// count moves the conversation between the exact counters, always in the same order of rows, so that two changes can't wait for each other.
func (e *edit) count() {
	from, to := bucketOf(&e.was), bucketOf(&e.now)
	if e.created || from != to {
		type step struct {
			bucket
			n int64
		}
		steps := []step{{to, 1}}
		if !e.created {
			steps = append(steps, step{from, -1})
		}
		slices.SortFunc(steps, func(a, b step) int {
			return cmpOr(a.store-b.store, a.queue-b.queue, a.assignee-b.assignee, int64(strings.Compare(a.status, b.status)), a.shard-b.shard)
		})
		for _, s := range steps {
			e.Defer(addCount, s.store, s.queue, s.assignee, s.status, s.shard, s.n)
		}
	}
	had, has := e.was.loads() && !e.created, e.now.loads()
	if had && has && e.was.Assignee == e.now.Assignee {
		return
	}
	if had {
		e.Defer(addLoad, e.was.Assignee, e.was.Channel, int64(-1))
	}
	if has && !e.claimed {
		e.Defer(addLoad, e.now.Assignee, e.now.Channel, int64(1))
	}
	if had {
		// A place has become free: whoever waits longest may have it.
		e.drain()
	}
}

func cmpOr(ds ...int64) int {
	for _, d := range ds {
		if d != 0 {
			if d < 0 {
				return -1
			}
			return 1
		}
	}
	return 0
}

// event is the payload of the conversation.* events.
func (e *edit) event(name string) {
	e.Emit(db.Event{Store: e.now.Store, Type: name, Subject: e.now.ID, Payload: care.ConversationEvent{
		Conversation: e.now.ID, Customer: e.now.Person, Channel: e.now.Channel, Queue: e.now.Queue, Assignee: e.now.Assignee, Status: e.now.Status}})
}
