package app

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"opeka/internal/db/dbtest"
)

// A collector of the standard protocol gets what the program did.
func TestTracesAreSent(t *testing.T) {
	var posts atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			posts.Add(1)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	a, err := New(t.Context(), Config{Data: t.TempDir(), Database: dbtest.URL(t, "sqlite"), LogLevel: "error"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	if err := a.Close(); err != nil { // sends what is left
		t.Fatal(err)
	}
	if posts.Load() == 0 {
		t.Fatal("the collector heard nothing")
	}
}
