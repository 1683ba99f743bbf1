// Package live is the door through which agents and visitors hear what happens while it happens. It
// carries hints from the bus to the sockets of this node, tells agents which visitors are here and what
// they do, and lets go of whoever lost the right to listen. It stores nothing: a socket that was away
// asks the API for what it missed.
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/prometheus/client_golang/prometheus"

	"opeka/internal/care"
)

// Bus carries hints between nodes; what is published here arrives at every node, this one included.
type Bus interface {
	Publish(topic string, data []byte)
	Subscribe(prefix string, f func(topic string, data []byte)) (cancel func())
}

// Topics of the bus, each followed by an id.
const (
	TopicAgents   = "live.agents."   // a store's id: to every agent of the store who may see it
	TopicAgent    = "live.agent."    // an agent's id: to him alone
	TopicVisitor  = "live.visitor."  // a visitor's id
	TopicScopes   = "account.scopes" // no id: what some agents may do has changed, or who is signed in
	topicPresence = "live.presence." // a node's name: the visitors that it holds
)

// Visitor is whom a visitor's token names.
type Visitor struct {
	Store int64
	ID    string
}

// Visitors is what the door of visitors knows about them.
type Visitors interface {
	// Visitor reads a token that was presented by a page of the origin.
	Visitor(ctx context.Context, token, origin string) (Visitor, error)
	// Conversation returns the conversation in which the visitor is, 0 when there is none.
	Conversation(ctx context.Context, v Visitor) (int64, error)
	// Visited keeps the page on which the visitor is now.
	Visited(ctx context.Context, v Visitor, page care.Page) error
}

// Options are what the door needs of the house; Authenticate and Visitors are required.
type Options struct {
	// Authenticate reads the session of an agent from a request's cookies.
	Authenticate func(*http.Request) (care.Scope, error)
	Visitors     Visitors
	// Origins lists further origins (https://desk.example) from which agents may connect; the program's own host always may.
	Origins []string
	Log     *slog.Logger

	// Recheck is how often an agent's rights are read again, in case a hint was lost. 0: a minute.
	Recheck time.Duration
	// Grace is how long a visitor may be between two pages before he has left. 0: 12 seconds.
	Grace time.Duration
	// Announce is how often a node tells the others whom it holds. 0: half a minute.
	Announce time.Duration
}

// Live is the realtime part of one node.
type Live struct {
	bus      Bus
	o        Options
	node     *centrifuge.Node
	registry *prometheus.Registry
	presence *presence
	staff    *staff
	agents   http.Handler
	visitors http.Handler
	cancel   []func()
}

// New starts listening on the bus. Close it.
func New(bus Bus, o Options) (*Live, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Recheck = orElse(o.Recheck, time.Minute)
	o.Grace = orElse(o.Grace, 12*time.Second)
	o.Announce = orElse(o.Announce, 30*time.Second)
	l := &Live{bus: bus, o: o, registry: prometheus.NewRegistry(), staff: newStaff()}
	node, err := centrifuge.New(centrifuge.Config{
		Name:                  "opeka",
		LogLevel:              centrifuge.LogLevelWarn,
		LogHandler:            l.log,
		ClientStaleCloseDelay: 8 * time.Second,
		ClientQueueMaxSize:    1 << 20, // of one who reads slowly: a busy store tells an agent a megabyte a second, and a browser may stop for one
		UserConnectionLimit:   30,
		Metrics:               centrifuge.MetricsConfig{RegistererGatherer: l.registry},
	})
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	l.node = node
	l.presence = newPresence(l, node.ID())
	node.OnConnecting(l.connecting)
	node.OnConnect(l.connected)
	if err := node.Run(); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	l.agents = l.agentHandler()
	l.visitors = l.visitorHandler()
	l.cancel = append(l.cancel, bus.Subscribe("live.", l.hint), bus.Subscribe(TopicScopes, l.staff.recheck), l.presence.run())
	return l, nil
}

// Routes adds the two sockets.
func (l *Live) Routes(mux *http.ServeMux) {
	mux.Handle("GET /live/agent", l.agents)
	mux.Handle("GET /live/visitor", l.visitors)
}

// Connections is how many sockets this node holds.
func (l *Live) Connections() int { return l.node.Hub().NumClients() }

// Metrics are the counters of the sockets, in Prometheus' form.
func (l *Live) Metrics() prometheus.Gatherer { return l.registry }

// Close stops listening and lets every client go; they reconnect elsewhere.
func (l *Live) Close(ctx context.Context) error {
	for _, f := range l.cancel {
		f()
	}
	l.cancel = nil
	return l.node.Shutdown(ctx)
}

// hint takes what the bus brings to the sockets of this node.
func (l *Live) hint(topic string, data []byte) {
	switch {
	case strings.HasPrefix(topic, TopicVisitor):
		l.publish(visitorChannel(topic[len(TopicVisitor):]), data)
	case strings.HasPrefix(topic, TopicAgents):
		l.publish(topic[len(TopicAgents):]+audience(data), data)
	case strings.HasPrefix(topic, TopicAgent):
		l.publish(agentChannel(topic[len(TopicAgent):]), data)
	case strings.HasPrefix(topic, topicPresence):
		l.presence.heard(data)
	}
}

func (l *Live) publish(channel string, data []byte) {
	if _, err := l.node.Publish(channel, data); err != nil {
		l.o.Log.Warn("live: publication not delivered", "channel", channel, "error", err)
	}
}

// tell sends every agent of the store who may see it a publication, on every node.
func (l *Live) tell(store int64, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		l.o.Log.Error("live: publication", "error", err)
		return
	}
	l.bus.Publish(TopicAgents+strconv.FormatInt(store, 10), data)
}

func (l *Live) log(e centrifuge.LogEntry) {
	args := make([]any, 0, 2*len(e.Fields)+2)
	for k, v := range e.Fields {
		args = append(args, k, v)
	}
	if e.Error != nil {
		args = append(args, "error", e.Error)
	}
	l.o.Log.Warn("live: "+e.Message, args...)
}

// A socket's way in: which door it came through, kept in its context.
type (
	entryKey   struct{}
	agentEntry struct {
		scope care.Scope
		err   error
		again func() (care.Scope, error)
	}
	visitorEntry struct{ origin string }
)

func (l *Live) connecting(ctx context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
	switch entry := ctx.Value(entryKey{}).(type) {
	case *agentEntry:
		return l.agentConnecting(entry)
	case visitorEntry:
		return l.visitorConnecting(ctx, entry, e.Token)
	}
	return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
}

func (l *Live) connected(c *centrifuge.Client) {
	switch entry := c.Context().Value(entryKey{}).(type) {
	case *agentEntry:
		l.agentConnected(c, entry)
	case Visitor:
		l.visitorConnected(c, entry)
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
