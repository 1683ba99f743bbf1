package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"

	"opeka/internal/care"
)

// What an agent hears of a store is divided by the permission that it asks for; each part is a channel.
var audiences = []struct {
	part string
	asks care.Permission // empty: whoever belongs to the store
	of   []string        // the kinds of publications; any other kind is the inbox's
}{
	{part: ".staff", of: []string{"presence"}},
	{part: ".customer", asks: care.PermCustomerRead, of: []string{"customer"}},
	{part: ".commerce", asks: care.PermCommerceRead, of: []string{"stock", "order", "connection"}},
	{part: ".phone", asks: care.PermPhone, of: []string{"call", "call.recording", "callback", "subscription", "phone.agent", "phone.live"}},
	{part: ".inbox", asks: care.PermInboxRead},
}

// audience reads the kind of a publication and returns the part of the store that may hear it.
func audience(data []byte) string {
	var kind string
	// The kind comes first in all that the program publishes; anything else is read whole.
	if rest, ok := bytes.CutPrefix(data, []byte(`{"t":"`)); ok {
		if i := bytes.IndexByte(rest, '"'); i > 0 {
			kind = string(rest[:i])
		}
	} else {
		var p struct {
			T string `json:"t"`
		}
		_ = json.Unmarshal(data, &p)
		kind = p.T
	}
	for _, a := range audiences {
		if slices.Contains(a.of, kind) {
			return a.part
		}
	}
	return ".inbox"
}

func agentChannel(id string) string { return "agent:" + id }

func agentUser(id int64) string { return "a" + strconv.FormatInt(id, 10) }

func (l *Live) agentHandler() http.Handler {
	ws := centrifuge.NewWebsocketHandler(l.node, centrifuge.WebsocketConfig{
		CheckOrigin:        l.ownOrigin,
		ReadBufferSize:     1024,
		UseWriteBufferPool: true,
		MessageSizeLimit:   16 << 10,
		WriteTimeout:       5 * time.Second,
		PingPongConfig:     centrifuge.PingPongConfig{PingInterval: 25 * time.Second, PongTimeout: 10 * time.Second},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope, err := l.o.Authenticate(r)
		if err == nil && scope.Agent == 0 {
			err = &care.Error{Code: "unauthorised", Kind: care.KindUnauthorised}
		}
		// The rights are read again later by the cookies alone: nothing else of the request is kept.
		again := &http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path}, Host: r.Host, RemoteAddr: r.RemoteAddr, Header: http.Header{}}
		for _, name := range []string{"Cookie", "User-Agent", "Accept-Language"} {
			if v := r.Header.Values(name); len(v) > 0 {
				again.Header[name] = v
			}
		}
		entry := &agentEntry{scope: scope, err: err, again: func() (care.Scope, error) { return l.o.Authenticate(again) }}
		ws.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), entryKey{}, entry)))
	})
}

// ownOrigin keeps other sites from opening an agent's socket with his cookie.
func (l *Live) ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not a browser: it has no cookie that it wasn't given on purpose
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Host == r.Host || slices.Contains(l.o.Origins, origin))
}

// agentConnecting answers a socket without a session by a code after which clients don't come back by themselves.
func (l *Live) agentConnecting(entry *agentEntry) (centrifuge.ConnectReply, error) {
	if entry.err != nil {
		var e *care.Error
		if errors.As(entry.err, &e) && (e.Kind == care.KindUnauthorised || e.Kind == care.KindForbidden) {
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		return centrifuge.ConnectReply{}, entry.err
	}
	channels := map[string]centrifuge.SubscribeOptions{agentChannel(strconv.FormatInt(entry.scope.Agent, 10)): {}}
	for _, store := range entry.scope.Stores {
		for _, a := range audiences {
			if a.asks == "" || entry.scope.May(store, a.asks) {
				channels[strconv.FormatInt(store, 10)+a.part] = centrifuge.SubscribeOptions{}
			}
		}
	}
	return centrifuge.ConnectReply{
		Credentials:   &centrifuge.Credentials{UserID: agentUser(entry.scope.Agent), ExpireAt: l.recheckAt()},
		Subscriptions: channels,
	}, nil
}

func (l *Live) recheckAt() int64 { return time.Now().Add(l.o.Recheck).Unix() }

func (l *Live) agentConnected(c *centrifuge.Client, entry *agentEntry) {
	l.staff.add(c, entry)
	c.OnDisconnect(func(centrifuge.DisconnectEvent) { l.staff.remove(c) })
	go check(c, entry) // for what changed between the request and here
	// A hint may be lost, and a session may run out without one: each socket looks for itself now and then.
	c.OnRefresh(func(_ centrifuge.RefreshEvent, reply centrifuge.RefreshCallback) {
		check(c, entry)
		reply(centrifuge.RefreshReply{ExpireAt: l.recheckAt()}, nil)
	})
}

// check lets a socket go whose agent is no longer signed in, or has other rights than when it connected: then
// it comes back at once with those. While rights can't be read (the database is away, say) it stays.
func check(c *centrifuge.Client, entry *agentEntry) {
	scope, err := entry.again()
	var refused *care.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == care.KindUnauthorised:
		c.Disconnect(centrifuge.DisconnectInvalidToken)
	case err == nil && !sameScope(scope, entry.scope):
		c.Disconnect(centrifuge.DisconnectForceReconnect)
	}
}

func sameScope(a, b care.Scope) bool {
	return a.Agent == b.Agent && slices.Equal(slices.Sorted(slices.Values(a.Stores)), slices.Sorted(slices.Values(b.Stores))) &&
		maps.EqualFunc(a.Permissions, b.Permissions, func(x, y []care.Permission) bool {
			return slices.Equal(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
		})
}

// staff is the agents' sockets of this node.
type staff struct {
	mu      sync.Mutex
	sockets map[*centrifuge.Client]*agentEntry
	again   *time.Timer
}

func newStaff() *staff { return &staff{sockets: map[*centrifuge.Client]*agentEntry{}} }

func (s *staff) add(c *centrifuge.Client, entry *agentEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets[c] = entry
}

func (s *staff) remove(c *centrifuge.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, c)
}

// recheck reads the rights behind every socket anew: at once, and a moment later once more, because whoever caches
// rights on this node hears the same hint, perhaps after us.
func (s *staff) recheck(string, []byte) {
	go s.check()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again != nil {
		s.again.Stop()
	}
	s.again = time.AfterFunc(300*time.Millisecond, s.check)
}

func (s *staff) check() {
	s.mu.Lock()
	sockets := maps.Clone(s.sockets)
	s.mu.Unlock()
	for c, entry := range sockets {
		check(c, entry)
	}
}
