// Package notify tells customers what is true and of use to them: a store's policy of notices, the decisions made by it with their
// reasons, the words, and the watch for what goes wrong with orders. It owns policies, templates, the log of decisions and exceptions. It
// never sends by itself (the post room does), never changes an order, and never tells anybody what isn't so at the moment of sending.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/post"
)

// Kinds of the room's jobs. app/wire.go routes Events to JobEvent, delivery changes to JobDelivery and changes of stock to JobStock.
const (
	JobEvent    = "notify.event"
	JobDelivery = "notify.delivery"
	JobStock    = "notify.stock"
	jobDue      = "notify.due"      // a planned notice's time has come
	jobFallback = "notify.fallback" // nobody said that it was delivered
	jobLook     = "notify.look"     // ask anew, as when stock had to be waited for
	jobWatch    = "notify.watch"    // an exception may have come due
)

// KindNotice is what sends of the room are called in the post room's events.
const KindNotice = "notice"

// Events are those that can bring a notice or an exception.
var Events = []string{
	care.EventOrderCreated, care.EventOrderUpdated, care.EventOrderStatusChanged, care.EventOrderCancelled,
	care.EventPaymentCaptured, care.EventPaymentFailed, care.EventPaymentRefunded,
	care.EventShipmentCreated, care.EventShipmentStatusChanged, care.EventShipmentAtPickupPoint, care.EventShipmentDelivered, care.EventShipmentException, care.EventShipmentReturning,
	care.EventReturnApproved, care.EventReturnReceived, care.EventReturnClosed, care.EventRefundCreated, care.EventRefundSettled, care.EventRefundFailed,
	care.EventGoodsDelivered, care.EventGoodsShort, care.EventGoodsWithdrawn,
}

// Wanted tells whether an event is worth a job: what happened before the shop was connected never is.
func Wanted(e db.Event) bool {
	o, ok := e.Payload.(care.OrderEvent)
	return ok && !o.Backfill
}

// Short tells whether a change of stock may take the goods from orders that were taken, or give them back: what can be sold fell below nothing,
// or rose to it again.
func Short(e db.Event) bool {
	s, ok := e.Payload.(care.StockEvent)
	return ok && !s.Backfill && (s.Total < 0) != (s.Total-s.After+s.Before < 0)
}

// Post is what the room asks of the post room.
type Post interface {
	Channels(ctx context.Context, store int64) (map[string]care.ChannelAbilities, error)
	Ways(ctx context.Context, store int64, addresses []post.Address) ([]post.Way, error)
	Send(ctx context.Context, tx *db.Tx, s post.Send) (id int64, err error)
	Status(ctx context.Context, q db.Querier, id int64) (post.Status, error)
	BotsURL(ctx context.Context, store, customer, order int64, now time.Time) string
}

// Bus carries hints to open screens after a commit.
type Bus interface {
	Publish(topic string, data []byte)
}

// Goods is what the room asks about electronic goods, whose own room stands beside it.
type Goods interface {
	Link(order int64, until time.Time) string
	Place(piece int64, kind, hint string) string
	Bare(s string) string
}

// Options are what New may be told.
type Options struct {
	Goods Goods
	Bus   Bus
	Audit func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
	Log   *slog.Logger
}

// Notify is the room.
type Notify struct {
	db   *db.DB
	post Post
	o    Options

	mu       sync.Mutex
	compiled map[int64]*Compiled // by store, as last read
}

// New makes the room.
func New(d *db.DB, p Post, o Options) *Notify {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Notify{db: d, post: p, o: o, compiled: map[int64]*Compiled{}}
}

// Jobs registers the room's work.
func (n *Notify) Jobs(r *job.Runner) {
	r.Handle(JobEvent, job.InTx(n.onEvent))
	r.Handle(JobDelivery, job.InTx(n.onDelivery))
	r.Handle(JobStock, job.InTx(n.onStock))
	r.Handle(jobDue, job.InTx(n.onDue))
	r.Handle(jobFallback, job.InTx(n.onFallback))
	r.Handle(jobLook, job.InTx(n.onLook))
	r.Handle(jobWatch, job.InTx(n.onWatch))
}

// policy is the store's policy in force, compiled. It reads the version each time, and the policy when that has changed.
func (n *Notify) policy(ctx context.Context, q db.Querier, store int64, zone *time.Location) (*Compiled, error) {
	var version int64
	err := q.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM notice_policies WHERE store_id = $1`, store).Scan(&version)
	if err != nil {
		return nil, err
	}
	zoneName := zone.String()
	n.mu.Lock()
	c := n.compiled[store]
	n.mu.Unlock()
	if c != nil && c.Version == version && c.zone == zoneName {
		return c, nil
	}
	p := DefaultPolicy()
	if version > 0 {
		if p, err = readPolicy(ctx, q, store, version); err != nil {
			return nil, err
		}
	}
	if c, err = Compile(p, version, zone); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.compiled[store] = c
	n.mu.Unlock()
	return c, nil
}

func readPolicy(ctx context.Context, q db.Querier, store, version int64) (p Policy, err error) {
	var raw json.RawMessage
	err = q.QueryRow(ctx, `SELECT policy FROM notice_policies WHERE store_id = $1 AND version = $2`, store, version).Scan(&raw)
	if errors.Is(err, db.ErrNoRows) {
		return p, care.NotFound("policy")
	}
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(raw, &p)
}
