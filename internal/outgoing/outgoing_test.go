package outgoing

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestInside(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
		"::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "255.255.255.255"} {
		if !Inside(netip.MustParseAddr(a)) {
			t.Errorf("%s passes for public", a)
		}
	}
	for _, a := range []string{"93.184.216.34", "2606:2800:220:1::1", "8.8.8.8"} {
		if Inside(netip.MustParseAddr(a)) {
			t.Errorf("%s is refused", a)
		}
	}
}

func TestGuard(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/far":
			http.Redirect(w, r, strings.Replace("http://"+r.Host+"/", "127.0.0.1", "localhost", 1), http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			_, _ = w.Write(make([]byte, 2000))
		}
	}))
	defer s.Close()

	if _, err := New(Options{}).Get(s.URL); !errors.Is(err, ErrInside) {
		t.Errorf("loopback: %v", err)
	}
	// A name is checked by what it resolves to.
	if _, err := New(Options{}).Get(strings.Replace(s.URL, "127.0.0.1", "localhost", 1)); !errors.Is(err, ErrInside) {
		t.Errorf("name of loopback: %v", err)
	}
	open := New(Options{AllowPrivate: true, MaxBody: 1000})
	if _, err := open.Get(s.URL + "/loop"); err == nil {
		t.Error("endless redirects are followed")
	}
	res, err := open.Get(s.URL + "/")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("large answer: %v", err)
	}
}
