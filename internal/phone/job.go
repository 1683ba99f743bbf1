package phone

import (
	"context"
	"time"

	"opeka/internal/db"
	"opeka/internal/job"
)

// Kinds of the room's jobs. app/wire.go routes events to those that listen.
const (
	JobPlan     = "phone.plan"     // a callback's time has come
	JobDial     = "phone.dial"     // ring a customer
	JobOffer    = "phone.offer"    // an agent hasn't answered an offer
	JobUnsaid   = "phone.unsaid"   // an agent hasn't said what came of a call
	JobRested   = "phone.rested"   // the after-call work of an agent who only took part is over
	JobServe    = "phone.serve"    // an agent has become free
	JobPresence = "phone.presence" // on agent.presence_changed
	JobStock    = "phone.stock"    // on stock.changed and stock.back_in; also when pieces are given back
	JobHeard    = "phone.heard"    // on events that may make a callback
	JobTell     = "phone.tell"     // on callback.expired and callback.written
	JobTrunks   = "phone.trunks"   // on connection.*
	JobRing     = "phone.ring"     // an agent hasn't answered a caller
	JobInvited  = "phone.invited"  // somebody who was asked into a call hasn't answered
	JobNote     = "phone.note"     // on call.* that end a call: it becomes part of the conversation
	JobWiden    = "phone.widen"    // a caller has waited so long for his queue's own agents that others take him too
	JobKeep     = "phone.keep"     // a recording ended: it goes to where files are kept
)

// Jobs registers the room's handlers.
func (p *Phone) Jobs(r *job.Runner) {
	r.Handle(JobPlan, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in callbackPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.planned(ctx, tx, in.Callback)
	}))
	r.Handle(JobDial, p.dial, job.Slow)
	r.Handle(JobOffer, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in offerPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.unheeded(ctx, tx, in)
	}))
	r.Handle(JobUnsaid, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in callPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.unsaid(ctx, tx, in.Call)
	}))
	r.Handle(JobRested, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in restPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.rested(ctx, tx, in)
	}))
	r.Handle(JobServe, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in agentPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.serve(ctx, tx, in.Agent)
	}))
	r.Handle(JobPresence, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error { return p.presence(ctx, tx, j.Event.Subject) }))
	r.Handle(JobStock, job.InTx(p.stock))
	r.Handle(JobHeard, job.InTx(p.listen))
	r.Handle(JobTell, p.tellCustomer)
	r.Handle(JobNote, p.noteCall)
	r.Handle(JobRing, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in ringPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.unheard(ctx, tx, in)
	}))
	r.Handle(JobInvited, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in invitedPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.uninvited(ctx, tx, in)
	}))
	r.Handle(JobTrunks, func(context.Context, job.Job) (job.Done, error) { p.bus.Publish(TopicTrunks, nil); return nil, nil })
	r.Handle(JobWiden, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in callPayload
		if err := j.Decode(&in); err != nil {
			return err
		}
		return p.widened(ctx, tx, in.Call)
	}))
	r.Handle(JobKeep, p.keepRecording, job.Slow)
	r.Every(jobExpire, time.Hour, p.expire)
	r.Every(jobTidy, time.Minute, job.InTx(p.tidy))
}

const (
	jobTidy   = "phone.tidy"
	jobExpire = "phone.expire_recordings"
)

// tidy looks for what no timer is set for: a second net under the promise that nothing is forgotten. It finds work only after a bug or an edited database.
func (p *Phone) tidy(ctx context.Context, tx *db.Tx, _ job.Job) error {
	rows, err := tx.Query(ctx, `SELECT c.id, c.store_id FROM callbacks c WHERE c.closed_at = 0 AND c.state IN ('waiting', 'due') AND c.created_at < $1
AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = $2 AND j.key = CAST(c.id AS TEXT) AND j.key <> '') LIMIT 200`, db.At(tx.Now.Add(-time.Minute)), JobPlan)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, store int64
		if err := rows.Scan(&id, &store); err != nil {
			return err
		}
		tx.Enqueue(db.Job{Store: store, Kind: JobPlan, Key: itoa(id), Move: true, Payload: callbackPayload{id}})
	}
	return rows.Err()
}
