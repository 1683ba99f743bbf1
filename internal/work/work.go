// Package work is what departments owe each other. It owns tasks: what is to be done, by whom and by when, most of them made of what went
// wrong with an order and settled when that is gone. And it owns inquiries: questions of an agent to the warehouse or another department,
// with a deadline and an escalation, whose answer goes back to whoever asked and to the customer. It never rings or writes to a
// customer itself: it says that there is an answer, and others listen.
package work

import (
	"context"
	"errors"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/post"
)

// Post sends letters to departments.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, s post.Send) (id int64, err error)
}

// Bus carries hints to open screens.
type Bus interface {
	Publish(topic string, data []byte)
}

// Options are what New needs beside the database.
type Options struct {
	Audit func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
	Post  Post
	Bus   Bus
	// Key signs the links by which a department answers without an account; PublicURL stands in front of them.
	Key       []byte
	PublicURL string
}

// Work is the room. Its methods are safe for concurrent use.
type Work struct {
	db *db.DB
	o  Options
}

// New makes the room.
func New(d *db.DB, o Options) *Work { return &Work{db: d, o: o} }

const jobLate = "work.inquiry_late" // an inquiry's deadline has come

// Jobs registers the room's handlers.
func (w *Work) Jobs(r *job.Runner) {
	r.Handle(jobLate, job.InTx(w.late))
	r.Handle(jobTaskLate, job.InTx(w.taskLate))
	r.Handle(JobException, job.InTx(w.onException))
}

func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}
