// Package digital delivers electronic goods: keys, files and what a shop's own delivery makes, as soon as an order is paid for. It owns which
// products are electronic, the stock of keys and what each order was given. It never tells the customer anything by itself (the policy of notices
// does, on its events), never gives a key twice, and keeps none of them readable in the database.
package digital

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Kinds of the room's jobs. app/wire.go routes Events to JobOrder.
const (
	JobOrder = "digital.order" // an order has changed
	jobLook  = "digital.look"  // there is something to give now
	jobAsk   = "digital.ask"   // the shop's own delivery
)

// Events are those after which an order's goods may be due, or due back.
var Events = []string{
	care.EventOrderCreated, care.EventOrderUpdated, care.EventOrderStatusChanged, care.EventOrderCancelled, care.EventPaymentCaptured, care.EventPaymentRefunded,
	care.EventPaymentChargedBack,
}

// Kinds of goods.
const (
	KindKey    = "key"    // one of a stock of keys or codes
	KindFile   = "file"   // the same file for everybody
	KindAction = "action" // made by the shop's own program
)

// States of a piece.
const (
	Waiting   = "waiting"   // for the shop's own delivery
	Short     = "short"     // paid for, and there is none
	Delivered = "delivered" // the customer can have it
	Failed    = "failed"    // the shop's own delivery refused
	Withdrawn = "withdrawn" // taken back: the money went back
)

// Options are what New may be told.
type Options struct {
	Client    *http.Client // guarded (outgoing.New)
	Sealer    *account.Sealer
	Files     blob.Store
	Audit     func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
	Log       *slog.Logger
	PublicURL string
}

// Digital is the room.
type Digital struct {
	db      *db.DB
	o       Options
	keyHash []byte
	links   []byte

	mu     sync.Mutex
	stores map[int64]bool // that sell electronic goods
	read   time.Time
}

// New makes the room.
func New(d *db.DB, o Options) *Digital {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Audit == nil {
		o.Audit = func(*db.Tx, account.By, int64, string, int64, string, any, any) {}
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	return &Digital{db: d, o: o, keyHash: o.Sealer.Derive("digital keys"), links: o.Sealer.Derive("digital links")}
}

// Jobs registers the room's work.
func (g *Digital) Jobs(r *job.Runner) {
	r.Handle(JobOrder, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var e care.OrderEvent
		if err := j.Decode(&e); err != nil {
			return err
		}
		return g.look(ctx, tx, e.Order, false)
	}))
	r.Handle(jobLook, job.InTx(func(ctx context.Context, tx *db.Tx, j job.Job) error {
		var in ofOrder
		if err := j.Decode(&in); err != nil {
			return err
		}
		return g.look(ctx, tx, in.Order, false)
	}))
	r.Handle(jobAsk, g.ask, job.Slow)
}

type ofOrder struct {
	Order int64 `json:"order_id"`
}

const knownAge = 2 * time.Second

// Wanted tells whether an event is worth a job: the store sells electronic goods, and it didn't happen before the shop was connected. It errs on the side of a job.
func (g *Digital) Wanted(e db.Event) bool {
	o, ok := e.Payload.(care.OrderEvent)
	return ok && !o.Backfill && g.sells(e.Store)
}

func (g *Digital) sells(store int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.stores == nil || now.Sub(g.read) > knownAge {
		rows, err := g.db.Read().Query(context.Background(), `SELECT DISTINCT store_id FROM digital_goods`)
		if err != nil {
			return true
		}
		defer rows.Close()
		set := map[int64]bool{}
		for rows.Next() {
			var id int64
			if rows.Scan(&id) != nil {
				return true
			}
			set[id] = true
		}
		if rows.Err() != nil {
			return true
		}
		g.stores, g.read = set, now
	}
	return g.stores[store]
}

// forget makes the stores that sell electronic goods be read anew.
func (g *Digital) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stores = nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}
