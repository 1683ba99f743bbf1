// Package phone owns the telephone: the calls that come and go, the callbacks that the shop owes its customers, who waits in
// which telephone queue, the agents at the telephone, and the records of recordings. A callback is a row that is always in some state with a
// reason and ends done, declined, or told in writing; nobody is dialled before an agent is reserved for him. It never speaks a network's
// protocol (a carrier's plug does) and never moves a sample of sound itself (internal/sound does).
package phone

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/sound"
	"opeka/internal/sound/browser"
)

// Customers is who the calls are with.
type Customers interface {
	Resolve(ctx context.Context, tx *db.Tx, store int64, ids []care.Identity, h customer.Hint) (id int64, created bool, err error)
	Consent(ctx context.Context, tx *db.Tx, id int64, subject string, given bool, source string) error
	Speaks(ctx context.Context, tx *db.Tx, id int64, language string) error
}

// Talks is where calls become part of conversations: the inbox. Its verbs are idempotent by the note's key.
type Talks interface {
	// Call notes something about a call in the conversation that is named, else in the customer's on the telephone, which begins with it if need be.
	Call(ctx context.Context, n care.CallNote) (conversation int64, err error)
}

// Network is the trunks of the stores.
type Network interface {
	// Dial rings a number from a trunk of the store; connection is the trunk's.
	Dial(ctx context.Context, store int64, d care.Dialing) (line care.Line, connection int64, err error)
}

// Options are what New needs beside its neighbours.
type Options struct {
	Network Network
	Talks   Talks
	Letters Letters // nil: who has no conversation in writing isn't written to
	// PublicURL is where shoppers reach the installation; letters point there.
	PublicURL string
	Mixer     *sound.Mixer  // nil: no sound in this process
	Door      *browser.Door // nil: no browsers
	// Files keeps recordings; Recordings is the folder on this machine in which they are made. Without both nothing is recorded.
	Files      blob.Store
	Recordings string
	// Sealer keeps the secrets of agents' own telephones, which Exchange rings. Without both there are none.
	Sealer   Sealer
	Exchange Exchange
	Audit    Audit        // nil: nothing is audited
	Log      *slog.Logger // slog.Default() if nil
}

// Audit notes in the transaction that somebody did something that is to be found again.
type Audit func(tx *db.Tx, by account.By, store int64, action string, subject int64, name string, before, after any)

// Phone is the room. It is safe for concurrent use.
type Phone struct {
	db        *db.DB
	customers Customers
	bus       bus.Bus
	network   Network
	talks     Talks
	letters   Letters
	publicURL string
	log       *slog.Logger

	files      blob.Store
	recordings string
	audit      Audit
	sealer     Sealer
	exchange   Exchange
	parked     parked

	life      int64 // of this process; 0 until Start
	calendars sync.Map
	lines     lines
	awaited   awaited
	booth     *booth
	voice     voice
	prompts   prompts
	ctx       context.Context // of what follows lines
	cancel    context.CancelFunc
	work      sync.WaitGroup
	cancels   []func()
	close     sync.Once
}

// New makes the room. Start lets it hold calls.
func New(d *db.DB, customers Customers, hints bus.Bus, o Options) *Phone {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Phone{db: d, customers: customers, bus: hints, network: o.Network, talks: o.Talks, letters: o.Letters, publicURL: strings.TrimSuffix(o.PublicURL, "/"), log: o.Log, booth: newBooth(o.Mixer, o.Door), lines: lines{held: map[int64]*held{}}}
	p.files, p.recordings, p.audit, p.sealer, p.exchange = o.Files, o.Recordings, o.Audit, o.Sealer, o.Exchange
	if o.Files == nil {
		p.recordings = ""
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Close hangs up what this process holds and waits until that is written. It may be called twice, and without Start.
func (p *Phone) Close() {
	p.close.Do(func() {
		for _, cancel := range p.cancels {
			cancel()
		}
		p.lines.hangUpAll()
		done := make(chan struct{})
		go func() { p.lines.work.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(closeWithin): // what isn't written counts as lost with this life
		}
		p.cancel()
		p.work.Wait()
	})
}

const closeWithin = 3 * time.Second

// storeFacts is what of a store the telephone needs.
type storeFacts struct {
	Zone     string
	Language string
	Calendar *cal.Calendar
}

func (p *Phone) store(ctx context.Context, q db.Querier, id int64) (f storeFacts, err error) {
	var raw []byte
	err = q.QueryRow(ctx, `SELECT time_zone, language, calendar FROM stores WHERE id = $1 AND archived_at = 0`, id).Scan(&f.Zone, &f.Language, &raw)
	if err != nil {
		return f, missing(err, "store")
	}
	if c, ok := p.calendars.Load(string(raw)); ok {
		f.Calendar = c.(*cal.Calendar)
		return f, nil
	}
	var s cal.Settings
	if json.Unmarshal(raw, &s) == nil {
		// One that can't be read counts as always open; account refuses such settings when they are made.
		f.Calendar, _ = cal.New(s)
	}
	p.calendars.Store(string(raw), f.Calendar)
	return f, nil
}

// hint tells open screens of the store what has changed.
func (p *Phone) hint(tx *db.Tx, store int64, what map[string]any) {
	tx.AfterCommit(func() { p.tell("live.agents."+itoa(store), what) })
}

// hintAgent tells one agent's screens.
func (p *Phone) hintAgent(tx *db.Tx, agent int64, what map[string]any) {
	tx.AfterCommit(func() { p.tell("live.agent."+itoa(agent), what) })
}

func (p *Phone) tell(topic string, what map[string]any) {
	b, err := json.Marshal(what)
	if err != nil {
		p.log.Error("hint not sent", "topic", topic, "err", err)
		return
	}
	p.bus.Publish(topic, b)
}

// allow checks a store's row against the scope: another store's row doesn't exist for the caller.
func allow(s care.Scope, store int64, perm care.Permission, what string) error {
	if !s.In(store) {
		return care.NotFound(what)
	}
	if !s.May(store, perm) {
		return care.Forbidden(perm)
	}
	return nil
}

func actorOf(s care.Scope) db.Actor {
	switch {
	case s.Agent != 0:
		return db.Actor{Kind: care.ActorAgent, ID: s.Agent}
	case s.Key != 0:
		return db.Actor{Kind: care.ActorKey, ID: s.Key}
	}
	return db.System
}

// missing turns "no row" into NotFound.
func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}

func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // within a transaction, which turns it into an error: only plain data is kept
	}
	return b
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func clip(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
