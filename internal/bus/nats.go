package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// subjectRoot keeps Opeka's hints apart from other users of a shared NATS.
const subjectRoot = "opeka."

// NATS is the bus of several nodes. Core NATS only: what must last is in the database.
type NATS struct {
	conn   *nats.Conn
	server *server.Server // embedded, or nil
}

// NewNATS connects to an external server, such as "nats://10.0.0.5:4222".
func NewNATS(address string, log *slog.Logger) (*NATS, error) {
	c, err := nats.Connect(address, options(log)...)
	if err != nil {
		return nil, fmt.Errorf("bus: NATS at %s: %w", address, err)
	}
	return &NATS{conn: c}, nil
}

// NewEmbeddedNATS runs a server within this process that listens for other nodes at cluster ("127.0.0.1:6222") and joins those at routes.
// token is shared by all nodes; without it nobody could be kept out.
func NewEmbeddedNATS(cluster string, routes []string, token string, log *slog.Logger) (*NATS, error) {
	host, port, ok := strings.Cut(cluster, ":")
	if !ok {
		return nil, fmt.Errorf("bus: cluster address must be host:port, got %q", cluster)
	}
	if token == "" {
		return nil, errors.New("bus: nodes need a shared token")
	}
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		return nil, fmt.Errorf("bus: cluster port %q: %w", port, err)
	}
	o := &server.Options{
		// Routing starts only once a client port listens, though our only client is in this process.
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "opeka", Host: host, Port: n, Username: "opeka", Password: token},
	}
	for _, r := range routes {
		u, err := url.Parse("nats-route://" + url.UserPassword("opeka", token).String() + "@" + r)
		if err != nil {
			return nil, fmt.Errorf("bus: route %q: %w", r, err)
		}
		o.Routes = append(o.Routes, u)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("bus: embedded NATS: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, fmt.Errorf("bus: embedded NATS didn't start; is %s free?", cluster)
	}
	c, err := nats.Connect("", append(options(log), nats.InProcessServer(s), nats.Token(token))...)
	if err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("bus: embedded NATS: %w", err)
	}
	return &NATS{conn: c, server: s}, nil
}

func options(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("opeka"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("hints don't reach other nodes", "err", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("hints reach other nodes again") }),
	}
}

// Publish implements Bus.
func (b *NATS) Publish(topic string, data []byte) {
	_ = b.conn.Publish(subjectRoot+topic, data) // a hint may be lost
}

// Subscribe implements Bus. Topics are words joined by dots, so a prefix ends with a dot or is a whole topic.
func (b *NATS) Subscribe(prefix string, f func(topic string, data []byte)) (cancel func()) {
	subject := subjectRoot + prefix
	if prefix == "" || strings.HasSuffix(prefix, ".") {
		subject += ">"
	}
	s, err := b.conn.Subscribe(subject, func(m *nats.Msg) { f(strings.TrimPrefix(m.Subject, subjectRoot), m.Data) })
	if err != nil {
		return func() {}
	}
	_ = s.SetPendingLimits(maxBehind, -1)
	return func() { _ = s.Unsubscribe() }
}

// Err implements Bus.
func (b *NATS) Err() error {
	if b.conn.IsConnected() {
		return nil
	}
	return fmt.Errorf("bus: NATS is not connected: %v", b.conn.LastError())
}

// Close implements Bus.
func (b *NATS) Close() error {
	b.conn.Close()
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	return nil
}
