package inbox

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Kinds of the room's jobs. app/wire.go routes agent.presence_changed to JobPresence.
const (
	JobWake       = "inbox.wake"       // a snoozed conversation's time has come
	JobDrain      = "inbox.drain"      // give a store's waiting conversations to whoever is free
	JobPresence   = "inbox.presence"   // an agent came or went
	JobReturn     = "inbox.return"     // an agent has been offline for long
	JobDelivery   = "inbox.delivery"   // the post room tells what became of a reply
	JobUnschedule = "inbox.unschedule" // the customer wrote before what was to be sent later
	JobSweep      = "inbox.sweep"      // uploads that were never sent
)

type wakePayload struct {
	Conversation int64 `json:"conversation_id"`
}

type drainPayload struct {
	Store int64 `json:"store_id"`
}

type agentPayload struct {
	Agent int64 `json:"agent_id"`
}

// Jobs registers the room's handlers.
func (i *Inbox) Jobs(r *job.Runner) {
	r.Handle(JobWake, job.InTx(i.wake))
	r.Handle(JobInquiry, job.InTx(i.inquired))
	r.Handle(JobDrain, func(ctx context.Context, j job.Job) (job.Done, error) {
		var p drainPayload
		if err := j.Decode(&p); err != nil {
			return nil, err
		}
		return nil, i.Drain(ctx, p.Store)
	})
	r.Handle(JobPresence, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error { return i.presence(ctx, tx, j.Event.Subject) }))
	r.Handle(JobDelivery, job.InTx(i.delivered))
	r.Handle(JobReturn, func(ctx context.Context, j job.Job) (job.Done, error) {
		var p agentPayload
		if err := j.Decode(&p); err != nil {
			return nil, err
		}
		return nil, i.giveBack(ctx, p.Agent)
	})
	r.Handle(JobUnschedule, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var p wakePayload
		if err := j.Decode(&p); err != nil {
			return err
		}
		return i.takeBackScheduled(ctx, tx, p.Conversation)
	}))
	r.Every(JobSweep, time.Hour, func(ctx context.Context, _ job.Job) (job.Done, error) { return nil, i.sweep(ctx) })
}

func (i *Inbox) wake(ctx context.Context, tx *db.Tx, j job.Job) error {
	var p wakePayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	c, err := load(ctx, tx, true, byID, p.Conversation)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	if err != nil {
		return err
	}
	e := &edit{Tx: tx, ctx: ctx, inbox: i, was: c, now: c}
	e.wake()
	e.save()
	return nil
}

// presence follows an agent's coming and going: ready, he gets who waits longest; offline for long, his unanswered conversations go back.
func (i *Inbox) presence(ctx context.Context, tx *db.Tx, agent int64) error {
	var state string
	var since db.Time
	err := tx.QueryRow(ctx, `SELECT state, since_at FROM presences WHERE agent_id = $1`, agent).Scan(&state, &since)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if state == "offline" {
		tx.Enqueue(db.Job{Kind: JobReturn, Key: itoa64(agent), Move: true, RunAt: since.Add(returnAfter).Time(), Payload: agentPayload{agent}})
		return nil
	}
	tx.CancelJob(JobReturn, itoa64(agent))
	if state != "ready" {
		return nil
	}
	stores, err := storesOf(ctx, tx, agent)
	if err != nil {
		return err
	}
	for _, s := range stores {
		tx.Enqueue(db.Job{Store: s, Kind: JobDrain, Key: itoa64(s), Payload: drainPayload{s}})
	}
	return nil
}

func storesOf(ctx context.Context, q db.Querier, agent int64) ([]int64, error) {
	return ids(q.Query(ctx, `SELECT store_id FROM memberships WHERE agent_id = $1 ORDER BY store_id`, agent))
}
