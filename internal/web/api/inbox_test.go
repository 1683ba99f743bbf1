package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/inbox"
	"opeka/internal/web/api"
)

func TestInboxIsDescribed(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite)
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hints := bus.NewLocal()
	a := api.New(api.Deps{DB: d, Inbox: inbox.New(d, customer.New(d, hints, nil), files, hints, inbox.Options{})})
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	for _, path := range []string{"/conversations/{id}/messages", "/inbox/counts", "/uploads", "/queues/{id}"} {
		if !strings.Contains(w.Body.String(), `"`+path+`"`) {
			t.Errorf("%s isn't described: %d", path, w.Code)
		}
	}
}
