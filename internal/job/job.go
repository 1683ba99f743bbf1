// Package job runs durable work and timers out of the jobs table. A job is written in the transaction
// that makes it necessary, and deleted in the transaction that has its effect: a process that
// dies in between leaves it to be done again, never half done and never lost.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"opeka/internal/db"
)

// Job is one piece of work handed to its handler.
type Job struct {
	ID      int64 // also the idempotency key of what is sent outside
	Store   int64
	Kind    string
	Key     string
	Payload json.RawMessage
	Event   *Event // set when an event caused the job
	Attempt int64  // from 1
	RunAt   time.Time
}

// Event is what happened, for a job that listens to it.
type Event struct {
	ID      int64
	Store   int64
	Type    string
	Subject int64
	Actor   db.Actor
	Payload json.RawMessage
	At      time.Time
}

// Decode reads the payload of the event, or else of the job, into v. An unreadable one is no reason to try again.
func (j Job) Decode(v any) error {
	raw := j.Payload
	if j.Event != nil {
		raw = j.Event.Payload
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return Discard(fmt.Errorf("payload of %s: %w", j.Kind, err))
	}
	return nil
}

// Twin tells whether another job of the same kind and key is under way at this moment: one that was made while j ran, or ran already when j was made.
func Twin(ctx context.Context, q db.Querier, j Job, now time.Time) (yes bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND lease_until_at > $1 AND kind = $2 AND key = $3 AND id <> $4)`, db.At(now), j.Kind, j.Key, j.ID).Scan(&yes)
	return yes, err
}

// Handler does the work. What must be true together with "the job is done" goes into the Done that it
// returns, which runs in the transaction that deletes the job; nil if there is nothing. An error puts the job off.
type Handler func(ctx context.Context, j Job) (Done, error)

// Done is the lasting effect of a job. It may run more than once, like every transaction's closure.
type Done func(tx *db.Tx) error

// InTx is a handler whose whole work is a transaction.
func InTx(f func(ctx context.Context, tx *db.Tx, j Job) error) Handler {
	return func(ctx context.Context, j Job) (Done, error) {
		return func(tx *db.Tx) error { return f(ctx, tx, j) }, nil
	}
}

type discarded struct{ error }

func (d discarded) Unwrap() error { return d.error }

// Discard says that trying again can't help: the job is put aside as dead at once, for a person to look at.
func Discard(err error) error { return discarded{err} }

type postponed struct {
	error
	after time.Duration
}

func (p postponed) Unwrap() error { return p.error }

// After says when to try again, instead of the usual backoff.
func After(d time.Duration, err error) error { return postponed{err, d} }

// backoff grows from 1 s to 3 h; 20 attempts span about a day and a half.
// The spread (by job id) keeps jobs that failed together from coming back together.
func backoff(attempt, id int64) time.Duration {
	d := time.Second << min(attempt-1, 20)
	d = min(d, 3*time.Hour)
	return d + d*time.Duration(id%100)/400
}

// retryAt tells when a failed attempt is tried again; dead means never.
func retryAt(now time.Time, j Job, max int64, err error) (at time.Time, dead bool) {
	var d discarded
	if errors.As(err, &d) || j.Attempt >= max {
		return now, true
	}
	var p postponed
	if errors.As(err, &p) {
		return now.Add(p.after), false
	}
	return now.Add(backoff(j.Attempt, j.ID)), false
}
