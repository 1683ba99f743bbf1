// Package commerce keeps a mirror of the shops: catalogue, stock per place, carts, orders with their payments, parcels,
// refunds and returns, and what a shop's statuses mean. It compares what a shop tells now with what it told before and says what has
// happened. It never talks to a shop itself (plugs do) and never tells a customer anything (listeners do).
package commerce

import (
	"context"
	"log/slog"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/find"
	"opeka/internal/job"
)

// Customers is what commerce asks of the customers' room.
type Customers interface {
	Recognise(ctx context.Context, tx *db.Tx, store int64, ids []care.Identity, h customer.Hint) (customer.Recognised, error)
}

// Bus carries hints to open screens after a commit.
type Bus interface {
	Publish(topic string, data []byte)
}

// Index is where orders and products can be found by anything: find.Finder. It runs in the transaction of the change.
type Index interface {
	Put(ctx context.Context, tx *db.Tx, store int64, kind find.Kind, ref int64, e find.Entry) error
	Remove(ctx context.Context, tx *db.Tx, store int64, kind find.Kind, ref int64) error
}

// Commerce is the room.
type Commerce struct {
	db        *db.DB
	customers Customers
	bus       Bus
	index     Index
	files     Files
	statuses  func(plug string) map[string]care.Axes
	log       *slog.Logger
}

// Options are what New may be given beside the database and the customers; all may be nil.
type Options struct {
	Bus   Bus
	Index Index
	Files Files // for imports
	// Statuses gives what a plug's own statuses mean (care.StatusMapper), nil for a plug that has none.
	Statuses func(plug string) map[string]care.Axes
	Log      *slog.Logger
}

// New makes the room.
func New(d *db.DB, customers Customers, o Options) *Commerce {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Commerce{db: d, customers: customers, bus: o.Bus, index: o.Index, files: o.Files, statuses: o.Statuses, log: o.Log}
}

// Jobs registers the work that the room leaves for later.
func (m *Commerce) Jobs(r *job.Runner) {
	r.Handle(jobCart, job.InTx(m.abandon))
	r.Handle(jobUnpark, m.unpark)
	r.Handle(jobRemap, job.InTx(m.remap))
	r.Handle(jobFile, m.runImport, job.Slow)
	r.Every(jobPurge, time.Hour, job.InTx(m.purgeBatches))
}

// ApplyOptions say how records are to be taken.
type ApplyOptions struct {
	Backfill bool // what happened before the shop was connected: nobody is told
}

// Applied counts what became of the records.
type Applied struct {
	Created, Updated, Unchanged, Older, Deleted, Parked int
	// Errors has one entry per record that couldn't be kept, by its index; the others were.
	Errors map[int]error
}
