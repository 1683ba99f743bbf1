package api

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// What a request with an API key costs before its operation does anything of size.
func BenchmarkKeyRequest(b *testing.B) {
	d, clock := dbtest.Open(b, db.SQLite)
	s := newDesk(b, d, clock, generous)
	s.api.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	key := s.key(s.store, care.PermInboxRead)
	h := s.api.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("GET", Base+"/teams", nil)
		r.Header.Set("Authorization", "Bearer "+key.key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
