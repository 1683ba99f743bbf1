// Package widget is the door for a shop's visitors: the script on the shop's pages, and the few requests by
// which a visitor opens a session, writes, reads what was said, sends files and sees his orders. Whoever holds a token is
// the visitor that it names; the program keeps no session of his. It owns no tables and decides nothing about conversations.
package widget

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/web/live"
)

// Options are what the door needs of the house. All but Polled, BehindProxy and Log are required.
type Options struct {
	Accounts *account.Accounts
	Inbox    *inbox.Inbox
	Phone    Telephone
	Bots     Bots // nil: none are offered
	// PublicURL is in front of the addresses of pages.
	PublicURL string
	// Key signs visitors' tokens; every node has the same one.
	Key []byte
	// Files are the built loader and panels.
	Files fs.FS
	// Polled is told of visitors who ask for messages, so that those without a socket count as present.
	Polled func(live.Visitor)
	// BehindProxy trusts the last X-Forwarded-For.
	BehindProxy bool
	Log         *slog.Logger
}

// Bots is what the door asks of the post room.
type Bots interface {
	HasBots(ctx context.Context, store int64) bool
	BotsURL(ctx context.Context, store, customer, order int64, now time.Time) string
}

// Door serves visitors. It is safe for concurrent use, and is live's Visitors.
type Door struct {
	db     *db.DB
	o      Options
	files  map[string]file
	limits limits
	stores stores

	replies sync.Map // store -> said: how soon its agents answer
}

// replyFor is how long what is known of a store's answers stays good enough.
const replyFor = 5 * time.Minute

type said struct {
	minutes int64
	at      time.Time
}

// replyMinutes tells how soon a store usually answers. That it can't be told is no reason to keep a visitor waiting.
func (d *Door) replyMinutes(ctx context.Context, store int64, now time.Time) int64 {
	if v, ok := d.replies.Load(store); ok && now.Sub(v.(said).at) < replyFor {
		return v.(said).minutes
	}
	n, err := d.o.Inbox.ReplyMinutes(ctx, store)
	if err != nil {
		d.o.Log.WarnContext(ctx, "how soon a store answers", "store", store, "err", err)
		return 0
	}
	d.replies.Store(store, said{n, now})
	return n
}

// New reads the built files; the error says which is missing.
func New(d *db.DB, o Options) (*Door, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Polled == nil {
		o.Polled = func(live.Visitor) {}
	}
	door := &Door{db: d, o: o, limits: newLimits()}
	door.stores = stores{accounts: o.Accounts, byID: map[int64]*store{}, bySlug: map[string]*store{}}
	return door, door.load(o.Files)
}

// Routes adds the public addresses.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /widget.js", d.loader)
	mux.HandleFunc("GET /widget/{file}", d.part)
	for pattern, h := range map[string]handler{
		"POST /widget/v1/session":  d.session,
		"GET /widget/v1/messages":  d.messages,
		"POST /widget/v1/messages": d.send,
		"POST /widget/v1/uploads":  d.upload,
		"POST /widget/v1/read":     d.read,
		"POST /widget/v1/track":    d.track,
		"GET /widget/v1/orders":    d.orders,
		"GET /widget/v1/calls":     d.calls,
		"POST /widget/v1/calls":    d.ask,
		"POST /widget/v1/withdraw": d.withdraw,
	} {
		mux.Handle(pattern, d.public(h))
	}
	mux.HandleFunc("OPTIONS /widget/v1/", preflight)
	mux.Handle("/widget/v1/", d.public(func(http.ResponseWriter, *request) (any, error) { return nil, care.NotFound("route") }))
}

// Visitor implements live.Visitors.
func (d *Door) Visitor(ctx context.Context, token, origin string) (live.Visitor, error) {
	c, err := d.open(token)
	if err != nil {
		return live.Visitor{}, err
	}
	s, err := d.stores.get(ctx, c.Store, d.db.Now())
	if err != nil {
		return live.Visitor{}, err
	}
	if !s.serves(origin) {
		return live.Visitor{}, errOrigin
	}
	return live.Visitor{Store: c.Store, ID: c.Visitor}, nil
}

// Conversation implements live.Visitors.
func (d *Door) Conversation(ctx context.Context, v live.Visitor) (int64, error) {
	var id int64
	err := d.db.Read().QueryRow(ctx, `SELECT id FROM conversations WHERE store_id = $1 AND channel = 'chat' AND thread = $2 AND latest`, v.Store, v.ID).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// Visited implements live.Visitors.
func (d *Door) Visited(ctx context.Context, v live.Visitor, page care.Page) error {
	return d.o.Inbox.Visited(ctx, v.Store, v.ID, page)
}

// store is a shop as the door needs it with every request, kept for a few seconds.
type store struct {
	account.Store
	calendar *cal.Calendar
	read     time.Time
}

// serves tells whether pages of the origin may show the store's widget. Programs send no origin.
func (s *store) serves(origin string) bool {
	if origin == "" || len(s.Widget.Origins) == 0 {
		return true
	}
	for _, o := range s.Widget.Origins {
		if o == origin {
			return true
		}
	}
	return false
}

// open tells whether somebody is there now and, if not, when; the zero time means that nobody knows.
func (s *store) open(now time.Time) (open bool, next time.Time) {
	if s.calendar == nil || s.calendar.Open(now) {
		return true, time.Time{}
	}
	next, err := s.calendar.NextOpen(now)
	if err != nil {
		return false, time.Time{}
	}
	return false, next
}

const storeAge = 5 * time.Second

// stores keeps shops for a moment: a thousand visitors who come together read one row.
type stores struct {
	accounts *account.Accounts
	mu       sync.Mutex
	byID     map[int64]*store
	bySlug   map[string]*store
}

func (s *stores) get(ctx context.Context, id int64, now time.Time) (*store, error) {
	s.mu.Lock()
	known := s.byID[id]
	s.mu.Unlock()
	if known != nil && now.Sub(known.read) < storeAge {
		return known, nil
	}
	row, err := s.accounts.Store(ctx, id)
	return s.keep(row, err, now)
}

// find takes a slug, or the store's id in digits.
func (s *stores) find(ctx context.Context, name string, now time.Time) (*store, error) {
	s.mu.Lock()
	known := s.bySlug[name]
	s.mu.Unlock()
	if known != nil && now.Sub(known.read) < storeAge {
		return known, nil
	}
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		return s.get(ctx, id, now)
	}
	row, err := s.accounts.StoreBySlug(ctx, name)
	return s.keep(row, err, now)
}

func (s *stores) keep(row account.Store, err error, now time.Time) (*store, error) {
	switch {
	case errors.Is(err, care.NotFound("")) || err == nil && row.Widget.Disabled:
		return nil, &care.Error{Code: "widget.store_unknown", Kind: care.KindNotFound}
	case err != nil:
		return nil, err
	}
	out := &store{Store: row, read: now}
	// Settings are checked when they are saved; a calendar that can't be read after all keeps nobody from writing.
	out.calendar, _ = cal.New(row.Calendar)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[row.ID], s.bySlug[row.Slug] = out, out
	return out, nil
}
