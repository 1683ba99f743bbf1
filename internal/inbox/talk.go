package inbox

import (
	"context"
	"slices"

	"opeka/internal/db"
)

// Talk is what a customer and the store have said on one thread, over all of its conversations and visits. Notes
// and system messages stay inside.
type Talk struct {
	Conversations []TalkConversation // the newest first
	Messages      []TalkMessage      // in the order of their making
	HasMore       bool
	Unread        int64 // messages of the latest conversation that the customer hasn't read
}

// TalkConversation is one of the conversations of a talk.
type TalkConversation struct {
	ID        int64
	Status    string
	ReadAgent int64 // the number up to which agents have read
	LastSeq   int64
}

// TalkMessage is a message with the conversation that it belongs to.
type TalkMessage struct {
	Conversation int64
	VisitorMessage
}

// TalkPart says which messages are wanted; the zero value the last ones. Before and After exclude each other.
type TalkPart struct {
	Before int64 // those with smaller ids
	// After are those that came since: in a conversation of Known, those after its number; in any other, those with greater ids.
	After int64
	Known map[int64]int64
}

const (
	talkPage          = 30
	talkCatchUp       = 200
	talkConversations = 20 // as far back as a talk reaches
)

// Talk returns a part of what was said on a thread. A thread on which nobody has written is an empty talk.
func (i *Inbox) Talk(ctx context.Context, store int64, channel, thread string, p TalkPart) (Talk, error) {
	q := i.db.Read()
	t, ids, err := talkConversationsOf(ctx, q, store, channel, thread)
	if err != nil || len(ids) == 0 {
		return t, err
	}
	var found []Message
	switch {
	case p.After > 0:
		found, err = i.missed(ctx, q, &t, p)
	case p.Before > 0:
		found, err = i.messages(ctx, q, `m.conversation_id = ANY($1::bigint[]) AND m.id < $2 AND m.kind = 'reply' ORDER BY m.id DESC LIMIT $3`, ids, p.Before, int64(talkPage+1))
	default:
		found, err = i.messages(ctx, q, `m.conversation_id = ANY($1::bigint[]) AND m.kind = 'reply' ORDER BY m.id DESC LIMIT $2`, ids, int64(talkPage+1))
	}
	if err != nil {
		return t, err
	}
	if p.After == 0 {
		if t.HasMore = len(found) > talkPage; t.HasMore {
			found = found[:talkPage]
		}
		slices.Reverse(found)
	}
	t.Messages = make([]TalkMessage, len(found))
	for n := range found {
		t.Messages[n] = TalkMessage{found[n].Conversation, i.forVisitor(&found[n])}
	}
	return t, nil
}

// missed reads conversation by conversation, and only those that have gone on.
func (i *Inbox) missed(ctx context.Context, q db.Querier, t *Talk, p TalkPart) ([]Message, error) {
	var found []Message
	for _, c := range slices.Backward(t.Conversations) {
		var some []Message
		var err error
		if seq, known := p.Known[c.ID]; !known {
			some, err = i.messages(ctx, q, `m.conversation_id = $1 AND m.id > $2 AND m.kind = 'reply' ORDER BY m.seq LIMIT $3`, c.ID, p.After, int64(talkCatchUp+1))
		} else if c.LastSeq > seq {
			some, err = i.messages(ctx, q, `m.conversation_id = $1 AND m.seq > $2 AND m.kind = 'reply' ORDER BY m.seq LIMIT $3`, c.ID, seq, int64(talkCatchUp+1))
		}
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		if len(found) > talkCatchUp {
			t.HasMore = true
			return found[:talkCatchUp], nil
		}
	}
	return found, nil
}

func talkConversationsOf(ctx context.Context, q db.Querier, store int64, channel, thread string) (t Talk, ids []int64, err error) {
	rows, err := q.Query(ctx, `SELECT id, status, read_seq_agent, last_seq,
CASE WHEN latest AND last_seq > read_seq_customer THEN (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id AND m.seq > c.read_seq_customer AND m.kind = 'reply' AND m.sender <> 'customer') ELSE 0 END
FROM conversations c WHERE store_id = $1 AND channel = $2 AND thread = $3 AND latest
UNION ALL SELECT id, status, read_seq_agent, last_seq, 0 FROM conversations WHERE store_id = $1 AND channel = $2 AND thread = $3 AND NOT latest
ORDER BY 1 DESC LIMIT $4`, store, channel, thread, int64(talkConversations))
	if err != nil {
		return t, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c TalkConversation
		var unread int64
		if err := rows.Scan(&c.ID, &c.Status, &c.ReadAgent, &c.LastSeq, &unread); err != nil {
			return t, nil, err
		}
		t.Conversations = append(t.Conversations, c)
		t.Unread += unread
		ids = append(ids, c.ID)
	}
	return t, ids, rows.Err()
}
