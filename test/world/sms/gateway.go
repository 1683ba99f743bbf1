// Package sms is two ways to send short messages, for tests: a gateway with an HTTP interface like those of the services that shops use,
// and an SMSC that speaks SMPP 3.4.
package sms

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is the gateway's key.
const Token = "gateway-token-1"

// RetryAfter is what the gateway asks for when it is written to too fast.
const RetryAfter = 11 * time.Second

// Message is one that was taken.
type Message struct {
	ID, To, From, Text, Key string
}

// Gateway is the service.
type Gateway struct {
	URL    string
	Client *http.Client

	mu      sync.Mutex
	next    int
	sent    []Message
	limited int
	lose    bool
}

// NewGateway starts it.
func NewGateway(t testing.TB) *Gateway {
	g := &Gateway{}
	s := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(s.Close)
	g.URL, g.Client = s.URL, s.Client()
	return g
}

// Sent lists what was taken.
func (g *Gateway) Sent() []Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Message(nil), g.sent...)
}

// Limit makes the next n requests be refused for coming too fast.
func (g *Gateway) Limit(n int) { g.mu.Lock(); defer g.mu.Unlock(); g.limited = n }

// Lose makes the connection break after the next message was taken.
func (g *Gateway) Lose() { g.mu.Lock(); defer g.mu.Unlock(); g.lose = true }

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := func(code int, status string, result any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"response_code": code, "response_status": status, "response_result": result})
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		answer(103, "REQUIRED_AUTH", nil)
		return
	}
	if g.limited > 0 {
		g.limited--
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter.Seconds())))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/balance") {
		answer(0, "OK", map[string]any{"balance": 100})
		return
	}
	var m struct {
		Recipients []string `json:"recipients"`
		Key        string   `json:"key"`
		SMS        struct {
			Sender string `json:"sender"`
			Text   string `json:"text"`
		} `json:"sms"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.Method == http.MethodGet {
		m.Recipients, m.SMS.Sender, m.SMS.Text = []string{r.FormValue("to")}, r.FormValue("from"), r.FormValue("text")
	} else if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		answer(104, "REQUIRED_REQUEST_DATA", nil)
		return
	}
	if len(m.Recipients) != 1 || m.SMS.Text == "" || m.SMS.Sender != "SHOP" {
		answer(202, "MISSING_REQUIRED", nil)
		return
	}
	if strings.HasPrefix(m.Recipients[0], "38000") || strings.HasPrefix(m.Recipients[0], "+38000") {
		answer(502, "INVALID_PHONE", nil)
		return
	}
	g.next++
	out := Message{"id-" + strconv.Itoa(g.next), m.Recipients[0], m.SMS.Sender, m.SMS.Text, m.Key}
	g.sent = append(g.sent, out)
	if g.lose {
		g.lose = false
		panic(http.ErrAbortHandler)
	}
	answer(800, "SUCCESS_MESSAGE_ACCEPTED", []map[string]any{{"phone": out.To, "message_id": out.ID, "response_code": 0}})
}
