// Package inbox owns conversations: what customers write and agents answer, the queues in which conversations
// wait, who takes which, drafts, tags, topics, attachments, exact counts and the search of their text. It
// never talks to a channel itself: what is said to a customer is handed to the post room in the same transaction.
package inbox

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/post"
)

// Statuses of a conversation.
const (
	Open     = "open"
	Pending  = "pending" // the agent waits for the customer
	Snoozed  = "snoozed" // until a time, or until the customer writes
	Resolved = "resolved"
)

// Kinds of messages.
const (
	KindReply  = "reply"
	KindNote   = "note" // seen by agents only
	KindSystem = "system"
)

// Who a message is from.
const (
	FromCustomer = "customer"
	FromAgent    = "agent"
	FromBot      = "bot"
	FromSystem   = "system"
)

// Limits of what is accepted.
const (
	MaxBody    = 20_000 // characters
	MaxSubject = 500
	MaxFiles   = 10 // attachments of a message
)

// reopenWithin is how long after it was resolved a customer's message continues a conversation; later a new one begins.
const reopenWithin = 48 * time.Hour

// Customers finds whom a message is from.
type Customers interface {
	AskUnknown(unknown *bool, store int64, ids []care.Identity) []db.Ask
	Recognise(ctx context.Context, tx *db.Tx, store int64, ids []care.Identity, h customer.Hint) (customer.Recognised, error)
}

// Post is what the room asks of the post room.
type Post interface {
	Reply(ctx context.Context, tx *db.Tx, r post.Reply) (send int64, err error)
	Write(ctx context.Context, tx *db.Tx, r post.Reply, customer int64) (send int64, err error)
	Cancel(ctx context.Context, tx *db.Tx, send int64) (bool, error)
	Ways(ctx context.Context, store int64, addresses []post.Address) ([]post.Way, error)
	Again(ctx context.Context, tx *db.Tx, send int64) (again int64, err error)
	Templates(ctx context.Context, store, connection int64) ([]care.ApprovedTemplate, error)
	BotsURL(ctx context.Context, store, customer, order int64, now time.Time) string
	RawOfMessage(ctx context.Context, message int64) (io.ReadCloser, error)
	Letterhead(ctx context.Context, store int64, thread string) (post.Letterhead, error)
	OptedOut(ctx context.Context, q db.Querier, store int64, channel, address string) (reason string, err error)
}

// Options are what New needs beside its neighbours.
type Options struct {
	// Secret signs the addresses by which visitors fetch attachments.
	Secret []byte
	Index  Index
	// Post carries replies on every channel but chat; nil: they stay queued.
	Post Post
	Log  *slog.Logger // slog.Default() if nil
}

// Inbox is the room of conversations. It is safe for concurrent use.
type Inbox struct {
	db        *db.DB
	customers Customers
	files     blob.Store
	bus       bus.Bus
	secret    []byte
	index     Index
	post      Post
	log       *slog.Logger

	viewers *viewers
	indexer *indexer
	numbers *numbers
	// calendars are compiled once per text; stores have few.
	calendars sync.Map
	names     sync.Map      // agents', for a minute: id -> named
	uploads   chan struct{} // a place per upload under way
	close     sync.Once
	cancels   []func()
}

// New returns the room. Start makes it index messages and hear of viewers on other nodes.
func New(d *db.DB, customers Customers, files blob.Store, hints bus.Bus, o Options) *Inbox {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	i := &Inbox{db: d, customers: customers, files: files, bus: hints, secret: o.Secret, index: o.Index, post: o.Post, log: o.Log, uploads: make(chan struct{}, 8)}
	i.viewers = newViewers(d.Clock)
	i.indexer = newIndexer(i)
	i.numbers = &numbers{db: d, stores: map[int64]*numberBlock{}}
	return i
}

// Start begins to index messages for search. Close ends it.
func (i *Inbox) Start() {
	i.cancels = append(i.cancels, i.bus.Subscribe(topicViewers, i.viewers.hear))
	i.indexer.start()
}

// Close stops what Start began; it may be called twice, and without Start.
func (i *Inbox) Close() {
	i.close.Do(func() {
		for _, cancel := range i.cancels {
			cancel()
		}
		i.indexer.stop()
	})
}
