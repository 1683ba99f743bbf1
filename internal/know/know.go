// Package know holds what operators are told to say. It owns call scripts: branching texts that are walked through
// during a call, whose every answer is on disk the moment it is given and has its effects on the order, the customer and the work of others.
// It decides what an answer means, and never carries an effect out itself: that is for the hands that it is given.
package know

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Hands carry out what an answer leads to. An *care.Error is a refusal that is shown to the agent; any other error is tried again.
type Hands interface {
	Do(ctx context.Context, by account.By, r Run, e Effect) error
}

// Facts give the values that texts are filled with: customer.first_name, order.number and so on.
type Facts func(ctx context.Context, r Run, language string) (map[string]any, error)

// Fill puts values into a text; Check says what is wrong with one before it is ever used.
type Fill interface {
	Render(text string, values map[string]any) (string, error)
	Check(text string) error
}

// Options are what New needs beside the database.
type Options struct {
	Audit func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
	Bus   Bus
	Hands Hands
	Facts Facts
	Fill  Fill
	Log   *slog.Logger
}

// Bus carries hints to live screens.
type Bus interface {
	Publish(topic string, data []byte)
}

// Know is the room. Its methods are safe for concurrent use.
type Know struct {
	db *db.DB
	o  Options
}

// New makes the room.
func New(d *db.DB, o Options) *Know {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Know{db: d, o: o}
}

const jobEffect = "know.effect" // carry out one effect of an answer

// Jobs registers the room's handlers.
func (k *Know) Jobs(r *job.Runner) { r.Handle(jobEffect, k.effect) }

func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}

func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own types: a bug
	}
	return b
}
