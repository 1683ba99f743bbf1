package inbox

import (
	"context"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Resolve closes a conversation; a message of the customer within 48 hours opens it again.
func (i *Inbox) Resolve(ctx context.Context, scope care.Scope, id int64) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if e.now.Status != Resolved {
			e.resolve()
		}
		return nil
	}))
}

// Reopen makes a conversation open again. When a newer one has begun in its thread it is refused with conversation.superseded.
func (i *Inbox) Reopen(ctx context.Context, scope care.Scope, id int64) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if e.now.Status == Open {
			return nil
		}
		if !e.now.Latest {
			return care.Conflict("conversation.superseded")
		}
		if e.now.Status == Resolved {
			e.unclosed()
		}
		e.reopen("by_agent")
		return nil
	}))
}

// Pend says that the customer has to do something first.
func (i *Inbox) Pend(ctx context.Context, scope care.Scope, id int64) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if e.now.Status != Pending {
			e.leave(Pending)
			e.now.WaitingSince, e.now.Deadline = 0, 0
			e.note(SystemPending)
		}
		return nil
	}))
}

// Snooze puts a conversation aside until a time, or until the customer writes.
func (i *Inbox) Snooze(ctx context.Context, scope care.Scope, id int64, until time.Time) (Row, error) {
	if !until.After(i.db.Now()) {
		return Row{}, care.Invalid("until", "time_past")
	}
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		e.snooze(db.At(until))
		return nil
	}))
}

func (i *Inbox) rowOf(e *edit, err error) (Row, error) {
	if err != nil {
		return Row{}, err
	}
	return e.now.row(), nil
}

// leave sets a status; what belonged to the one before ends.
func (e *edit) leave(status string) {
	if e.now.Status == Snoozed {
		e.now.SnoozedUntil = 0
		e.CancelJob(JobWake, itoa64(e.now.ID))
	}
	if status != Resolved {
		e.now.ResolvedAt = 0
	}
	e.now.Status = status
}

func (e *edit) resolve() {
	e.leave(Resolved)
	e.now.ResolvedAt = db.At(e.Now)
	e.now.WaitingSince, e.now.Deadline, e.now.Unread = 0, 0, 0
	e.note(SystemResolved)
	e.closed()
	e.event(care.EventConversationResolved)
}

func (e *edit) reopen(reason string) {
	e.leave(Open)
	e.note(SystemReopened, "reason", reason)
	e.event(care.EventConversationReopened)
	if e.now.Assignee == 0 && e.now.WaitingSince > 0 {
		e.drain()
	}
}

func (e *edit) snooze(until db.Time) {
	e.leave(Snoozed)
	e.now.SnoozedUntil = until
	e.note(SystemSnoozed, "until", until)
	e.event(care.EventConversationSnoozed)
	e.Enqueue(db.Job{Store: e.now.Store, Kind: JobWake, Key: itoa64(e.now.ID), Move: true, RunAt: until.Time(), Payload: wakePayload{e.now.ID}})
}

// wake opens a snoozed conversation whose time has come.
func (e *edit) wake() {
	if e.now.Status != Snoozed || e.now.SnoozedUntil > db.At(e.Now) {
		return // woken by the customer, or snoozed anew
	}
	e.leave(Open)
	e.note(SystemWoken)
	e.event(care.EventConversationReopened)
	if e.now.Assignee == 0 {
		e.drain()
	}
}
