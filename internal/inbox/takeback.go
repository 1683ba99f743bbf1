package inbox

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// unschedule takes back what was to be sent later: the customer has written first.
func (e *edit) unschedule() {
	if e.created || e.inbox.post == nil || e.now.Channel == care.ChannelChat {
		return
	}
	e.Enqueue(db.Job{Store: e.now.Store, Kind: JobUnschedule, Key: itoa64(e.now.ID), Payload: wakePayload{e.now.ID}})
}

// takeBackScheduled is the job of unschedule.
func (i *Inbox) takeBackScheduled(ctx context.Context, tx *db.Tx, conversation int64) error {
	due, err := ids(tx.Query(ctx, `SELECT s.id FROM messages m JOIN post_sends s ON s.kind = 'message' AND s.ref_id = m.id
WHERE m.conversation_id = $1 AND m.delivery = 'queued' AND s.state = 'queued' AND s.run_at > $2`, conversation, db.At(tx.Now.Add(undoFor+5*time.Second))))
	if err != nil {
		return err
	}
	for _, send := range due {
		if _, err := i.post.Cancel(ctx, tx, send); err != nil {
			return err
		}
	}
	return nil
}

// TakeBack stops a reply that hasn't gone out yet, and gives it back to be written anew, with its files. The customer waits again as he did before it. One
// that has gone is refused with message.sent.
func (i *Inbox) TakeBack(ctx context.Context, scope care.Scope, conversation, message int64) (Message, error) {
	if _, err := visible(ctx, i.db.Read(), false, scope, conversation, care.PermInboxWrite); err != nil {
		return Message{}, err
	}
	m, err := i.messageIn(ctx, conversation, message)
	if err != nil {
		return m, err
	}
	_, err = i.act(ctx, scope, conversation, func(e *edit) error {
		send, err := sendOf(ctx, e.Tx, message, "queued")
		if err != nil {
			return err
		}
		if send == 0 || i.post == nil {
			return care.Conflict("message.sent")
		}
		if ok, err := i.post.Cancel(ctx, e.Tx, send); err != nil || !ok {
			return errors.Join(err, care.Conflict("message.sent"))
		}
		e.Defer(`UPDATE messages SET delivery = 'cancelled', delivery_reason = '' WHERE id = $1`, message) // at once: what is said next counts on it
		if scope.Agent != 0 && len(m.Attachments) > 0 {                                                    // they are his again, to be sent with what he writes now
			e.Defer(`UPDATE attachments SET message_id = 0, conversation_id = 0, owner_kind = $1, owner = $2, created_at = $3 WHERE message_id = $4`, care.ActorAgent, itoa64(scope.Agent), db.At(e.Now), message)
			e.Defer(`UPDATE messages SET attachments = 0 WHERE id = $1`, message)
		}
		return e.unanswer(m)
	})
	return m, err
}

// unanswer undoes what a reply that didn't go out had meant for the conversation.
func (e *edit) unanswer(m Message) error {
	if m.Mail != nil && m.Mail.Forward {
		return nil
	}
	var since db.Time
	err := e.QueryRow(e.ctx, `SELECT coalesce(min(created_at), 0) FROM messages WHERE conversation_id = $1 AND kind = 'reply' AND sender = 'customer' AND seq <= $2
AND seq > (SELECT coalesce(max(seq), 0) FROM messages WHERE conversation_id = $1 AND kind = 'reply' AND sender <> 'customer' AND delivery <> 'cancelled' AND id <> $3)`, e.now.ID, e.now.LastCustomerSeq, m.ID).Scan(&since)
	if err != nil {
		return err
	}
	if e.now.FirstResponse >= m.CreatedAt {
		e.now.FirstResponse = 0
	}
	if e.now.Status == Resolved && e.now.ResolvedAt == m.CreatedAt {
		e.unclosed()
		e.reopen("taken_back")
	}
	if since == 0 || e.now.WaitingSince != 0 {
		return nil
	}
	e.now.WaitingSince = since
	if e.now.FirstResponse == 0 {
		store, err := e.inbox.store(e.ctx, e.Tx, e.now.Store)
		if err != nil {
			return err
		}
		a := admission{calendar: store.calendar, queue: queueOf(store.queues, e.now.Queue)}
		if a.queue.FirstResponse > 0 {
			e.now.Deadline = a.deadline(since)
		}
	}
	return nil
}

// Retry sends a reply once more that failed, or of which nobody knows whether it arrived. Any other is refused with message.not_failed.
func (i *Inbox) Retry(ctx context.Context, scope care.Scope, conversation, message int64) (Message, error) {
	if _, err := visible(ctx, i.db.Read(), false, scope, conversation, care.PermInboxWrite); err != nil {
		return Message{}, err
	}
	m, err := i.messageIn(ctx, conversation, message)
	if err != nil {
		return m, err
	}
	if m.Delivery == nil || i.post == nil || m.Delivery.State != DeliveryFailed && m.Delivery.State != DeliveryUnknown {
		return m, care.Conflict("message.not_failed")
	}
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		// Whoever comes first retries; a second one finds it queued.
		tag, err := tx.Exec(ctx, `UPDATE messages SET delivery = 'queued', delivery_reason = '', delivery_detail = '' WHERE id = $1 AND delivery = $2`, message, m.Delivery.State)
		if err == nil && tag.RowsAffected() == 0 {
			err = care.Conflict("message.not_failed")
		}
		if err != nil {
			return err
		}
		send, err := sendOf(ctx, tx, message, m.Delivery.State)
		if err != nil {
			return err
		}
		if send == 0 {
			return care.Conflict("message.not_failed")
		}
		again, err := i.post.Again(ctx, tx, send)
		if err != nil {
			return err
		}
		tx.Defer(`UPDATE letters SET send_id = $1 WHERE message_id = $2`, again, message)
		return nil
	})
	if err != nil {
		return m, err
	}
	if m, err = i.messageIn(ctx, conversation, message); err == nil {
		store := int64(0)
		if err = i.db.Read().QueryRow(ctx, `SELECT store_id FROM conversations WHERE id = $1`, conversation).Scan(&store); err == nil {
			i.publish(agentsTopic(store), messageHint{"message", conversation, m})
		}
	}
	return m, err
}

func (i *Inbox) messageIn(ctx context.Context, conversation, message int64) (Message, error) {
	found, err := i.messages(ctx, i.db.Read(), `m.id = $1 AND m.conversation_id = $2`, message, conversation)
	if err == nil && len(found) == 0 {
		err = care.NotFound("message")
	}
	if err != nil {
		return Message{}, err
	}
	return found[0], nil
}

// sendOf is the latest send of a message in a state, or 0.
func sendOf(ctx context.Context, q db.Querier, message int64, state string) (id int64, err error) {
	err = q.QueryRow(ctx, `SELECT id FROM post_sends WHERE kind = 'message' AND ref_id = $1 AND state = $2 ORDER BY id DESC LIMIT 1`, message, state).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return id, err
}
