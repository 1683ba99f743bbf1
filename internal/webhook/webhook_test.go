package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/outgoing"
	"opeka/internal/webhook"
)

// receiver is a store's program that may be told to fail.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.bodies = append(r.got, q), append(r.bodies, string(b))
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte("seen"))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(status int) { r.mu.Lock(); r.status = status; r.mu.Unlock() }
func (r *receiver) count() int     { r.mu.Lock(); defer r.mu.Unlock(); return len(r.got) }

type world struct {
	*webhook.Webhooks
	db    *db.DB
	clock *db.MovableClock
	to    *receiver
	by    account.By
}

func start(t *testing.T, d *db.DB, clock *db.MovableClock, private bool) world {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	hints := bus.NewLocal()
	sealer, err := account.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.New(d, account.Options{Bus: hints, Sealer: sealer})
	w := world{Webhooks: webhook.New(d, accounts, sealer, hints, outgoing.New(outgoing.Options{AllowPrivate: private})), db: d, clock: clock, to: newReceiver(t)}
	w.Wire(d)
	r := job.New(d, log)
	w.Jobs(r)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(context.Background()); w.Close(); accounts.Close(); _ = hints.Close() })
	w.by = account.By{Scope: care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermKeys}}}}
	return w
}

func (w world) emit(t *testing.T, store int64, event string) {
	t.Helper()
	if err := w.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
		tx.Emit(db.Event{Store: store, Type: event, Subject: 5, Payload: map[string]string{"number": "А-17"}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (w world) deliveries(t *testing.T, endpoint int64) []webhook.Delivery {
	t.Helper()
	list, err := w.Deliveries(t.Context(), w.by, endpoint, account.Page{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}

func TestAnEventIsToldOnceSignedAndReplayable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := start(t, d, clock, true)
		e, err := w.Create(t.Context(), w.by, 7, webhook.EndpointInput{URL: w.to.URL, Events: []string{care.EventOrderCreated}})
		if err != nil {
			t.Fatal(err)
		}
		w.emit(t, 7, care.EventOrderCreated)
		w.emit(t, 7, care.EventOrderUpdated) // not asked for
		w.emit(t, 8, care.EventOrderCreated) // another store's
		until(t, "the delivery", func() bool {
			l := w.deliveries(t, e.ID)
			return len(l) == 1 && l[0].State == webhook.Delivered
		})
		// The library checks the time too, by the real clock; the test's clock is elsewhere.
		hook, err := standard.NewWebhook(e.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := hook.VerifyIgnoringTimestamp([]byte(w.to.bodies[0]), w.to.got[0].Header); err != nil {
			t.Fatal(err)
		}
		if hook.VerifyIgnoringTimestamp([]byte(w.to.bodies[0]+" "), w.to.got[0].Header) == nil {
			t.Fatal("the signature covers nothing")
		}
		var body struct {
			Type string         `json:"type"`
			Data map[string]any `json:"data"`
		}
		if err := json.Unmarshal([]byte(w.to.bodies[0]), &body); err != nil || body.Type != care.EventOrderCreated || body.Data["number"] != "А-17" {
			t.Fatalf("%s %v", w.to.bodies[0], err)
		}

		old := e.Secret
		secret, err := w.Rotate(t.Context(), w.by, e.ID)
		if err != nil || secret == old {
			t.Fatal(err)
		}
		if err := w.Replay(t.Context(), w.by, w.deliveries(t, e.ID)[0].ID); err != nil {
			t.Fatal(err)
		}
		until(t, "the replay", func() bool { return w.to.count() == 2 })
		if a, b := w.to.got[0].Header.Get("webhook-id"), w.to.got[1].Header.Get("webhook-id"); a != b {
			t.Fatalf("a replay must be known as one: %s, %s", a, b)
		}
		for _, s := range []string{old, secret} {
			hook, _ := standard.NewWebhook(s)
			if err := hook.VerifyIgnoringTimestamp([]byte(w.to.bodies[1]), w.to.got[1].Header); err != nil {
				t.Fatal("both secrets are good for a day: ", err)
			}
		}
	})
}

func TestFailuresAreRetriedThenSwitchedOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := start(t, d, clock, true)
		w.to.set(500)
		e, err := w.Create(t.Context(), w.by, 7, webhook.EndpointInput{URL: w.to.URL})
		if err != nil {
			t.Fatal(err)
		}
		w.emit(t, 7, care.EventOrderCreated)
		attempt := func(n int64) func() bool {
			return func() bool {
				l := w.deliveries(t, e.ID)
				return len(l) == 1 && l[0].Attempts >= n && l[0].Status == 500
			}
		}
		until(t, "the first attempt", attempt(1))
		clock.Move(time.Minute)
		until(t, "the second", attempt(2))
		w.to.set(204)
		clock.Move(time.Hour)
		until(t, "success", func() bool { return w.deliveries(t, e.ID)[0].State == webhook.Delivered })

		w.to.set(503)
		w.emit(t, 7, care.EventOrderUpdated)
		until(t, "a failure", func() bool { l := w.deliveries(t, e.ID); return len(l) == 2 && l[0].Attempts > 0 })
		clock.Move(6 * 24 * time.Hour)
		until(t, "the end of patience", func() bool {
			got, err := w.Get(t.Context(), w.by, e.ID)
			return err == nil && !got.Active && got.Disabled == "failing"
		})
	})
}

func TestEndpointsBelongToTheirStore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := start(t, d, clock, false)
		e, err := w.Create(t.Context(), w.by, 7, webhook.EndpointInput{URL: w.to.URL})
		if err != nil {
			t.Fatal(err)
		}
		other := account.By{Scope: care.Scope{Agent: 2, Stores: []int64{8}, Permissions: map[int64][]care.Permission{8: {care.PermKeys}}}}
		notFound := care.NotFound("")
		if _, err := w.Get(t.Context(), other, e.ID); !errors.Is(err, notFound) {
			t.Fatal(err)
		}
		if err := w.Delete(t.Context(), other, e.ID); !errors.Is(err, notFound) {
			t.Fatal(err)
		}
		if _, err := w.Create(t.Context(), other, 7, webhook.EndpointInput{URL: w.to.URL}); !errors.Is(err, notFound) {
			t.Fatal(err)
		}
		for _, bad := range []webhook.EndpointInput{{URL: "ftp://x"}, {URL: ""}, {URL: "https://u:p@x/"}, {URL: w.to.URL, Events: []string{"order.made"}}} {
			if _, err := w.Create(t.Context(), w.by, 7, bad); err == nil {
				t.Errorf("took %+v", bad)
			}
		}
		// The receiver is on loopback: without leave the guard refuses it, and the attempt says why.
		w.emit(t, 7, care.EventOrderCreated)
		until(t, "the refusal", func() bool { l := w.deliveries(t, e.ID); return len(l) == 1 && l[0].Attempts > 0 })
		if w.to.count() != 0 {
			t.Fatal("reached an address inside")
		}
	})
}
