package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/shop/generic"
)

type oneConnection struct{ account.LiveConnection }

func (o oneConnection) Connection(_ context.Context, id int64) (account.LiveConnection, error) {
	if id != o.ID {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return o.LiveConnection, nil
}

func TestAShopPushes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		conn := oneConnection{account.LiveConnection{Connection: care.Connection{ID: 5, Store: 7, Plug: generic.Name, Secrets: []byte(`{"secret":"s3","secret_previous":"s2"}`)}}}
		mux := http.NewServeMux()
		New(d, conn, commerce.New(d, customer.New(d, nil, nil), commerce.Options{}), nil, slog.New(slog.DiscardHandler)).Routes(mux)
		send := func(path, secret, key, body string, at time.Time) (int, answer, string) {
			t.Helper()
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set(generic.SignatureHeader, generic.Sign(secret, at, []byte(body)))
			if key != "" {
				r.Header.Set("Idempotency-Key", key)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			var a answer
			_ = json.Unmarshal(w.Body.Bytes(), &a)
			return w.Code, a, w.Body.String()
		}
		const path = "/ingest/v1/5/batch"
		batch := `{"items":[
{"kind":"stock","external_id":"v@","updated_at":"2026-03-02T09:00:00Z","data":{"on_hand":3}},
{"kind":"order","external_id":"1","updated_at":"2026-03-02T09:00:00Z","data":{"number":"1001","status":"new","note":"ring twice","total":{"amount":5000,"currency":"UAH"},"customer":{"email":"a@x.ua"},"lines":[{"variant":"v","name":"Mug","quantity":1}]}},
{"kind":"order","external_id":"2","data":{"nubmer":"typo"}},
{"kind":"order","external_id":"3","data":{"payments":[{"state":"stolen"}]}}]}`
		code, a, raw := send(path, "s2", "k1", batch, clock.Now())
		if code != 200 || len(a.Results) != 4 || a.Results[0].Result != "parked" || a.Results[1].Result != "created" || a.Results[2].Code != "record.unreadable" || a.Results[3].Result != "refused" || a.Results[3].Message == "" {
			t.Fatal(code, raw)
		}
		if code, _, again := send(path, "s3", "k1", batch, clock.Now()); code != 200 || !same(again, raw) {
			t.Fatal("not repeated: ", code, again)
		}
		if code, _, raw := send(path, "s3", "k1", `[{"kind":"order","external_id":"1","op":"delete"}]`, clock.Now()); code != 409 {
			t.Fatal("a key for two bodies", code, raw)
		}
		// What is missing stays, null clears, an older time is ignored.
		patch := `[{"kind":"order","external_id":"1","updated_at":"2026-03-02T09:10:00Z","data":{"status":"paid","note":null}}]`
		at := clock.Now()
		if code, a, raw := send(path, "s3", "", patch, at); code != 200 || a.Results[0].Result != "updated" {
			t.Fatal(code, raw)
		}
		if code, _, raw := send(path, "s3", "", patch, at); code != 409 {
			t.Fatal("replayed", code, raw)
		}
		if _, a, raw := send(path, "s3", "", strings.Replace(patch, "09:10", "09:05", 1), at); a.Results[0].Result != "older" {
			t.Fatal(raw)
		}
		var number, note, payment string
		if err := d.Read().QueryRow(t.Context(), `SELECT number, note, payment_state FROM orders`).Scan(&number, &note, &payment); err != nil || number != "1001" || note != "" {
			t.Fatalf("%q %q %v", number, note, err)
		}
		for name, code := range map[string]int{
			"another secret": first(send(path, "s1", "", patch+" ", at)),
			"another shop":   first(send("/ingest/v1/6/batch", "s3", "", patch+" ", at)),
			"late":           first(send(path, "s3", "", patch+" ", at.Add(-time.Hour))),
			"an odd address": first(send("/ingest/v1/x/batch", "s3", "", patch+" ", at)),
		} {
			if code != 401 {
				t.Errorf("%s: %d", name, code)
			}
		}
		if _, _, raw := send(path, "s1", "", patch, at); !strings.Contains(raw, `"type":"urn:opeka:problem:ingest.signature"`) || !strings.Contains(raw, `"code":"ingest.signature"`) || !strings.Contains(raw, `"title":"Not permitted"`) {
			t.Error(raw)
		}
		for name, body := range map[string]string{"no JSON": "{", "no items": "[]", "too deep": strings.Repeat("[", 50), "too many": "[" + strings.Repeat(`{"kind":"order"},`, 500) + `{"kind":"order"}]`} {
			if code, _, raw := send(path, "s3", "", body, at); code != 422 {
				t.Errorf("%s: %d %s", name, code, raw)
			}
		}
		if code, _, _ := send(path, "s3", "", fmt.Sprintf("[%s]", bytes.Repeat([]byte(" "), maxBody)), at); code != 413 {
			t.Errorf("too large: %d", code)
		}
	})
}

func first(code int, _ answer, _ string) int { return code }

func same(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}
