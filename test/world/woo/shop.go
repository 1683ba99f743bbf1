// Package woo is a WooCommerce shop for tests: its REST API v3 with both ways of signing in, paging,
// filters and errors as the real one has them, and a queue of signed webhooks that a test delivers when it wants. What happens in
// the shop (an order placed, paid, shipped, cancelled) is a method. It computes just as much as a connector can see.
package woo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Keys of every shop.
const (
	Key      = "ck_test"
	Secret   = "cs_test"
	ReadKey  = "ck_read"
	ReadOnly = "cs_read"
)

type object = map[string]any

// Shop is one shop.
type Shop struct {
	URL    string
	Client *http.Client // reaches the shop, also when it has a certificate of its own making

	mu         sync.Mutex
	now        func() time.Time
	server     *httptest.Server
	currency   string
	zone       *time.Location
	nextID     int64
	orders     map[int64]object
	notes      map[int64][]object
	refunds    map[int64][]object
	fulfilled  map[int64][]object
	products   map[int64]object
	variations map[int64][]object
	customers  map[int64]object
	hooks      map[int64]object
	secrets    map[int64]string // of hooks: never shown
	failures   map[int64]int
	queue      []delivery
	permalinks bool
	folder     string // where in the site WordPress lives
	moved      string // the host that all others are redirected to
	dropped    int    // answers that get lost on the way
	noise      string
	faults     []fault
	requests   []string
}

type fault struct {
	status     int
	retryAfter string
	body       string
}

// Option changes a new shop.
type Option func(*options)

type options struct {
	tls        bool
	now        func() time.Time
	permalinks bool
	currency   string
	folder     string
	moved      bool
}

// TLS serves the shop over https.
func TLS(o *options) { o.tls = true }

// PlainPermalinks leaves only ?rest_route= as the way to the API.
func PlainPermalinks(o *options) { o.permalinks = false }

// Clock gives the shop another clock.
func Clock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// Currency gives the shop another currency than UAH.
func Currency(code string) Option { return func(o *options) { o.currency = code } }

// Folder puts the shop into a folder of its site, as /shop.
func Folder(path string) Option { return func(o *options) { o.folder = path } }

// Moved makes the shop answer under another name than the one in its settings: it redirects, as with and without www.
func Moved(o *options) { o.moved = true }

// New opens a shop that closes with the test.
func New(t testing.TB, opts ...Option) *Shop {
	t.Helper()
	o := options{now: time.Now, permalinks: true, currency: "UAH"}
	for _, f := range opts {
		f(&o)
	}
	s := &Shop{
		folder: o.folder,
		now:    o.now, permalinks: o.permalinks, currency: o.currency, zone: time.FixedZone("", 2*3600), nextID: 100,
		orders: map[int64]object{}, notes: map[int64][]object{}, refunds: map[int64][]object{}, fulfilled: map[int64][]object{},
		products: map[int64]object{}, variations: map[int64][]object{}, customers: map[int64]object{},
		hooks: map[int64]object{}, secrets: map[int64]string{}, failures: map[int64]int{},
	}
	if o.tls {
		s.server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	} else {
		s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	}
	t.Cleanup(s.server.Close)
	s.URL, s.Client = s.server.URL, s.server.Client()
	s.Client.Timeout = 10 * time.Second
	if o.moved {
		s.moved = "127.0.0.1"
		s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	}
	s.URL += o.folder
	return s
}

// home is the address that the shop takes for its own.
func (s *Shop) home() string {
	if s.moved != "" {
		return strings.Replace(s.URL, "localhost", s.moved, 1)
	}
	return s.URL
}

// Drop loses the next n answers to what changes something: it is done, and nobody hears of it.
func (s *Shop) Drop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = n
}

// Settings and Secrets are what a connection to this shop is configured with.
func (s *Shop) Settings() []byte { return mustJSON(object{"url": s.URL}) }

// Secrets returns the keys in the form in which a connection keeps them.
func (s *Shop) Secrets() []byte {
	return mustJSON(object{"consumer_key": Key, "consumer_secret": Secret})
}

// Load puts an object into the shop as the real API showed it: "orders", "products", "customers", or a part with its
// parent: "variations", "notes", "refunds", "fulfillments".
func (s *Shop) Load(kind string, parent int64, raw []byte) {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		panic(fmt.Sprintf("woo: %s: %v", kind, err))
	}
	id := number(o["id"])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID = max(s.nextID, id)
	switch kind {
	case "orders":
		s.orders[id] = o
	case "products":
		s.products[id] = o
	case "customers":
		s.customers[id] = o
	case "variations":
		s.variations[parent] = append(s.variations[parent], o)
	case "notes":
		s.notes[parent] = append(s.notes[parent], o)
	case "refunds":
		s.refunds[parent] = append(s.refunds[parent], o)
	case "fulfillments":
		s.fulfilled[parent] = append(s.fulfilled[parent], o)
	default:
		panic("woo: what is " + kind)
	}
}

// Fail makes the next n requests fail, instead of those of an earlier call. retryAfter and body may be empty.
func (s *Shop) Fail(n, status int, retryAfter, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	for range n {
		s.faults = append(s.faults, fault{status, retryAfter, body})
	}
}

// Noise puts text before every answer, as PHP does with its notices.
func (s *Shop) Noise(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noise = text
}

// Requests returns what was asked so far, as "GET /wc/v3/orders?...", and forgets it.
func (s *Shop) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

func (s *Shop) id() int64 { s.nextID++; return s.nextID }

// stamp sets the times of an object: the shop's own and UTC, both without an offset.
func (s *Shop) stamp(o object, field string) {
	now := s.now().UTC().Truncate(time.Second)
	o[field] = now.In(s.zone).Format(wooTime)
	o[field+"_gmt"] = now.Format(wooTime)
}

const wooTime = "2006-01-02T15:04:05"

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func number(v any) int64 {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case int64:
		return v
	case int:
		return int64(v)
	case json.Number:
		n, _ := v.Int64()
		return n
	}
	return 0
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func clone(o object) object {
	var out object
	if err := json.Unmarshal(mustJSON(o), &out); err != nil {
		panic(err)
	}
	return out
}
