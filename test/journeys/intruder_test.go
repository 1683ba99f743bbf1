package journeys

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"opeka/internal/peer"
)

// Whatever comes to a public door is answered by a refusal that programs can read, and never by a failure of the program.
func TestBadInputAtEveryDoor(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		shop := w.shop()
		w.tell(shop, boots()...)
		v := w.visitor(nil)
		w.says(v, "1", "Добрий день")

		batch := fmt.Sprintf("/ingest/v1/%d/batch", shop.Connection)
		now := w.clock.Now()
		signed := func(body string, at time.Time) http.Header {
			return http.Header{"X-Signature": {peer.Sign(shop.Secret, at, []byte(body))}}
		}
		token := http.Header{"Authorization": {"Bearer " + v.Token}}
		desk := http.Header{"X-Csrf-Token": {w.office.CSRF}}
		deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
		good := `{"items":[{"kind":"stock","op":"upsert","external_id":"boots-38@kyiv","updated_at":"2026-03-02T11:00:00Z","data":{"on_hand":4}}]}`
		if status, _ := w.post(batch, signed(good, now), good); status != 200 {
			t.Fatalf("a good batch: %d", status)
		}
		for name, c := range map[string]struct {
			path   string
			header http.Header
			body   string
			want   int
		}{
			"batch, replayed":             {batch, signed(good, now), good, 409},
			"batch, unsigned":             {batch, nil, good, 401},
			"batch, signed by another":    {batch, http.Header{"X-Signature": {peer.Sign("another secret", now, []byte(good))}}, good, 401},
			"batch, signed long ago":      {batch, signed(good, now.Add(-time.Hour)), good, 401},
			"batch, another body":         {batch, signed(good, now), good + " ", 401},
			"batch, to nobody":            {"/ingest/v1/999/batch", signed(good, now), good, 401},
			"batch, to no number":         {"/ingest/v1/x/batch", signed(good, now), good, 401},
			"batch, too large":            {batch, nil, strings.Repeat(" ", 9<<20), 413},
			"batch, too deep":             {batch, signed(deep(5000), now), deep(5000), 422},
			"batch, no JSON":              {batch, signed("{", now), "{", 422},
			"batch, empty":                {batch, signed("", now), "", 422},
			"widget, no store":            {"/widget/v1/session", nil, `{"store":"nobody"}`, 404},
			"widget, no token":            {"/widget/v1/messages", nil, `{"client_id":"x","body":"x"}`, 401},
			"widget, a made-up token":     {"/widget/v1/messages", http.Header{"Authorization": {"Bearer x.y"}}, `{"client_id":"x","body":"x"}`, 401},
			"widget, too large":           {"/widget/v1/messages", token, `{"client_id":"x","body":"` + strings.Repeat("x", 200<<10) + `"}`, 413},
			"widget, too deep":            {"/widget/v1/messages", token, deep(5000), 400},
			"widget, not UTF-8":           {"/widget/v1/messages", token, "{\"client_id\":\"x\",\"body\":\"\xff\xfe\"}", 400},
			"widget, a NUL":               {"/widget/v1/messages", token, `{"client_id":"x","body":"a\u0000b"}`, 400},
			"widget, nothing said":        {"/widget/v1/messages", token, `{"client_id":"x","body":""}`, 422},
			"widget, an unknown talk":     {"/widget/v1/read", http.Header{"Authorization": {"Bearer " + w.visitor(nil).Token}}, `{"conversation_id":999,"seq":1}`, 404},
			"widget, an unknown address":  {"/widget/v1/nothing", token, `{}`, 404},
			"API, nobody":                 {"/api/v1/conversations/1/messages", nil, `{"kind":"reply","body":"x"}`, 401},
			"API, an unknown talk":        {"/api/v1/conversations/999/messages", desk, `{"kind":"reply","body":"x"}`, 404},
			"API, too large":              {"/api/v1/conversations/999/messages", desk, `{"kind":"reply","body":"` + strings.Repeat("x", 3<<20) + `"}`, 413},
			"API, too deep":               {"/api/v1/conversations/999/messages", desk, deep(5000), 400},
			"API, not UTF-8":              {"/api/v1/conversations/999/messages", desk, "{\"kind\":\"reply\",\"body\":\"\xff\xfe\"}", 404}, // broken characters are replaced; then the talk is unknown
			"API, no JSON":                {"/api/v1/conversations/999/messages", desk, `{`, 400},
			"API, an unknown address":     {"/api/v1/nothing", desk, `{}`, 404},
			"API, a number beyond bounds": {"/api/v1/conversations/99999999999999999999/messages", desk, `{"kind":"reply","body":"x"}`, 422},
		} {
			status, problem := w.post(c.path, c.header, c.body)
			if status != c.want || problem == "" {
				t.Errorf("%s: %d with code %q, want %d", name, status, problem, c.want)
			}
		}
	})
}

// post sends a body with the owner's cookie when the header has his token, and returns the status with the problem's code.
func (w *installation) post(path string, header http.Header, body string) (status int, code string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	client := http.DefaultClient
	if header != nil {
		r.Header = header.Clone()
		if header.Get("X-CSRF-Token") != "" {
			client = w.office.HTTP
		}
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		w.t.Errorf("%s: %v", path, err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var p struct {
		Code string `json:"code"`
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(b, &p) != nil {
		w.t.Errorf("%s: a problem that can't be read: %.200s", path, b)
	}
	return res.StatusCode, p.Code
}
