package live

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/centrifugal/centrifuge"
	"golang.org/x/time/rate"

	"opeka/internal/care"
)

func visitorChannel(id string) string { return "visitor:" + id }

// Longest page address and title that are passed on.
const (
	maxURL   = 1000
	maxTitle = 200
)

func (l *Live) visitorHandler() http.Handler {
	ws := centrifuge.NewWebsocketHandler(l.node, centrifuge.WebsocketConfig{
		// Any site may knock; the token says which shop it belongs to, and that shop's origins are checked with it.
		CheckOrigin: func(*http.Request) bool { return true },
		// Visitors say little, and there are many of them: memory per socket is what counts.
		ReadBufferSize:     256,
		UseWriteBufferPool: true,
		MessageSizeLimit:   4 << 10,
		WriteTimeout:       5 * time.Second,
		PingPongConfig:     centrifuge.PingPongConfig{PingInterval: 25 * time.Second, PongTimeout: 10 * time.Second},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := visitorEntry{origin: r.Header.Get("Origin")}
		ws.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), entryKey{}, entry)))
	})
}

func (l *Live) visitorConnecting(ctx context.Context, entry visitorEntry, token string) (centrifuge.ConnectReply, error) {
	v, err := l.o.Visitors.Visitor(ctx, token, entry.origin)
	var refused *care.Error
	if errors.As(err, &refused) && refused.Kind != care.KindUnavailable {
		return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
	}
	if err != nil {
		return centrifuge.ConnectReply{}, err
	}
	return centrifuge.ConnectReply{
		Context:       context.WithValue(ctx, entryKey{}, v),
		Credentials:   &centrifuge.Credentials{UserID: v.ID},
		Subscriptions: map[string]centrifuge.SubscribeOptions{visitorChannel(v.ID): {}},
		// Replies and publications of one moment share a frame without a delay; nobody needs a longer queue than this at first.
		QueueInitialCap: 1,
	}, nil
}

func (l *Live) visitorConnected(c *centrifuge.Client, v Visitor) {
	// Typing comes every few seconds, pages change more seldom.
	limit := rate.NewLimiter(rate.Every(500*time.Millisecond), 8)
	l.presence.enter(v)
	c.OnDisconnect(func(centrifuge.DisconnectEvent) { l.presence.leave(v) })
	c.OnRPC(func(e centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
		if !limit.Allow() {
			reply(centrifuge.RPCReply{}, centrifuge.ErrorTooManyRequests)
			return
		}
		// Handlers run on the socket's reading goroutine; a database must not hold that up.
		go func() { reply(centrifuge.RPCReply{}, l.visitorSays(v, e)) }()
	})
}

// visitorSays takes the two things that a visitor's socket may say; all else goes through the API.
func (l *Live) visitorSays(v Visitor, e centrifuge.RPCEvent) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	switch e.Method {
	case "typing":
		var in struct {
			On bool `json:"on"`
		}
		if json.Unmarshal(e.Data, &in) != nil {
			return centrifuge.ErrorBadRequest
		}
		return l.typing(ctx, v, in.On)
	case "page":
		var page care.Page
		if json.Unmarshal(e.Data, &page) != nil {
			return centrifuge.ErrorBadRequest
		}
		return l.Page(ctx, v, page)
	}
	return centrifuge.ErrorMethodNotFound
}

type typing struct {
	T            string `json:"t"`
	Conversation int64  `json:"conversation_id"`
	Who          string `json:"who"`
	On           bool   `json:"on"`
}

func (l *Live) typing(ctx context.Context, v Visitor, on bool) error {
	id, err := l.o.Visitors.Conversation(ctx, v)
	if err != nil || id == 0 {
		return err
	}
	l.tell(v.Store, typing{T: "typing", Conversation: id, Who: "visitor", On: on})
	return nil
}

// Page tells agents that the visitor is on another page now, and keeps it.
func (l *Live) Page(ctx context.Context, v Visitor, page care.Page) error {
	page = care.Page{URL: cut(page.URL, maxURL), Title: cut(page.Title, maxTitle), Agent: cut(page.Agent, 300)}
	if err := l.o.Visitors.Visited(ctx, v, page); err != nil {
		return err
	}
	l.presence.moved(v, page)
	return nil
}

// Polled counts a visitor as here for a while whose network lets no socket through.
func (l *Live) Polled(v Visitor) {
	l.presence.enter(v)
	time.AfterFunc(20*time.Second, func() { l.presence.leave(v) })
}

// cut shortens s to at most n bytes of valid text.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
