package inbox

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Read notes that an agent has seen the messages up to a number.
func (i *Inbox) Read(ctx context.Context, scope care.Scope, id, seq int64) error {
	// Reading is not writing: whoever may see a conversation may mark what he saw.
	e, err := i.change(ctx, actorOf(scope), func(q db.Querier, lock bool) (conversation, error) {
		return visible(ctx, q, lock, scope, id, care.PermInboxRead)
	}, func(e *edit) error {
		seq := min(seq, e.now.LastSeq)
		if seq <= e.now.ReadAgent && e.now.Unread == 0 {
			return nil
		}
		e.now.ReadAgent = max(e.now.ReadAgent, seq)
		e.now.Unread = 0
		if e.now.ReadAgent < e.now.LastCustomerSeq {
			return e.QueryRow(ctx, `SELECT count(*) FROM messages WHERE conversation_id = $1 AND seq > $2 AND sender = 'customer'`, id, e.now.ReadAgent).Scan(&e.now.Unread)
		}
		return nil
	})
	if err == nil && e.now.ReadAgent > e.was.ReadAgent && e.now.Channel == care.ChannelChat {
		i.publish(visitorTopic(e.now.Thread), readHint{T: "read", Conversation: id, Seq: e.now.ReadAgent})
	}
	return err
}

// ReadByCustomer notes that the customer has seen the messages of his thread up to a number.
func (i *Inbox) ReadByCustomer(ctx context.Context, store int64, channel, thread string, seq int64) error {
	c, err := load(ctx, i.db.Read(), false, byThread, store, channel, thread)
	if err != nil {
		return err
	}
	if seq = min(seq, c.LastSeq); seq <= c.ReadCustomer {
		return nil
	}
	return i.db.Write(ctx, db.Actor{Kind: care.ActorCustomer, ID: c.Person}, func(tx *db.Tx) error {
		// It isn't part of what lists show, so the version stays.
		tx.Defer(`UPDATE conversations SET read_seq_customer = $1 WHERE id = $2 AND read_seq_customer < $1`, seq, c.ID)
		tx.AfterCommit(func() {
			i.publish(agentsTopic(store), readHint{"read", c.ID, "visitor", seq})
		})
		return nil
	})
}

// Typing relays that an agent writes, or has stopped, to the customer and to his colleagues. Nothing is stored.
func (i *Inbox) Typing(ctx context.Context, scope care.Scope, id int64, on bool) error {
	c, err := visible(ctx, i.db.Read(), false, scope, id, care.PermInboxWrite)
	if err != nil {
		return err
	}
	name := i.agentName(ctx, scope.Agent)
	i.publish(agentsTopic(c.Store), typingHint{"typing", id, "agent", name, on})
	if c.Channel == care.ChannelChat {
		i.publish(visitorTopic(c.Thread), typingHint{T: "typing", On: on, Name: name})
	}
	return nil
}

// TypingByCustomer relays that the customer writes to the agents of the store.
func (i *Inbox) TypingByCustomer(ctx context.Context, store int64, channel, thread string, on bool) error {
	c, err := load(ctx, i.db.Read(), false, byThread, store, channel, thread)
	if err != nil {
		return err
	}
	i.publish(agentsTopic(store), typingHint{"typing", c.ID, "visitor", c.PersonName, on})
	return nil
}

// Delivered notes how far a message to the customer has come; a channel's plug says so. States don't go back.
func (i *Inbox) Delivered(ctx context.Context, store, message int64, state, reason string) error {
	rank := map[string]int64{DeliveryQueued: 1, DeliverySent: 2, DeliveryDelivered: 3, DeliveryRead: 4, DeliveryFailed: 5}[state]
	if rank == 0 {
		return care.Invalid("state", "value_invalid")
	}
	var changed bool
	err := i.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE messages SET delivery = $1, delivery_reason = $2 WHERE id = $3 AND store_id = $4 AND delivery <> ''
AND CASE delivery WHEN 'queued' THEN 1 WHEN 'sent' THEN 2 WHEN 'delivered' THEN 3 WHEN 'read' THEN 4 ELSE 5 END < $5`, state, reason, message, store, rank)
		changed = err == nil && tag.RowsAffected() > 0
		return err
	})
	if err != nil || !changed {
		return err
	}
	found, err := i.messages(ctx, i.db.Read(), `m.id = $1`, message)
	if err == nil && len(found) == 1 {
		i.publish(agentsTopic(store), messageHint{"message", found[0].Conversation, found[0]})
	}
	return err
}
