// Package webhook tells a store's own programs what happens, by the Standard Webhooks convention: signed, retried
// for days, replayable, never to an address inside the installation's network. It owns endpoints and deliveries; what is told is
// the event as it was kept, and nothing is told that the store's own API wouldn't show.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/webhook/query"
)

// Events are the types that an endpoint may ask for.
var Events = []string{
	care.EventCustomerCreated, care.EventCustomerUpdated, care.EventCustomerMerged,
	care.EventCartUpdated, care.EventCartAbandoned, care.EventCartRecovered,
	care.EventOrderCreated, care.EventOrderUpdated, care.EventOrderStatusChanged, care.EventOrderCancelled, care.EventOrderCompleted,
	care.EventPaymentPending, care.EventPaymentAuthorized, care.EventPaymentCaptured, care.EventPaymentFailed, care.EventPaymentRefunded, care.EventPaymentChargedBack,
	care.EventShipmentCreated, care.EventShipmentStatusChanged, care.EventShipmentAtPickupPoint, care.EventShipmentDelivered, care.EventShipmentException, care.EventShipmentReturning,
	care.EventReturnRequested, care.EventReturnApproved, care.EventReturnReceived, care.EventReturnClosed,
	care.EventRefundCreated, care.EventRefundSettled, care.EventRefundFailed, care.EventInvoiceIssued, care.EventInvoiceCancelled,
	care.EventStockChanged, care.EventStockOut, care.EventStockBackIn,
	care.EventProductCreated, care.EventProductUpdated, care.EventProductArchived,
	care.EventConnectionDegraded, care.EventConnectionRestored, care.EventConnectionAuthFailed,
	care.EventConversationCreated, care.EventConversationAssigned, care.EventConversationResolved, care.EventConversationReopened, care.EventConversationSnoozed,
	care.EventMessageReceived, care.EventMessageSent,
	care.EventCallStarted, care.EventCallAnswered, care.EventCallEnded, care.EventCallAbandoned, care.EventCallMissed, care.EventCallDropped, care.EventCallVoicemail,
	care.EventCallWrapped, care.EventCallRecording, care.EventCallRecorded,
	care.EventCallbackCreated, care.EventCallbackTried, care.EventCallbackLate, care.EventCallbackDone, care.EventCallbackDeclined, care.EventCallbackWritten, care.EventCallbackExpired, care.EventCallbackCancelled,
	care.EventStockTold,
	care.EventInquiryAsked, care.EventInquiryAnswered, care.EventInquiryOverdue, care.EventInquiryCancelled,
	care.EventNoticeSent, care.EventNoticeFailed, care.EventExceptionRaised, care.EventExceptionClosed,
	care.EventTaskCreated, care.EventTaskDone, care.EventTaskEscalated, care.EventTaskReopened,
}

const (
	maxEndpoints  = 20 // of a store
	overlap       = 24 * time.Hour
	topicChanged  = "webhook.changed"
	secretPrefix  = "whsec_"
	secretBytes   = 24
	keepDelivered = 30 * 24 * time.Hour
	// giveUpAfter is how long an endpoint may fail without a single success before it is switched off.
	giveUpAfter = 5 * 24 * time.Hour
)

// Bus carries between nodes that endpoints have changed.
type Bus interface {
	Publish(topic string, data []byte)
	Subscribe(prefix string, f func(topic string, data []byte)) (cancel func())
}

// Webhooks is the room.
type Webhooks struct {
	db       *db.DB
	bus      Bus
	sealer   *account.Sealer
	accounts *account.Accounts
	client   *http.Client
	mu       sync.Mutex
	stores   map[int64]bool // those with an active endpoint; nil: to be read
	changes  int64          // so that a list read before a change isn't kept after it
	quit     func()
}

// New makes the room; client must refuse private addresses (outgoing.New).
func New(d *db.DB, accounts *account.Accounts, sealer *account.Sealer, bus Bus, client *http.Client) *Webhooks {
	own := *client
	// An endpoint that moved must be corrected by its owner: a redirect could lead anywhere, and would lose the body.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Timeout = 15 * time.Second
	w := &Webhooks{db: d, accounts: accounts, sealer: sealer, bus: bus, client: &own}
	w.quit = bus.Subscribe(topicChanged, func(string, []byte) { w.forget() })
	return w
}

func (w *Webhooks) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes++
	w.stores = nil
}

// Close leaves the bus.
func (w *Webhooks) Close() { w.quit() }

// Wanted tells whether the store has an endpoint, so that others' events cost nothing.
func (w *Webhooks) Wanted(store int64) bool {
	w.mu.Lock()
	known, before := w.stores, w.changes
	w.mu.Unlock()
	if known == nil {
		ids, err := query.New(w.db.Read()).StoresWithEndpoints(context.Background())
		if err != nil {
			return true // then the job finds out
		}
		known = map[int64]bool{}
		for _, id := range ids {
			known[id] = true
		}
		w.mu.Lock()
		if w.changes == before {
			w.stores = known
		}
		w.mu.Unlock()
	}
	return known[store]
}

// Endpoint is where a store wants to be told. Its secrets are shown only when they are made.
type Endpoint struct {
	ID           int64    `json:"id"`
	Store        int64    `json:"store_id"`
	URL          string   `json:"url"`
	Description  string   `json:"description"`
	Events       []string `json:"events" doc:"Types of events; empty: all"`
	Active       bool     `json:"active"`
	Disabled     string   `json:"disabled_reason" doc:"Why the system switched it off"`
	FailingSince db.Time  `json:"failing_since_at"`
	CreatedAt    db.Time  `json:"created_at"`
	Secret       string   `json:"secret,omitempty" doc:"Only in the answer that made it"`
}

// EndpointInput is what an administrator sets.
type EndpointInput struct {
	URL         string   `json:"url" maxLength:"2000"`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Events      []string `json:"events,omitempty" maxItems:"100"`
	Active      *bool    `json:"active,omitempty"`
}

func (in EndpointInput) check() error {
	u, err := url.Parse(in.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return care.Invalid("url", "url_invalid")
	}
	for _, e := range in.Events {
		if !slices.Contains(Events, e) {
			return care.Invalid("events", "event_unknown", "event", e)
		}
	}
	return nil
}

// Create adds an endpoint to a store.
func (w *Webhooks) Create(ctx context.Context, by account.By, store int64, in EndpointInput) (e Endpoint, err error) {
	if err := by.Check(store, care.PermKeys); err != nil {
		return e, err
	}
	if err := in.check(); err != nil {
		return e, err
	}
	secret := newSecret()
	err = w.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		have, err := q.Endpoints(ctx, query.EndpointsParams{Stores: []int64{store}, Lim: maxEndpoints})
		if err != nil {
			return err
		}
		if len(have) >= maxEndpoints {
			return care.Conflict("webhook_too_many", "max", maxEndpoints)
		}
		id := tx.ID()
		e = Endpoint{ID: id, Store: store, URL: in.URL, Description: in.Description, Events: nonNil(in.Events), Active: true, CreatedAt: db.At(tx.Now), Secret: secret}
		events, _ := json.Marshal(e.Events)
		w.audit(tx, by, store, "webhook.created", id, nil, shown(in))
		return q.InsertEndpoint(ctx, query.InsertEndpointParams{ID: id, StoreID: store, Url: in.URL, Description: in.Description, Events: events,
			Secret: w.sealer.Seal([]byte(secret), bound(id)), OldSecret: []byte{}, CreatedAt: db.At(tx.Now)})
	})
	return e, err
}

// Update changes an endpoint and switches it on again if it had been switched off for failing.
func (w *Webhooks) Update(ctx context.Context, by account.By, id int64, in EndpointInput) (Endpoint, error) {
	if err := in.check(); err != nil {
		return Endpoint{}, err
	}
	row, err := w.own(ctx, by, id)
	if err != nil {
		return Endpoint{}, err
	}
	events, _ := json.Marshal(nonNil(in.Events))
	err = w.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		w.audit(tx, by, row.StoreID, "webhook.changed", id, map[string]any{"url": row.Url, "active": row.Active}, shown(in))
		_, err := q.UpdateEndpoint(ctx, query.UpdateEndpointParams{Url: in.URL, Description: in.Description, Events: events, Active: in.Active == nil || *in.Active, UpdatedAt: db.At(tx.Now), ID: id})
		return err
	})
	if err != nil {
		return Endpoint{}, err
	}
	return w.Get(ctx, by, id)
}

// Rotate makes a new secret. The old one signs too for a day, so that the receiver can change over.
func (w *Webhooks) Rotate(ctx context.Context, by account.By, id int64) (secret string, err error) {
	row, err := w.own(ctx, by, id)
	if err != nil {
		return "", err
	}
	secret = newSecret()
	return secret, w.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		w.audit(tx, by, row.StoreID, "webhook.rotated", id, nil, nil)
		_, err := q.RotateEndpoint(ctx, query.RotateEndpointParams{OldUntilAt: db.At(tx.Now.Add(overlap)), Secret: w.sealer.Seal([]byte(secret), bound(id)), UpdatedAt: db.At(tx.Now), ID: id})
		return err
	})
}

// Delete removes an endpoint with its deliveries; what still waits is not sent.
func (w *Webhooks) Delete(ctx context.Context, by account.By, id int64) error {
	row, err := w.own(ctx, by, id)
	if err != nil {
		return err
	}
	return w.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		w.audit(tx, by, row.StoreID, "webhook.deleted", id, map[string]any{"url": row.Url}, nil)
		if err := q.DeleteDeliveries(ctx, id); err != nil {
			return err
		}
		_, err := q.DeleteEndpoint(ctx, id)
		return err
	})
}

// Get returns an endpoint of the caller's stores.
func (w *Webhooks) Get(ctx context.Context, by account.By, id int64) (Endpoint, error) {
	row, err := w.own(ctx, by, id)
	return endpoint(row), err
}

// List returns endpoints with ids above p.After.
func (w *Webhooks) List(ctx context.Context, s care.Scope, store int64, p account.Page) ([]Endpoint, error) {
	rows, err := query.New(w.db.Read()).Endpoints(ctx, query.EndpointsParams{Stores: s.StoresWith(care.PermKeys, store), After: p.After, Lim: p.Limit})
	out := make([]Endpoint, len(rows))
	for i, r := range rows {
		out[i] = endpoint(r)
	}
	return out, err
}

// own reads an endpoint and checks that the caller may manage it.
func (w *Webhooks) own(ctx context.Context, by account.By, id int64) (query.WebhookEndpoint, error) {
	row, err := query.New(w.db.Read()).Endpoint(ctx, id)
	if errors.Is(err, db.ErrNoRows) || (err == nil && !by.In(row.StoreID)) {
		return query.WebhookEndpoint{}, care.NotFound("webhook")
	}
	if err != nil {
		return query.WebhookEndpoint{}, err
	}
	return row, by.Check(row.StoreID, care.PermKeys)
}

func (w *Webhooks) write(ctx context.Context, by account.By, fn func(*db.Tx, *query.Queries) error) error {
	return w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tx.AfterCommit(func() { w.forget(); w.bus.Publish(topicChanged, nil) })
		return fn(tx, query.New(tx))
	})
}

func (w *Webhooks) audit(tx *db.Tx, by account.By, store int64, action string, id int64, before, after map[string]any) {
	w.accounts.Record(tx, by, store, action, id, "", before, after)
}

func endpoint(r query.WebhookEndpoint) Endpoint {
	e := Endpoint{ID: r.ID, Store: r.StoreID, URL: r.Url, Description: r.Description, Active: r.Active, Disabled: r.Disabled, FailingSince: r.FailingSinceAt, CreatedAt: r.CreatedAt}
	_ = json.Unmarshal(r.Events, &e.Events)
	e.Events = nonNil(e.Events)
	return e
}

func shown(in EndpointInput) map[string]any {
	return map[string]any{"url": in.URL, "events": in.Events, "active": in.Active == nil || *in.Active}
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func newSecret() string {
	b := make([]byte, secretBytes)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

func bound(id int64) string { return "webhook:" + strconv.FormatInt(id, 10) }

func wants(e query.WebhookEndpoint, event string) bool {
	var types []string
	if json.Unmarshal(e.Events, &types) != nil || len(types) == 0 {
		return !strings.HasPrefix(event, "message.noted")
	}
	return slices.Contains(types, event)
}
