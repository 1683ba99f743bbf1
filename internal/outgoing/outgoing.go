// Package outgoing makes the HTTP clients with which the program calls addresses that people typed in.
// Addresses of the inside (loopback, private, link-local) are refused when the connection is made, after names were resolved, so
// that no name, redirect or change of DNS reaches them; answers are limited in time and size. It never keeps cookies.
package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrInside is the refusal of an address inside of the installation's own network.
var ErrInside = errors.New("the address belongs to a private network")

// ErrTooLarge is the refusal of an answer above the limit.
var ErrTooLarge = errors.New("the answer is too large")

// Options are what New may be told.
type Options struct {
	AllowPrivate bool          // the installation serves shops of its own network
	Timeout      time.Duration // of a whole exchange; 0: 30 s
	MaxBody      int64         // of an answer; 0: 32 MiB
}

// New returns a guarded client.
func New(o Options) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 32 << 20
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !o.AllowPrivate {
		dialer.ControlContext = refuseInside
	}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: limited{max: o.MaxBody, next: &http.Transport{
			// No proxy from the environment: it would be dialled instead of the address that has to be checked.
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          64,
			MaxIdleConnsPerHost:   8,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: o.Timeout,
		}},
		CheckRedirect: redirect,
	}
}

// Dial is how a client of New reaches addresses, for protocols other than HTTP: guarded in the same way. Of another client it is a plain dialer.
func Dial(client *http.Client) func(ctx context.Context, network, address string) (net.Conn, error) {
	if client != nil {
		next := client.Transport
		if l, ok := next.(limited); ok {
			next = l.next
		}
		if t, ok := next.(*http.Transport); ok && t.DialContext != nil {
			return t.DialContext
		}
	}
	return (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
}

func redirect(r *http.Request, via []*http.Request) error {
	switch {
	case len(via) > 5:
		return errors.New("too many redirects")
	case r.URL.Scheme != "https" && via[0].URL.Scheme == "https":
		return fmt.Errorf("redirected from https to %s://%s", r.URL.Scheme, r.URL.Host)
	}
	return nil
}

func refuseInside(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrInside, address)
	}
	if Inside(ap.Addr()) {
		return fmt.Errorf("%w: %s", ErrInside, ap.Addr())
	}
	return nil
}

// reserved are the blocks that netip doesn't know as special.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, cloud metadata of some
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // NAT64: an IPv4 address in disguise
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), // 6to4, likewise
	netip.MustParsePrefix("2001::/32"), // Teredo, likewise
}

// Inside tells whether an address isn't one of the public Internet.
func Inside(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return true
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// limited fails the reading of an answer that is longer than max.
type limited struct {
	next http.RoundTripper
	max  int64
}

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.ContentLength > l.max {
		res.Body.Close()
		return nil, ErrTooLarge
	}
	res.Body = &limitedBody{ReadCloser: res.Body, left: l.max}
	return res, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (l limited) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
