package command

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/peer"
)

func TestAFileIsImportedFromTheCommandLine(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", PublicURL: server.URL}, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	mux.Handle("/", a.Handler)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	office := peer.NewOffice(server.URL)
	store, _, err := office.SetUp(t.Context(), "Shop", "ada@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	var connection struct {
		ID int64 `json:"id"`
	}
	if err := office.Do(t.Context(), "POST", "/connections", map[string]any{"store_id": store, "plug": "generic", "name": "Shop", "settings": map[string]any{"secret": "s"}}, &connection); err != nil {
		t.Fatal(err)
	}
	var key struct {
		Secret string `json:"secret"`
	}
	if err := office.Do(t.Context(), "POST", "/keys", map[string]any{"store_id": store, "name": "import", "scopes": []string{"commerce.ingest"}}, &key); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "goods.csv")
	if err := os.WriteFile(file, []byte("Артикул;Назва;Ціна;Куди\nM-1;Горнятко;250,50;5\nM-2;Ложка;дорого;1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	products := func() (n int) {
		if err := a.DB.Read().QueryRow(t.Context(), `SELECT count(*) FROM products`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c := ImportCommand{File: file, Connection: connection.ID, Kind: "product", URL: server.URL + "/", Key: key.Secret, Map: map[string]int{"quantity": 3}, DryRun: true, Errors: filepath.Join(dir, "errors.csv")}
	for _, dry := range []bool{true, false} {
		c.DryRun = dry
		var out strings.Builder
		err := c.run(t.Context(), &out, 5*time.Millisecond)
		refused, _ := os.ReadFile(c.Errors)
		if !errors.Is(err, ErrRefusedRows) || !strings.Contains(out.String(), "2 rows: 1 ") || !strings.Contains(out.String(), "quantity         <- Куди") || !strings.Contains(string(refused), "дорого") {
			t.Fatalf("%v\n%s\n%s", err, out.String(), refused)
		}
		if n := products(); n != map[bool]int{true: 0, false: 1}[dry] {
			t.Errorf("dry %v: %d products", dry, n)
		}
	}
	for name, change := range map[string]func(*ImportCommand){
		"a key of nobody":   func(c *ImportCommand) { c.Key = "ok_nonsense" },
		"a connection":      func(c *ImportCommand) { c.Connection = 1 },
		"an empty file":     func(c *ImportCommand) { c.File = c.Errors + "x" },
		"nobody is at home": func(c *ImportCommand) { c.URL = "http://127.0.0.1:1" },
	} {
		wrong := c
		change(&wrong)
		if err := wrong.run(t.Context(), &strings.Builder{}, time.Millisecond); err == nil || errors.Is(err, ErrRefusedRows) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
