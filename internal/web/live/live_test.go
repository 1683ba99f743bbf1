package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"opeka/internal/care"
)

// localBus is a bus of one process, delivering in order.
type localBus struct {
	mu   sync.Mutex
	subs map[int]func(string, []byte)
	n    int
}

func (b *localBus) Publish(topic string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.n {
		if f := b.subs[i]; f != nil {
			f(topic, data)
		}
	}
}

func (b *localBus) Subscribe(prefix string, f func(string, []byte)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[int]func(string, []byte){}
	}
	i := b.n
	b.n++
	b.subs[i] = func(topic string, data []byte) {
		if strings.HasPrefix(topic, prefix) {
			f(topic, data)
		}
	}
	return func() { b.mu.Lock(); delete(b.subs, i); b.mu.Unlock() }
}

// world is the rest of the house as a test needs it: sessions by cookie, tokens that are visitors' names.
type world struct {
	mu      sync.Mutex
	scopes  map[string]care.Scope
	visited []care.Page
}

func (w *world) authenticate(r *http.Request) (care.Scope, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := r.Cookie("opeka_session")
	if err != nil {
		return care.Scope{}, &care.Error{Code: "unauthorised", Kind: care.KindUnauthorised}
	}
	s, ok := w.scopes[c.Value]
	if !ok {
		return care.Scope{}, &care.Error{Code: "unauthorised", Kind: care.KindUnauthorised}
	}
	return s, nil
}

func (w *world) Visitor(_ context.Context, token, origin string) (Visitor, error) {
	if origin == "https://thief.example" || token == "" {
		return Visitor{}, &care.Error{Code: "widget.token_invalid", Kind: care.KindUnauthorised}
	}
	return Visitor{Store: 1, ID: token}, nil
}

func (w *world) Conversation(_ context.Context, v Visitor) (int64, error) { return 77, nil }

func (w *world) Visited(_ context.Context, _ Visitor, p care.Page) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.visited = append(w.visited, p)
	return nil
}

func scope(agent int64, stores map[int64][]care.Permission) care.Scope {
	s := care.Scope{Agent: agent, Permissions: stores}
	for id := range stores {
		s.Stores = append(s.Stores, id)
	}
	return s
}

type house struct {
	*world
	bus  *localBus
	live *Live
	url  string
}

func open(t *testing.T, w *world, b *localBus) *house {
	t.Helper()
	l, err := New(b, Options{Authenticate: w.authenticate, Visitors: w, Grace: 20 * time.Millisecond, Announce: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	l.Routes(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		_ = l.Close(context.Background())
		srv.Close()
	})
	return &house{world: w, bus: b, live: l, url: "ws" + strings.TrimPrefix(srv.URL, "http")}
}

type socket struct {
	t *testing.T
	c *websocket.Conn
}

func (h *house) dial(t *testing.T, path, cookie, origin string) (*socket, error) {
	t.Helper()
	header := http.Header{}
	if cookie != "" {
		header.Set("Cookie", "opeka_session="+cookie)
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	c, _, err := websocket.Dial(t.Context(), h.url+path, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return &socket{t, c}, nil
}

func (h *house) agent(t *testing.T, cookie string) *socket {
	t.Helper()
	s, err := h.dial(t, "/live/agent", cookie, "")
	if err != nil {
		t.Fatal(err)
	}
	s.say(`{"id":1,"connect":{}}`)
	s.hear(`"connect"`)
	return s
}

func (h *house) visitor(t *testing.T, token string) *socket {
	t.Helper()
	s, err := h.dial(t, "/live/visitor", "", "https://shop.example")
	if err != nil {
		t.Fatal(err)
	}
	s.say(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token))
	s.hear(`"connect"`)
	return s
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.c.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) read() (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	_, data, err := s.c.Read(ctx)
	return string(data), err
}

// hear waits for a frame that contains all of the parts.
func (s *socket) hear(parts ...string) string {
	s.t.Helper()
	for {
		frame, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for %q: %v", parts, err)
		}
		found := 0
		for _, p := range parts {
			if strings.Contains(frame, p) {
				found++
			}
		}
		if found == len(parts) {
			return frame
		}
	}
}

// only checks that nothing but the parts came before the last of them.
func (s *socket) only(parts ...string) {
	s.t.Helper()
	for len(parts) > 0 {
		frame, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for %q: %v", parts, err)
		}
		for line := range strings.Lines(frame) {
			if len(parts) == 0 || !strings.Contains(line, parts[0]) {
				s.t.Fatalf("heard %s, expected %q", line, parts)
			}
			parts = parts[1:]
		}
	}
}

func (s *socket) closed() websocket.StatusCode {
	s.t.Helper()
	for {
		if _, err := s.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestAgentHearsOnlyWhatHisScopeAllows(t *testing.T) {
	t.Parallel()
	h := open(t, &world{scopes: map[string]care.Scope{
		"olena": scope(5, map[int64][]care.Permission{1: {care.PermInboxRead}, 2: {care.PermCommerceRead}}),
	}}, &localBus{})
	s := h.agent(t, "olena")
	for _, p := range []struct{ topic, data string }{
		{"live.agents.1", `{"t":"message","n":1}`},
		{"live.agents.1", `{"t":"customer","n":2}`}, // without the permission
		{"live.agents.2", `{"t":"message","n":3}`},  // likewise
		{"live.agents.3", `{"t":"message","n":4}`},  // another's store
		{"live.agents.2", `{"n":5,"t":"stock"}`},
		{"live.agents.2", `{"t":"presence","n":6}`},
		{"live.agents.2", `not json 7`},
		{"live.agent.6", `{"t":"x","n":8}`},
		{"live.visitor.5", `{"t":"x","n":9}`},
		{"live.agent.5", `{"t":"x","n":10}`},
	} {
		h.bus.Publish(p.topic, []byte(p.data))
	}
	s.only(`"n":1`, `"n":5`, `"n":6`, `"n":10`)
}

func TestAgentIsReleasedAtOnce(t *testing.T) {
	t.Parallel()
	w := &world{scopes: map[string]care.Scope{"olena": scope(5, map[int64][]care.Permission{1: {care.PermInboxRead}})}}
	h := open(t, w, &localBus{})
	s := h.agent(t, "olena")
	w.mu.Lock()
	delete(w.scopes, "olena")
	w.mu.Unlock()
	h.bus.Publish("account.scopes", nil)
	if code := s.closed(); code != 3500 {
		t.Errorf("closed with %d", code)
	}
	// The session is gone: the socket is told not to come back.
	again, err := h.dial(t, "/live/agent", "olena", "")
	if err != nil {
		t.Fatal(err)
	}
	again.say(`{"id":1,"connect":{}}`)
	if code := again.closed(); code != 3500 {
		t.Errorf("closed with %d", code)
	}
}

func TestLostHintsAreMadeGoodByLookingAgain(t *testing.T) {
	t.Parallel()
	w := &world{scopes: map[string]care.Scope{"olena": scope(5, map[int64][]care.Permission{1: {care.PermInboxRead}})}}
	l, err := New(&localBus{}, Options{Authenticate: w.authenticate, Visitors: w, Recheck: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	l.Routes(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { _ = l.Close(context.Background()); srv.Close() })
	h := &house{world: w, live: l, url: "ws" + strings.TrimPrefix(srv.URL, "http")}
	s := h.agent(t, "olena")
	w.mu.Lock()
	w.scopes["olena"] = scope(5, map[int64][]care.Permission{2: {care.PermInboxRead}})
	w.mu.Unlock()
	if code := s.closed(); code != 3011 {
		t.Errorf("closed with %d", code)
	}
}

func TestForeignOrigins(t *testing.T) {
	t.Parallel()
	h := open(t, &world{scopes: map[string]care.Scope{"olena": scope(5, nil)}}, &localBus{})
	if _, err := h.dial(t, "/live/agent", "olena", "https://thief.example"); err == nil {
		t.Error("another site opened an agent's socket")
	}
	s, err := h.dial(t, "/live/visitor", "", "https://thief.example")
	if err != nil {
		t.Fatal(err)
	}
	s.say(`{"id":1,"connect":{"token":"v1"}}`)
	if code := s.closed(); code != 3500 {
		t.Errorf("closed with %d", code)
	}
}

func TestVisitorAndAgentMeet(t *testing.T) {
	t.Parallel()
	w := &world{scopes: map[string]care.Scope{"olena": scope(5, map[int64][]care.Permission{1: {care.PermInboxRead}})}}
	b := &localBus{}
	near, far := open(t, w, b), open(t, w, b)
	agent := near.agent(t, "olena")
	visitor := far.visitor(t, "v1")
	agent.hear(`"visitor"`, `"online":true`, `"conversation_id":77`)
	if _, on := near.live.Online("v1"); !on {
		t.Error("the other node doesn't know that the visitor is here")
	}

	visitor.say(`{"id":2,"rpc":{"method":"page","data":{"url":"https://shop.example/a","title":"<b>A</b>"}}}`)
	var heard struct {
		Push struct {
			Pub struct {
				Data visitorSeen `json:"data"`
			} `json:"pub"`
		} `json:"push"`
	}
	if err := json.Unmarshal([]byte(agent.hear(`"page"`)), &heard); err != nil || heard.Push.Pub.Data.Page.Title != "<b>A</b>" {
		t.Error(heard, err)
	}
	visitor.say(`{"id":3,"rpc":{"method":"typing","data":{"on":true}}}`)
	agent.hear(`"typing"`, `"who":"visitor"`, `"on":true`)
	b.Publish("live.visitor.v2", []byte(`{"t":"message","to":"somebody else"}`))
	b.Publish("live.visitor.v1", []byte(`{"t":"message","to":"v1"}`))
	if frame := visitor.hear(`"message"`); strings.Contains(frame, "somebody") {
		t.Error(frame)
	}

	visitor.say(`{"id":4,"rpc":{"method":"erase","data":{}}}`)
	visitor.hear(`"error"`, `"id":4`)
	visitor.say(`{"id":5,"rpc":{"method":"page","data":"x"}}`)
	visitor.hear(`"error"`, `"id":5`)
	for i := range 20 {
		visitor.say(fmt.Sprintf(`{"id":%d,"rpc":{"method":"typing","data":{"on":true}}}`, 10+i))
	}
	visitor.hear(`"error"`, `"code":111`)

	_ = visitor.c.CloseNow()
	agent.hear(`"visitor"`, `"online":false`)
	if _, on := near.live.Online("v1"); on {
		t.Error("a visitor who left is still believed to be here")
	}
}

func TestPageIsCutAtACharacter(t *testing.T) {
	t.Parallel()
	if got := cut(strings.Repeat("ї", 10), 5); got != "її" {
		t.Errorf("%q", got)
	}
}
