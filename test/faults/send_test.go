package faults_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"opeka/internal/peer"
)

// holding is a gateway that takes messages and can keep its answers to itself.
type holding struct {
	mu    sync.Mutex
	taken map[string]int // by key
	texts map[string]int
	hold  chan struct{} // closed: answers are given
	held  chan struct{} // a message was taken whose answer is held
}

func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ To, Text, Key string }
	_ = json.NewDecoder(r.Body).Decode(&m)
	h.mu.Lock()
	h.taken[m.Key]++
	h.texts[m.Text]++
	hold := h.hold
	h.mu.Unlock()
	select {
	case <-hold:
	default:
		select {
		case h.held <- struct{}{}:
		default:
		}
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	fmt.Fprintf(w, `{"id":%q}`, m.Key)
}

// A process dies when a message was handed over and before the answer came. Where the service knows keys the message is handed over again, under the
// same one; where it doesn't it is never repeated, and shown as unclear. What waited goes out in the next life, once.
func TestKilledBetweenAttemptAndReceipt(t *testing.T) {
	for name, deduplicates := range map[string]bool{"the service knows keys": true, "the service knows no keys": false} {
		t.Run(name, func(t *testing.T) {
			h := &holding{taken: map[string]int{}, texts: map[string]int{}, hold: make(chan struct{}), held: make(chan struct{}, 1)}
			gateway := httptest.NewServer(h)
			t.Cleanup(func() { gateway.CloseClientConnections(); gateway.Close() })
			p := newProgram(t, "")
			p.spawn()
			p.serving()
			ctx := t.Context()
			office := peer.NewOffice(p.url)
			store, _, err := office.SetUp(ctx, "Стежка", "olena@example.com", "correct horse battery")
			if err != nil {
				t.Fatal(err)
			}
			do := func(method, path string, in, out any) {
				t.Helper()
				if err := office.Do(ctx, method, path, in, out); err != nil {
					t.Fatal(err)
				}
			}
			var line struct {
				HookURL string `json:"hook_url"`
			}
			do("POST", "/connections", map[string]any{"store_id": store, "plug": "sms_http", "name": "SMS", "settings": map[string]any{
				"url": gateway.URL, "template": `{"to":"{to}","text":"{text}","key":"{key}"}`, "id_path": "id", "in_from": "from", "in_text": "text", "in_id": "id", "deduplicates": deduplicates}}, &line)
			body, _ := json.Marshal(map[string]string{"from": "380501112233", "text": "Де замовлення?", "id": "1"})
			res, err := http.Post(line.HookURL, "application/json", bytes.NewReader(body))
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%v %v", res, err)
			}
			_ = res.Body.Close()
			var talk int64
			until(t, "the question is there", func() bool {
				var list struct {
					Items []struct {
						ID int64 `json:"id"`
					} `json:"items"`
				}
				do("GET", "/conversations?view=all", nil, &list)
				if len(list.Items) > 0 {
					talk = list.Items[0].ID
				}
				return talk != 0
			})
			texts := []string{"перше", "друге", "третє"}
			for _, text := range texts {
				do("POST", fmt.Sprintf("/conversations/%d/messages", talk), map[string]any{"kind": "reply", "body": text, "client_id": text}, nil)
			}
			<-h.held // the first is handed over; its answer will never come
			p.kill()
			h.mu.Lock()
			close(h.hold)
			h.mu.Unlock()
			p.spawn()
			p.serving()
			states := func() map[string]string {
				var th struct {
					Messages []struct {
						Body     string `json:"body"`
						Delivery *struct {
							State string `json:"state"`
						} `json:"delivery"`
					} `json:"messages"`
				}
				do("GET", fmt.Sprintf("/conversations/%d", talk), nil, &th)
				out := map[string]string{}
				for _, m := range th.Messages {
					if m.Delivery != nil {
						out[m.Body] = m.Delivery.State
					}
				}
				return out
			}
			want := "unknown"
			if deduplicates {
				want = "sent"
			}
			until(t, "every message has its fate", func() bool {
				s := states()
				return s["перше"] == want && s["друге"] == "sent" && s["третє"] == "sent"
			})
			p.stop()
			h.mu.Lock()
			defer h.mu.Unlock()
			if len(h.taken) != len(texts) {
				t.Errorf("%d keys for %d messages: %v", len(h.taken), len(texts), h.taken)
			}
			for _, text := range texts {
				n, most := h.texts[text], 1
				if text == texts[0] && deduplicates {
					most = 2 // under one key
				}
				if n < 1 || n > most {
					t.Errorf("%q was handed over %d times", text, n)
				}
			}
		})
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); pause(t.Context(), 50*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never happened: %s", what)
		}
	}
}
