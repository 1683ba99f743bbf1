package inbox

import (
	"context"
	"encoding/json"
	"io"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
)

// letterOf returns the sender of a letter that came ("" of ours) and its conversation, for a caller who may see it.
func (i *Inbox) letterOf(ctx context.Context, scope care.Scope, message int64, p care.Permission) (sender string, c conversation, err error) {
	found, err := i.messages(ctx, i.db.Read(), `m.id = $1 AND m.kind = 'reply'`, message)
	if err != nil {
		return "", c, err
	}
	if len(found) == 0 {
		return "", c, care.NotFound("message")
	}
	if c, err = visible(ctx, i.db.Read(), false, scope, found[0].Conversation, p); err != nil {
		return "", c, err
	}
	if m := found[0].Mail; m != nil && found[0].From == FromCustomer {
		sender = bare(m.From)
	}
	return sender, c, nil
}

// Original gives a message as the channel brought it: of a letter, the raw mail. NotFound when it came otherwise, or its raw form is no longer kept.
func (i *Inbox) Original(ctx context.Context, scope care.Scope, message int64) (io.ReadCloser, error) {
	_, c, err := i.letterOf(ctx, scope, message, care.PermInboxRead)
	if err != nil {
		return nil, err
	}
	if i.post == nil || c.Channel != care.ChannelEmail {
		return nil, care.NotFound("message")
	}
	return i.post.RawOfMessage(ctx, message)
}

// ShowPictures says whether pictures of a letter's sender that lie elsewhere are shown without asking, in this store. They tell him that he is read.
func (i *Inbox) ShowPictures(ctx context.Context, scope care.Scope, message int64, show bool) error {
	sender, c, err := i.letterOf(ctx, scope, message, care.PermInboxWrite)
	if err != nil {
		return err
	}
	if sender == "" {
		return care.NotFound("message")
	}
	return i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		tx.Defer(`INSERT INTO letter_senders (store_id, address, pictures, wanted, changed_at) VALUES ($1, $2, $3, FALSE, $4)
ON CONFLICT (store_id, address) DO UPDATE SET pictures = excluded.pictures, changed_at = excluded.changed_at`, c.Store, sender, show, db.At(tx.Now))
		return nil
	})
}

// want notes whether a sender's letters are wanted, whatever filters say of them.
func (e *edit) want(sender string, wanted bool) {
	e.Defer(`INSERT INTO letter_senders (store_id, address, pictures, wanted, changed_at) VALUES ($1, $2, FALSE, $3, $4)
ON CONFLICT (store_id, address) DO UPDATE SET wanted = excluded.wanted, changed_at = excluded.changed_at`, e.now.Store, sender, wanted, db.At(e.Now))
}

// wanted tells whether an agent has taken a letter of this sender out of spam before.
func wanted(ctx context.Context, q db.Querier, store int64, sender string) (bool, error) {
	var yes bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM letter_senders WHERE store_id = $1 AND address = $2 AND wanted)`, store, sender).Scan(&yes)
	return yes, err
}

// Rescue takes a conversation out of spam, or a letter that a machine is said to have sent out of what is put aside: it waits for an answer like any other, and
// what its sender writes from now on isn't taken for spam. One that isn't put aside stays as it is.
func (i *Inbox) Rescue(ctx context.Context, scope care.Scope, id int64) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		tags := tagsOf(e.now.Tags)
		kept := slices.DeleteFunc(slices.Clone(tags), func(s string) bool { return s == TagSpam || s == TagAutomatic })
		if len(kept) == len(tags) {
			return nil
		}
		if err := e.retag(kept); err != nil {
			return err
		}
		last, err := lastLetter(e.ctx, e.Tx, e.now.ID)
		if err != nil {
			return err
		}
		if last.sender != "" && slices.Contains(tags, TagSpam) {
			e.want(last.sender, true)
		}
		if e.now.Status != Open {
			e.reopen("rescued")
		}
		if last.seq > e.now.LastCustomerSeq {
			e.now.LastCustomerSeq, e.now.Unread = last.seq, e.now.Unread+1
		}
		e.now.WaitingSince = db.At(e.Now) // the time in the folder is nobody's delay
		store, err := i.store(e.ctx, e.Tx, e.now.Store)
		if err != nil {
			return err
		}
		a := admission{calendar: store.calendar, queue: queueOf(store.queues, e.now.Queue)}
		if a.queue.FirstResponse > 0 && e.now.FirstResponse == 0 {
			e.now.Deadline = a.deadline(db.At(e.Now))
		}
		if e.now.Assignee == 0 {
			e.drain()
		}
		return nil
	}))
}

// Junk puts a conversation among spam: resolved, tagged, and out of everybody's way. Its sender's further letters go by what filters say.
func (i *Inbox) Junk(ctx context.Context, scope care.Scope, id int64) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		tags := tagsOf(e.now.Tags)
		if slices.Contains(tags, TagSpam) {
			return nil
		}
		last, err := lastLetter(e.ctx, e.Tx, e.now.ID)
		if err != nil {
			return err
		}
		if last.sender != "" {
			e.want(last.sender, false)
		}
		if err := e.retag(append(tags, TagSpam)); err != nil {
			return err
		}
		if e.now.Status != Resolved {
			e.resolve()
		}
		return nil
	}))
}

func tagsOf(raw string) (out []string) {
	_ = json.Unmarshal([]byte(raw), &out) // our own writing
	return out
}

// queueOf is the queue with an id, or the store's own line.
func queueOf(queues []Queue, id int64) Queue {
	for _, q := range queues {
		if q.ID == id {
			return q
		}
	}
	return Queue{FirstResponse: defaultResponse}
}
