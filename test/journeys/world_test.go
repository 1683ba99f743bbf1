package journeys

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/peer"
)

const (
	email    = "olena@example.com"
	password = "correct horse battery"
)

// installation is the whole program on a clock of the test's, with an owner who is signed in.
type installation struct {
	t      *testing.T
	clock  *db.MovableClock
	config app.Config
	*node
	office *peer.Office
	store  int64
	slug   string
}

// node is one process's worth of the program, served.
type node struct {
	app    *app.App
	server *httptest.Server
	stop   func()
}

// onBoth plays a story on both engines, each with an installation of its own.
func onBoth(t *testing.T, story func(t *testing.T, w *installation), change ...func(*app.Config)) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			story(t, install(t, e, change...))
		})
	}
}

func install(t *testing.T, e db.Engine, change ...func(*app.Config)) *installation {
	t.Helper()
	w := &installation{t: t, clock: db.NewMovableClock(dbtest.Start), config: app.Config{Data: t.TempDir(), AllowPrivate: true}}
	if e == db.Postgres {
		w.config.Database = dbtest.URL(t, e)
	}
	for _, f := range change {
		f(&w.config)
	}
	w.node = boot(t, w.config, w.clock)
	w.office = peer.NewOffice(w.server.URL)
	var err error
	if w.store, w.slug, err = w.office.SetUp(t.Context(), "Стежка", email, password); err != nil {
		t.Fatal(err)
	}
	return w
}

func boot(t *testing.T, c app.Config, clock db.Clock) *node {
	t.Helper()
	a, err := app.New(context.Background(), c, app.Options{Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{app: a, server: httptest.NewServer(a.Handler)}
	stopped := false
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = a.Live.Close(ctx) // sockets would keep the server waiting
		n.server.CloseClientConnections()
		n.server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(n.stop)
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return n
}

// do calls the API and fails the test unless it succeeds.
func (w *installation) do(method, path string, in, out any) {
	w.t.Helper()
	if err := w.office.Do(w.t.Context(), method, path, in, out); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for what jobs bring about.
func (w *installation) until(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(end) {
			w.t.Fatalf("it never happened: %s", what)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// shop connects a shop of its own make.
func (w *installation) shop() *peer.Shop {
	w.t.Helper()
	const secret = "a secret of the shop and the program"
	var made struct {
		ID int64 `json:"id"`
	}
	w.do(http.MethodPost, "/connections", map[string]any{"store_id": w.store, "plug": "generic", "name": "Магазин", "settings": map[string]string{"secret": secret}}, &made)
	return &peer.Shop{URL: w.server.URL, Connection: made.ID, Secret: secret, HTTP: peer.Client(), Now: w.clock.Now}
}

func (w *installation) tell(shop *peer.Shop, items ...peer.Item) {
	w.t.Helper()
	for i := range items {
		items[i].Op, items[i].At = "upsert", w.clock.Now()
	}
	taken, err := shop.Batch(w.t.Context(), "", items)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range taken.Results {
		if r.Code != "" {
			w.t.Fatalf("%s is refused: %s %s", r.ID, r.Code, r.Message)
		}
	}
}

// visitor opens a page of the shop.
func (w *installation) visitor(identity map[string]string) *peer.Visitor {
	w.t.Helper()
	v := &peer.Visitor{URL: w.server.URL, Store: w.slug, HTTP: peer.Client()}
	if err := v.Arrive(w.t.Context(), "uk", "http://shop.example/boots", identity); err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *installation) says(v *peer.Visitor, id, body string) peer.Said {
	w.t.Helper()
	said, err := v.Say(w.t.Context(), id, body, "http://shop.example/boots")
	if err != nil {
		w.t.Fatal(err)
	}
	return said
}

func (w *installation) answers(conversation int64, body string) {
	w.t.Helper()
	w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/messages", conversation), map[string]any{"kind": "reply", "body": body}, nil)
}

// socket is a live connection in centrifuge's JSON protocol.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

// console is the socket of an agent's console.
func console(t *testing.T, o *peer.Office) *socket {
	return dial(t, o.URL+"/live/agent", `{"id":1,"connect":{}}`, o.HTTP)
}

// panel is the socket of a visitor's widget.
func panel(t *testing.T, v *peer.Visitor) *socket {
	return dial(t, v.URL+"/live/visitor", fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, v.Token), v.HTTP)
}

func dial(t *testing.T, url, hello string, client *http.Client) *socket {
	t.Helper()
	same := *client
	same.Timeout = 0 // it would end the socket
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http"), &websocket.DialOptions{HTTPClient: &same})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	s := &socket{t, c}
	if err := c.Write(t.Context(), websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	s.hears(`"connect"`)
	return s
}

// hears waits for a frame that contains all of the parts.
func (s *socket) hears(parts ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			s.t.Fatalf("waiting for %q: %v", parts, err)
		}
		if string(frame) == "{}" { // a ping, to be answered
			_ = s.conn.Write(ctx, websocket.MessageText, frame)
		}
		for line := range strings.Lines(string(frame)) {
			if containsAll(line, parts) {
				return
			}
		}
	}
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

func uah(kopecks int64) care.Money { return care.Money{Amount: kopecks, Currency: "UAH"} }
