package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/test/world/woo"
)

// An administrator connects a shop as the console does: set up, connect, test, read whole.
func TestAnAdministratorConnectsAShop(t *testing.T) {
	shop := woo.New(t)
	item, _ := shop.AddProduct(woo.Product{Name: "Шапка", SKU: "CAP", Price: "399.00", Stock: 10})
	for range 7 {
		shop.Place(woo.Order{Person: woo.Person{First: "Олена", Last: "Коваль", Email: "olena@example.com"}, Items: map[int64]int64{item: 1}, Method: "cod"})
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", PublicURL: server.URL, AllowPrivate: true}, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	mux.Handle("/", a.Handler)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client, csrf := &http.Client{Jar: jar}, ""
	call := func(method, path string, in, out any) int {
		t.Helper()
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if in == nil {
			body = nil
		}
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/api/v1"+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-CSRF-Token", csrf)
		if in != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var raw json.RawMessage
		if json.NewDecoder(res.Body).Decode(&raw) == nil && out != nil && res.StatusCode < 300 {
			if err := json.Unmarshal(raw, out); err != nil {
				t.Fatal(err)
			}
		}
		if res.StatusCode >= 300 {
			t.Logf("%s %s: %d %s", method, path, res.StatusCode, raw)
		}
		return res.StatusCode
	}
	var me struct {
		CSRF   string `json:"csrf_token"`
		Stores []struct {
			ID int64 `json:"id"`
		} `json:"stores"`
	}
	call("POST", "/setup", map[string]any{"store_name": "Shop", "time_zone": "Europe/Kyiv", "language": "uk", "name": "Ада", "email": "ada@example.com", "password": "correct horse battery"}, nil)
	if call("GET", "/me", nil, &me) != 200 || len(me.Stores) != 1 {
		t.Fatalf("%+v", me)
	}
	csrf = me.CSRF
	var connection struct {
		ID int64 `json:"id"`
	}
	if status := call("POST", "/connections", map[string]any{"store_id": me.Stores[0].ID, "plug": "woocommerce", "name": "Woo",
		"settings": map[string]any{"url": shop.URL, "consumer_key": woo.Key, "consumer_secret": woo.Secret}}, &connection); status != 201 {
		t.Fatal(status)
	}
	path := fmt.Sprintf("/connections/%d", connection.ID)
	var info struct {
		Currency string `json:"currency"`
	}
	if status := call("POST", path+"/test", nil, &info); status != 200 || info.Currency != "UAH" {
		t.Fatal(status, info)
	}
	if status := call("POST", path+"/sync", nil, nil); status != 202 {
		t.Fatal(status)
	}
	var st struct {
		Phase string `json:"phase"`
		Hooks struct {
			Topics []struct {
				Active bool `json:"active"`
			} `json:"topics"`
		} `json:"hooks"`
	}
	for end := time.Now().Add(2 * time.Minute); ; {
		if call("GET", path+"/sync", nil, &st); st.Phase == "live" && len(st.Hooks.Topics) == 12 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the import doesn't end: %+v", st)
		}
		time.Sleep(20 * time.Millisecond)
	}
	var n int64
	if err := a.DB.Read().QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&n); err != nil || n != 7 {
		t.Errorf("%d orders, %v", n, err)
	}
	if status := call("DELETE", path, nil, nil); status != 204 || len(shop.Hooks()) != 0 {
		t.Errorf("left with %d, %d hooks", status, len(shop.Hooks()))
	}
}
