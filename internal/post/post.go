// Package post is the post room: what written channels bring in and what goes out by them. It owns arrivals (kept as they came, then
// handed to whoever reads them), sends (each goes out once, its attempts, receipts and delivery), the exchanges with addresses, who must not be
// written to, and the open sessions of all channel connections. It never decides what a message means or whether one should be sent.
package post

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Kinds of the room's jobs. app/wire.go routes the events of connections to JobChanged.
const (
	JobChanged = "post.changed"
	jobSort    = "post.sort" // what a connection brought
	jobSend    = "post.send"
	jobPush    = "post.push" // tell a service where to push
	jobWatch   = "post.watch"
	jobForget  = "post.forget"
	forever    = 1 << 30

	topicChanged = "post.changed"
)

// Connections is what the room asks of the accounts' room.
type Connections interface {
	Connection(ctx context.Context, id int64) (account.LiveConnection, error)
	ConnectionByHook(ctx context.Context, hookToken string) (account.LiveConnection, error)
	Connections(ctx context.Context) ([]account.LiveConnection, error)
	SetConnectionState(ctx context.Context, tx *db.Tx, id int64, state, reason string) error
}

// Taker is where customers' messages go. It must take the same ClientID in a thread once.
type Taker interface {
	// KeepFile keeps a file that came with a message of the thread until the message is taken. An *Error refuses it for good.
	KeepFile(ctx context.Context, in Incoming, name string, content io.Reader) (attachment int64, err error)
	Take(ctx context.Context, in Incoming) (Taken, error)
}

// Incoming is a customer's message with what the room knows beside it. Its Thread is unique over all connections of a channel.
type Incoming struct {
	care.Arrival
	Connection care.Connection
	Push       int64 // where the raw form is kept: Post.Raw
	Customer   int64 // whom the link was made for by which he came; 0: unknown
	Missing    []MissingFile
	Inline     map[string]int64 // attachments that the HTML shows, by their content ids
}

// MissingFile is a file that couldn't be had.
type MissingFile struct {
	Name string
	Code string // of the error
}

// Taken is where a message went; zero when it was no matter for anybody.
type Taken struct {
	Conversation int64
	Message      int64
	Customer     int64
}

// Bus carries hints between nodes and to open screens.
type Bus interface {
	Publish(topic string, data []byte)
	Subscribe(prefix string, f func(topic string, data []byte)) (cancel func())
}

// Options are what New may be told; zero values are the usual ones.
type Options struct {
	Client    *http.Client // guarded (outgoing.New); http.DefaultClient if nil
	Bus       Bus
	Files     blob.Store
	Log       *slog.Logger
	PublicURL string // in front of a file's path, for services that fetch files themselves
	Key       []byte // signs the addresses by which customers find links to bots
	Audit     func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
	// Fill puts in, at the moment of sending, what may not lie readable among the sends: the keys of a store's electronic goods.
	Fill func(ctx context.Context, store int64, s string, asHTML bool) (string, error)
}

// Post is the room. It is safe for concurrent use.
type Post struct {
	db          *db.DB
	connections Connections
	plugs       map[string]care.ChannelPlug
	o           Options
	taker       Taker

	mu       sync.Mutex
	sessions map[int64]*session
	bots     map[int64]hasBots // of stores
	wake     chan struct{}     // the listeners' keeper looks again
	quit     context.CancelFunc
	running  sync.WaitGroup
	cancels  []func()
}

// New makes the room. TakeTo must be called before anything arrives.
func New(d *db.DB, c Connections, plugs []care.ChannelPlug, o Options) *Post {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Post{db: d, connections: c, plugs: map[string]care.ChannelPlug{}, o: o, sessions: map[int64]*session{}, bots: map[int64]hasBots{}, wake: make(chan struct{}, 1)}
	for _, plug := range plugs {
		p.plugs[plug.Name()] = plug
	}
	return p
}

// TakeTo says where customers' messages go.
func (p *Post) TakeTo(t Taker) { p.taker = t }

// Jobs registers the room's work.
func (p *Post) Jobs(r *job.Runner) {
	r.Handle(JobChanged, p.runChanged)
	r.Handle(jobSort, p.runSort, job.Slow)
	r.Handle(jobSend, p.runSend, job.Slow)
	r.Handle(jobPush, p.runPush, job.Slow)
	r.Every(jobWatch, 10*time.Minute, p.watch)
	r.Every(jobForget, time.Hour, p.forget)
}

// Start opens the listeners of this node's share of connections. Close ends them.
func (p *Post) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.quit = cancel
	if p.o.Bus != nil {
		p.cancels = append(p.cancels, p.o.Bus.Subscribe(topicChanged, func(string, []byte) { p.nudge() }))
	}
	p.running.Go(func() { p.listenAll(ctx) })
}

// Close ends listeners and sessions; it may be called twice, and without Start.
func (p *Post) Close() {
	if p.quit != nil {
		p.quit()
	}
	for _, cancel := range p.cancels {
		cancel()
	}
	p.cancels = nil
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, s := range p.sessions {
		s.close()
		delete(p.sessions, id)
	}
}

func (p *Post) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
