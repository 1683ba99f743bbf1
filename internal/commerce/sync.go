package commerce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Connections is what the engine asks of the accounts' room.
type Connections interface {
	Connection(ctx context.Context, id int64) (account.LiveConnection, error)
	ConnectionByHook(ctx context.Context, hookToken string) (account.LiveConnection, error)
	SetConnectionState(ctx context.Context, tx *db.Tx, id int64, state, reason string) error
}

// Mirror is where what was read goes; *Commerce is one.
type Mirror interface {
	Apply(ctx context.Context, conn care.Connection, records []care.Record, o ApplyOptions) (Applied, error)
}

// SyncOptions are what NewSync may be told; zero values are the usual ones.
type SyncOptions struct {
	Client    *http.Client // guarded (outgoing.New); http.DefaultClient if nil
	Bus       Bus
	Index     Index // what is erased leaves it; may be nil
	Log       *slog.Logger
	PollEvery time.Duration // 0: a minute; three while hooks are well
	Rescan    time.Duration // how old what is known of an open order may get; 0: 30 min
	PerSecond float64       // requests to one shop; 0: 5
	// Audit notes who asked a shop to do something (account.Record); may be nil.
	Audit func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)
}

// Sync keeps the mirror up with every connected shop: a first import that survives being killed, then hints from
// hooks, polls for what hooks miss, and looking again at every open order for what neither tells. It works
// through any care.Shop, in durable jobs, and never decides what a record means.
type Sync struct {
	db          *db.DB
	mirror      Mirror
	connections Connections
	plugs       map[string]care.ShopPlug
	o           SyncOptions

	mu       sync.Mutex
	sessions map[int64]*session
}

// session is an open shop of one version of a connection's settings.
type session struct {
	version  int64
	shop     care.Shop
	fetching sync.Mutex // hints of one connection are fetched by one job at a time
}

const (
	jobImport  = "shop.import"
	jobPoll    = "shop.poll"
	jobRescan  = "shop.rescan"
	jobHints   = "shop.hints"
	jobHooks   = "shop.hooks"
	jobErase   = "shop.erase"
	JobChanged = "shop.changed" // listens to connection.updated
	jobWatch   = "shop.watch"
	jobForget  = "shop.forget_hooks"
	forever    = 1 << 30
	importFor  = 15 * time.Second // of one run: then others have their turn, and a stop loses little
	watchEvery = time.Minute

	phaseImporting = "importing"
	phaseLive      = "live"
)

// NewSync makes the engine.
func NewSync(d *db.DB, m Mirror, c Connections, plugs []care.ShopPlug, o SyncOptions) *Sync {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.PollEvery == 0 {
		o.PollEvery = time.Minute
	}
	if o.Rescan == 0 {
		o.Rescan = 30 * time.Minute
	}
	if o.PerSecond == 0 {
		o.PerSecond = 5
	}
	s := &Sync{db: d, mirror: m, connections: c, plugs: map[string]care.ShopPlug{}, o: o, sessions: map[int64]*session{}}
	for _, p := range plugs {
		s.plugs[p.Name()] = p
	}
	return s
}

// Jobs registers the engine's work.
func (s *Sync) Jobs(r *job.Runner) {
	r.Handle(jobImport, s.runImport, job.Slow)
	r.Handle(jobPoll, s.runPoll, job.Slow)
	r.Handle(jobRescan, s.runRescan, job.Slow)
	r.Handle(jobHints, s.runHints, job.Slow)
	r.Handle(jobHooks, s.runHooks, job.Slow)
	r.Handle(jobErase, s.runErase)
	r.Handle(jobAction, s.runAction, job.Slow)
	r.Handle(JobChanged, s.runChanged)
	r.Every(jobWatch, watchEvery, s.watch)
	r.Every(jobForget, time.Hour, s.forgetHooks)
}

type ofConnection struct {
	Connection int64 `json:"connection_id"`
}

// work is a job of a connection; one of a kind waits at a time.
func work(kind string, store, connection int64, at time.Time) db.Job {
	return db.Job{Store: store, Kind: kind, Key: strconv.FormatInt(connection, 10), RunAt: at, Payload: ofConnection{connection}, MaxAttempts: forever}
}

// live is what a job works on.
type live struct {
	account.LiveConnection
	*session
	sync query.ShopSync
}

// errIdle ends a job that has nothing to do now: the connection is paused or was left.
var errIdle = errors.New("idle")

// open returns the connection of a job with its shop.
func (s *Sync) open(ctx context.Context, id int64) (live, error) {
	c, err := s.connections.Connection(ctx, id)
	if err != nil {
		return live{}, err
	}
	row, err := query.New(s.db.Read()).Sync(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return live{}, errIdle
	}
	if err != nil {
		return live{}, err
	}
	if c.State == account.StatePaused {
		return live{}, errIdle
	}
	ses, err := s.session(c)
	if err != nil {
		return live{}, err
	}
	return live{c, ses, row}, nil
}

// session opens a shop, once per version of its settings.
func (s *Sync) session(c account.LiveConnection) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.sessions[c.ID]; have != nil && have.version == c.Version {
		return have, nil
	}
	plug := s.plugs[c.Plug]
	if plug == nil {
		return nil, care.Invalid("plug", "plug_unknown", "value", c.Plug)
	}
	shop, err := plug.Open(c.Connection, s.paced())
	if err != nil {
		return nil, err
	}
	ses := &session{version: c.Version, shop: shop}
	s.sessions[c.ID] = ses
	return ses, nil
}

// loop is what a handler of a repeated job ends with: the next run, whatever came of this one. The job
// itself never fails, so it never dies; trouble shows as the state of the connection.
func (s *Sync) loop(ctx context.Context, l live, kind string, cause error, next time.Duration, more func(tx *db.Tx, q *query.Queries) error) job.Done {
	return func(tx *db.Tx) error {
		q := query.New(tx)
		wait, err := s.note(ctx, tx, q, l, cause)
		if err != nil {
			return err
		}
		if more != nil && cause == nil {
			if err := more(tx, q); err != nil {
				return err
			}
		}
		tx.Enqueue(work(kind, l.Store, l.ID, tx.Now.Add(max(wait, jitter(next)))))
		return nil
	}
}

// jitter spreads what would otherwise come at the same moment.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.2*float64(d))
}

// idle decides what becomes of a job whose connection couldn't be opened.
func (s *Sync) idle(ctx context.Context, id, store int64, kind string, err error) (job.Done, error) {
	var e *care.Error
	switch {
	case errors.Is(err, errIdle):
		return nil, nil // the watch starts it again when the connection is resumed
	case errors.As(err, &e) && e.Kind == care.KindNotFound:
		return func(tx *db.Tx) error { return drop(ctx, query.New(tx), id) }, nil
	case errors.As(err, &e):
		// Settings that don't open: shown until somebody mends them.
		return func(tx *db.Tx) error {
			if err := s.connections.SetConnectionState(ctx, tx, id, account.StateDegraded, reason(err)); err != nil && !isNotFound(err) {
				return err
			}
			tx.Enqueue(work(kind, store, id, tx.Now.Add(5*time.Minute)))
			return nil
		}, nil
	}
	return nil, err
}

func isNotFound(err error) bool {
	var e *care.Error
	return errors.As(err, &e) && e.Kind == care.KindNotFound
}

func drop(ctx context.Context, q *query.Queries, id int64) error {
	return errors.Join(q.DropCursors(ctx, id), q.DropHints(ctx, id), q.DropDeliveries(ctx, id), q.DropSync(ctx, id))
}

// watch sees to it that every connection has its jobs, whatever happened to them.
func (s *Sync) watch(ctx context.Context, _ job.Job) (job.Done, error) {
	rows, err := query.New(s.db.Read()).Syncs(ctx)
	if err != nil {
		return nil, err
	}
	var missing []db.Job
	for _, row := range rows {
		kinds := []string{jobPoll, jobRescan, jobHooks}
		if row.Phase == phaseImporting {
			kinds = []string{jobImport, jobHooks}
		}
		c, err := s.connections.Connection(ctx, row.ConnectionID)
		if err == nil && c.State == account.StatePaused {
			continue
		}
		for _, kind := range kinds {
			n, err := query.New(s.db.Read()).JobWaits(ctx, query.JobWaitsParams{Kind: kind, Key: strconv.FormatInt(row.ConnectionID, 10)})
			if err != nil {
				return nil, err
			}
			if n == 0 {
				missing = append(missing, work(kind, row.StoreID, row.ConnectionID, time.Time{}))
			}
		}
	}
	return func(tx *db.Tx) error {
		for _, j := range missing {
			tx.Enqueue(j)
		}
		return nil
	}, nil
}

// apply hands records to the mirror. What was there before the shop was connected is no news: while an
// import runs, an order is news only if it was placed since the import began or, when a shop that was
// read before is read again, changed since it was last asked.
func (s *Sync) apply(ctx context.Context, l live, records []care.Record) (Applied, error) {
	var old, news []care.Record
	for _, r := range records {
		if l.sync.Phase != phaseImporting || isNews(l.sync, r) {
			news = append(news, r)
		} else {
			old = append(old, r)
		}
	}
	sum := Applied{}
	for _, part := range []struct {
		records  []care.Record
		backfill bool
	}{{old, true}, {news, false}} {
		if len(part.records) == 0 {
			continue
		}
		a, err := s.mirror.Apply(ctx, l.Connection, part.records, ApplyOptions{Backfill: part.backfill})
		if err != nil {
			return sum, fmt.Errorf("keep what the shop told: %w", err)
		}
		for i, e := range a.Errors {
			s.o.Log.Warn("a record of a shop couldn't be kept", "connection", l.ID, "kind", part.records[i].Kind, "external_id", part.records[i].ExternalID, "err", e)
		}
		sum.Created += a.Created
		sum.Updated += a.Updated
		sum.Deleted += a.Deleted
	}
	return sum, nil
}

func isNews(row query.ShopSync, r care.Record) bool {
	o, ok := r.Data.(care.ShopOrder)
	if !ok {
		return false
	}
	return !o.PlacedAt.Before(row.ImportStartedAt.Time()) || row.PolledAt != 0 && r.UpdatedAt.After(row.PolledAt.Time())
}

// runChanged reacts to new settings at once: new keys are tried, a resumed connection catches up, hooks follow a new address.
func (s *Sync) runChanged(ctx context.Context, j job.Job) (job.Done, error) {
	if j.Event == nil {
		return nil, nil
	}
	row, err := query.New(s.db.Read()).Sync(ctx, j.Event.Subject)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		kinds := []string{jobHooks, jobHints, jobPoll}
		if row.Phase == phaseImporting {
			kinds = []string{jobHooks, jobImport}
		}
		for _, kind := range kinds {
			now := work(kind, row.StoreID, row.ConnectionID, tx.Now)
			now.Move = true
			tx.Enqueue(now)
		}
		return nil
	}, nil
}
