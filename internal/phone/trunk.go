package phone

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Connections is where the trunks' settings are.
type Connections interface {
	Connections(ctx context.Context) ([]account.LiveConnection, error)
	SetConnectionState(ctx context.Context, tx *db.Tx, id int64, state, reason string) error
}

// Trunks holds the trunks of all stores that have one, and rings by them. It implements Network.
type Trunks struct {
	db       *db.DB
	accounts Connections
	plugs    []care.CarrierPlug
	client   *http.Client
	bus      bus.Bus
	log      *slog.Logger

	mu     sync.Mutex
	open   map[int64]*openTrunk
	ring   func(connection, store int64, line care.Line)
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	quit   func()
}

type openTrunk struct {
	care.Trunk
	id, store, version int64
	up                 bool
	stop               context.CancelFunc
}

// NewTrunks makes it; Start opens what there is.
func NewTrunks(d *db.DB, accounts Connections, plugs []care.CarrierPlug, client *http.Client, hints bus.Bus, log *slog.Logger) *Trunks {
	t := &Trunks{db: d, accounts: accounts, plugs: plugs, client: client, bus: hints, log: log, open: map[int64]*openTrunk{}, wake: make(chan struct{}, 1)}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// TopicTrunks is published when a connection has changed.
const TopicTrunks = "phone.trunks"

const (
	lookForTrunks = 30 * time.Second // a hint may be lost
	openAgain     = 5 * time.Second
)

var errNoTrunk = errors.New("phone: the store has no trunk")

// Start opens the trunks and follows their settings. What rings in goes to ring.
func (t *Trunks) Start(ring func(connection, store int64, line care.Line)) error {
	t.ring = ring
	t.quit = t.bus.Subscribe(TopicTrunks, func(string, []byte) {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	})
	if err := t.refresh(); err != nil {
		return err
	}
	t.work.Go(func() {
		for {
			timer := time.NewTimer(lookForTrunks)
			select {
			case <-timer.C:
			case <-t.wake:
			case <-t.ctx.Done():
				timer.Stop()
				return
			}
			timer.Stop()
			if err := t.refresh(); err != nil && t.ctx.Err() == nil {
				t.log.Error("trunks", "err", err)
			}
		}
	})
	return nil
}

// Close leaves the network.
func (t *Trunks) Close() {
	if t.quit != nil {
		t.quit()
	}
	t.cancel()
	t.work.Wait()
}

// refresh opens what is new, closes what is gone and opens anew what was changed.
func (t *Trunks) refresh() error {
	all, err := t.accounts.Connections(t.ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[int64]bool{}
	for _, c := range all {
		i := slices.IndexFunc(t.plugs, func(p care.CarrierPlug) bool { return p.Name() == c.Plug })
		if i < 0 || c.State == account.StatePaused {
			continue
		}
		seen[c.ID] = true
		if old := t.open[c.ID]; old != nil {
			if old.version == c.Version {
				continue
			}
			old.stop()
		}
		trunk, err := t.plugs[i].OpenTrunk(c.Connection, t.client)
		if err != nil {
			t.log.Warn("a trunk can't be opened", "connection", c.ID, "err", err)
			delete(t.open, c.ID)
			continue
		}
		ctx, stop := context.WithCancel(t.ctx)
		o := &openTrunk{Trunk: trunk, id: c.ID, store: c.Store, version: c.Version, stop: stop, up: true}
		t.open[c.ID] = o
		t.work.Go(func() { t.keep(ctx, o) })
	}
	for id, o := range t.open {
		if !seen[id] {
			o.stop()
			delete(t.open, id)
		}
	}
	return nil
}

// keep holds a trunk open until ctx ends.
func (t *Trunks) keep(ctx context.Context, o *openTrunk) {
	for ctx.Err() == nil {
		err := o.Start(ctx, func(l care.Line) { t.ring(o.id, o.store, l) }, func(s care.TrunkState) { t.state(o, s.Up, s.Reason) })
		if err == nil || ctx.Err() != nil {
			return
		}
		t.state(o, false, err.Error())
		timer := time.NewTimer(openAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (t *Trunks) state(o *openTrunk, up bool, reason string) {
	t.mu.Lock()
	o.up = up
	t.mu.Unlock()
	state := account.StateOK
	if !up {
		state = account.StateDegraded
	}
	err := t.db.Write(t.ctx, db.System, func(tx *db.Tx) error { return t.accounts.SetConnectionState(t.ctx, tx, o.id, state, reason) })
	if err != nil && t.ctx.Err() == nil {
		t.log.Warn("a trunk's state couldn't be kept", "connection", o.id, "err", err)
	}
}

// Has tells whether a store has a trunk, up or not.
func (t *Trunks) Has(store int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.open {
		if o.store == store {
			return true
		}
	}
	return false
}

// Dial implements Network: by the store's trunks one after another, those that are up first, then as the store orders them, until one takes the call.
func (t *Trunks) Dial(ctx context.Context, store int64, d care.Dialing) (care.Line, int64, error) {
	return t.DialBy(ctx, store, d, nil)
}

// DialBy is Dial without the trunks that were tried already.
func (t *Trunks) DialBy(ctx context.Context, store int64, d care.Dialing, tried []int64) (care.Line, int64, error) {
	t.mu.Lock()
	var mine []*openTrunk
	up := map[int64]bool{}
	for _, o := range t.open {
		if o.store == store && !slices.Contains(tried, o.id) {
			mine, up[o.id] = append(mine, o), o.up
		}
	}
	t.mu.Unlock()
	var order []int64
	if len(mine) > 1 {
		var err error
		if order, err = trunkOrder(ctx, t.db.Read(), store); err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(mine, func(a, b *openTrunk) int {
		if up[a.id] != up[b.id] {
			if up[a.id] {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(place(order, a.id), place(order, b.id)), cmp.Compare(a.id, b.id))
	})
	err := errNoTrunk
	for _, o := range mine {
		var line care.Line
		if line, err = o.Trunk.Dial(ctx, d); err == nil {
			return line, o.id, nil
		}
	}
	return nil, 0, err
}
