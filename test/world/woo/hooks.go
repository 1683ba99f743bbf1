package woo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type delivery struct {
	hook  int64
	topic string
	id    int64  // of the object; 0: payload is all
	body  object // as it was when queued, for topics without an object
}

// push queues a delivery to every active hook of the topic. One of the same hook and object that waits already stands for both: what
// is delivered is the state at delivery.
func (s *Shop) push(topic string, payload object) {
	id := number(payload["id"])
	for hid, h := range s.hooks {
		if h["status"] != "active" || text(h["topic"]) != topic {
			continue
		}
		if id != 0 && slices.ContainsFunc(s.queue, func(d delivery) bool { return d.hook == hid && d.id == id }) {
			continue
		}
		s.queue = append(s.queue, delivery{hid, topic, id, payload})
	}
}

// Waiting counts the deliveries that are queued.
func (s *Shop) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Deliver sends what is queued, in order, and returns the answers' statuses (0: no answer). A hook whose
// sixth failure in a row is behind it is disabled by the next; nobody is told and nothing is repeated.
func (s *Shop) Deliver(ctx context.Context) []int {
	s.mu.Lock()
	queue := s.queue
	s.queue = nil
	s.mu.Unlock()
	var out []int
	for _, d := range queue {
		s.mu.Lock()
		h := s.hooks[d.hook]
		if h == nil || h["status"] != "active" {
			s.mu.Unlock()
			continue
		}
		address, secret, body := text(h["delivery_url"]), s.secrets[d.hook], s.payload(d)
		now := s.now()
		s.mu.Unlock()

		status := send(ctx, address, d, secret, body, now)
		out = append(out, status)

		s.mu.Lock()
		if status >= 200 && status < 400 {
			s.failures[d.hook] = 0
		} else if s.failures[d.hook]++; s.failures[d.hook] > 6 {
			h["status"] = "disabled"
		}
		s.mu.Unlock()
	}
	return out
}

// payload is the object as it is now; one that is gone shows nothing but its id.
func (s *Shop) payload(d delivery) []byte {
	if d.id == 0 || strings.HasSuffix(d.topic, ".deleted") {
		return mustJSON(d.body)
	}
	resource, _, _ := strings.Cut(d.topic, ".")
	var o object
	switch resource {
	case "order":
		o = s.orders[d.id]
	case "product":
		o, _ = s.findProduct(d.id)
	case "customer":
		o = s.customers[d.id]
	}
	if o == nil {
		o = object{"code": "woocommerce_rest_" + resource + "_invalid_id", "message": "Invalid ID.", "data": object{"status": 404}}
	}
	return mustJSON(o)
}

func send(ctx context.Context, address string, d delivery, secret string, body []byte, now time.Time) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	resource, event, _ := strings.Cut(d.topic, ".")
	id := md5.Sum(fmt.Appendf(nil, "%d%d", d.hook, now.Unix())) // the hook and the second, nothing of the object
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	for k, v := range map[string]string{
		"User-Agent": "WooCommerce/10.3.6 Hookshot (WordPress/6.7)", "Content-Type": "application/json",
		"X-WC-Webhook-Source": "http://shop.example/", "X-WC-Webhook-Topic": d.topic, "X-WC-Webhook-Resource": resource, "X-WC-Webhook-Event": event,
		"X-WC-Webhook-ID": strconv.FormatInt(d.hook, 10), "X-WC-Webhook-Delivery-ID": hex.EncodeToString(id[:]),
		"X-WC-Webhook-Signature": base64.StdEncoding.EncodeToString(m.Sum(nil)),
	} {
		r.Header.Set(k, v)
	}
	return status(r)
}

// ping is how the shop tries the address of a new hook: unsigned, and no JSON.
func ping(address string, hook int64) {
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(fmt.Sprintf("webhook_id=%d", hook)))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "WooCommerce/10.3.6 Hookshot (WordPress/6.7)")
	status(r)
}

func status(r *http.Request) int {
	c := &http.Client{Timeout: 5 * time.Second}
	res, err := c.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// Hooks tells the status of each hook by its topic.
func (s *Shop) Hooks() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for _, h := range s.hooks {
		out[text(h["topic"])] = text(h["status"])
	}
	return out
}

// DisableHooks does to all hooks what seven failures do to one.
func (s *Shop) DisableHooks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		h["status"] = "disabled"
	}
	s.queue = nil
}
