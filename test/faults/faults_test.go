// Package faults_test kills the program in the midst of its work, again and again, and then demands that whatever it
// acknowledged is there exactly once, and that everything that had to follow from it has followed.
package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/peer"
	"opeka/test/world/woo"
)

const lives = 22

func TestKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			database := ""
			if e == db.Postgres {
				if os.Getenv("OPEKA_TEST_POSTGRES") == "" {
					t.Skip("no PostgreSQL: set OPEKA_TEST_POSTGRES=postgres://... (make test starts one)")
				}
				database = dbtest.URL(t, e)
			}
			p := newProgram(t, database)
			p.spawn()
			p.serving()
			l, told := furnish(t, p)
			l.begin()
			for n := range lives {
				// Most lives end while the program works, some while it starts.
				if n%6 != 5 {
					p.serving()
				}
				pause(t.Context(), 100*time.Millisecond+rand.N(900*time.Millisecond))
				p.kill()
				p.spawn()
			}
			p.serving()
			l.end()
			if t.Failed() {
				return
			}
			settle(t, p, told)
			p.stop()
			audit(t, p, l, told)
		})
	}
}

// furnish sets the program up as an owner does: a store, two shops that push, and one program of the owner's own that is told everything.
func furnish(t *testing.T, p *program) (*load, *listener) {
	ctx := t.Context()
	l := &load{t: t, program: p, office: peer.NewOffice(p.url), woo: woo.New(t), said: map[string]said{}, orders: map[string]string{}, stock: map[string]int64{},
		pushed: map[string]string{}, stopped: make(chan struct{})}
	var err error
	if l.store, l.slug, err = l.office.SetUp(ctx, "Стежка", "olena@example.com", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := l.office.Do(ctx, method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	var made struct {
		ID     int64  `json:"id"`
		Secret string `json:"secret"`
	}
	told := &listener{events: map[int64]string{}, ids: map[string]int64{}}
	server := httptest.NewServer(told)
	t.Cleanup(server.Close)
	do(http.MethodPost, "/webhooks", map[string]any{"store_id": l.store, "url": server.URL}, &made)
	if told.check, err = standard.NewWebhook(made.Secret); err != nil {
		t.Fatal(err)
	}
	secret := "a secret of the shop and the program"
	do(http.MethodPost, "/connections", map[string]any{"store_id": l.store, "plug": "generic", "name": "Магазин", "settings": map[string]string{"secret": secret}}, &made)
	l.shop = &peer.Shop{URL: p.url, Connection: made.ID, Secret: secret, HTTP: peer.Client(), Now: time.Now}
	now := time.Now().UTC()
	price := care.Money{Amount: 129900, Currency: "UAH"}
	things := []peer.Item{{Kind: care.KindProduct, Op: "upsert", ID: "boots", At: now, Data: care.ShopProduct{Name: "Черевики", Variants: []care.ShopVariant{{ExternalID: "boots-38", SKU: "BOOTS-38", Name: "38", Price: price}}}}}
	for n := range 3 {
		things = append(things, peer.Item{Kind: care.KindLocation, Op: "upsert", ID: fmt.Sprintf("place-%d", n), At: now, Data: care.ShopLocation{Name: fmt.Sprint("Склад ", n)}})
	}
	if _, err := l.shop.Batch(ctx, "", things); err != nil {
		t.Fatal(err)
	}
	do(http.MethodPost, "/connections", map[string]any{"store_id": l.store, "plug": "woocommerce", "name": "Woo",
		"settings": map[string]any{"url": l.woo.URL, "consumer_key": woo.Key, "consumer_secret": woo.Secret}}, &made)
	l.wooConn = made.ID
	do(http.MethodPost, fmt.Sprintf("/connections/%d/sync", made.ID), nil, nil)
	wait(t, "the hooks of WooCommerce", func() bool {
		var st struct {
			Phase string `json:"phase"`
		}
		do(http.MethodGet, fmt.Sprintf("/connections/%d/sync", made.ID), nil, &st)
		return st.Phase == "live" && len(l.woo.Hooks()) == 12
	})
	return l, told
}

// listener is the owner's program: it keeps which event came under which id.
type listener struct {
	check *standard.Webhook

	mu     sync.Mutex
	events map[int64]string // event -> webhook-id
	ids    map[string]int64
	wrong  []string
}

func (h *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed; it will come again
	}
	err = h.check.Verify(body, r.Header)
	event, id := eventOf(body), r.Header.Get("webhook-id")
	h.mu.Lock()
	defer h.mu.Unlock()
	before, again := h.events[event]
	switch {
	case err != nil:
		h.wrong = append(h.wrong, "signature: "+err.Error())
	case event == 0 || again && before != id || h.ids[id] != 0 && h.ids[id] != event:
		h.wrong = append(h.wrong, fmt.Sprintf("event %d came as %s, before as %s", event, id, before))
	}
	h.events[event], h.ids[id] = id, event
}

// settle waits until nothing is left to do.
func settle(t *testing.T, p *program, told *listener) {
	t.Helper()
	d := reader(t, p)
	defer d.close()
	var left int64
	wait(t, "the end of all work", func() bool {
		left = d.count(`SELECT (SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'ready' AND (event_id <> 0 OR kind = 'webhook.send' OR run_at <= $1))
+ (SELECT count(*) FROM webhook_deliveries WHERE state = 'waiting') + (SELECT count(*) FROM shop_hints) + (SELECT count(*) FROM messages_unindexed)`, db.At(time.Now()))
		return left == 0
	})
	if t.Failed() {
		told.mu.Lock()
		defer told.mu.Unlock()
		t.Logf("%d things are left to do; %d events were told", left, len(told.events))
	}
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Errorf("it never happened: %s", what)
			return
		}
		if !pause(t.Context(), 50*time.Millisecond) {
			return
		}
	}
}

// open looks at what the program has left on disk.
func open(t *testing.T, p *program) *db.DB {
	d, err := db.Open(context.Background(), p.address(), db.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return d
}
