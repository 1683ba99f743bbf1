// Package generic is the plug for any shop with a programmer: it pushes signed batches and thin hints, lets single records be
// read at its pull address, and does at its action address what it is asked to. It keeps nothing.
package generic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// Name is the plug's key.
const Name = "generic"

const maxAnswer = 8 << 20

// Plug implements care.ShopPlug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.ShopPlug.
func (Plug) Name() string { return Name }

// Fields implements care.ShopPlug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "secret", Kind: "secret", Required: true},
		{Name: "secret_previous", Kind: "secret"},
		{Name: "pull_url", Kind: "url"},
		{Name: "action_url", Kind: "url"},
	}
}

// Secrets are the live secrets of a connection: the current one, and the one before it while it is being replaced.
func Secrets(c care.Connection) []string {
	var s struct {
		Secret   string `json:"secret"`
		Previous string `json:"secret_previous"`
	}
	if json.Unmarshal(c.Secrets, &s) != nil {
		return nil
	}
	return []string{s.Secret, s.Previous}
}

// DefaultStatuses implements care.StatusMapper: names that many shops use, read as they are meant.
func (Plug) DefaultStatuses() map[string]care.Axes {
	return map[string]care.Axes{
		"draft": {Order: care.OrderDraft}, "new": {Order: care.OrderPlaced}, "placed": {Order: care.OrderPlaced}, "pending": {Order: care.OrderAwaitingPayment},
		"awaiting_payment": {Order: care.OrderAwaitingPayment}, "confirmed": {Order: care.OrderConfirmed}, "processing": {Order: care.OrderProcessing},
		"paid": {Order: care.OrderProcessing, Payment: care.PaymentPaid}, "on_hold": {Order: care.OrderOnHold}, "packed": {Order: care.OrderProcessing, Fulfilment: care.FulfilmentPacked},
		"shipped": {Order: care.OrderProcessing, Fulfilment: care.FulfilmentShipped}, "delivered": {Order: care.OrderCompleted, Fulfilment: care.FulfilmentDelivered},
		"completed": {Order: care.OrderCompleted}, "cancelled": {Order: care.OrderCancelled}, "canceled": {Order: care.OrderCancelled}, "failed": {Order: care.OrderFailed},
		"refunded": {Order: care.OrderClosed, Payment: care.PaymentRefunded}, "returned": {Order: care.OrderClosed, Fulfilment: care.FulfilmentReturned}, "closed": {Order: care.OrderClosed},
	}
}

// Open implements care.ShopPlug.
func (Plug) Open(c care.Connection, client *http.Client) (care.Shop, error) {
	var s struct {
		PullURL   string `json:"pull_url"`
		ActionURL string `json:"action_url"`
	}
	if len(c.Settings) > 0 {
		if err := json.Unmarshal(c.Settings, &s); err != nil {
			return nil, &care.Error{Code: "value_invalid", Kind: care.KindInvalid, Field: "settings", Cause: err}
		}
	}
	for field, address := range map[string]string{"pull_url": s.PullURL, "action_url": s.ActionURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return nil, care.Invalid(field, "url_invalid")
		}
	}
	secrets := Secrets(c)
	if len(secrets) == 0 || secrets[0] == "" {
		return nil, care.Invalid("secret", "required")
	}
	return &Shop{pull: s.PullURL, action: s.ActionURL, secrets: secrets, client: client, now: time.Now}, nil
}

// Shop is one shop of its own make.
type Shop struct {
	pull, action string
	secrets      []string
	client       *http.Client
	now          func() time.Time
}

// Test implements care.Shop. A shop that only pushes has nothing that could be asked.
func (s *Shop) Test(ctx context.Context) (care.PeerInfo, error) {
	info := care.PeerInfo{Name: "Shop API", Version: "1", URL: s.pull, Writable: s.action != ""}
	if s.pull == "" {
		return info, nil
	}
	status, _, err := s.call(ctx, http.MethodGet, s.pull+separator(s.pull)+"ping=1", nil)
	if err == nil && status >= 400 {
		err = fmt.Errorf("the pull address answered %d", status)
	}
	return info, err
}

// Kinds implements care.Shop: the shop pushes what changes.
func (s *Shop) Kinds() []care.RecordKind { return nil }

// Changes implements care.Shop.
func (s *Shop) Changes(context.Context, care.RecordKind, string) ([]care.Record, string, bool, error) {
	return nil, "", false, nil
}

// Fetch implements care.Shop: a signed GET of each record at pull_url?kind=...&id=...; 404 and 410 mean that it is gone.
func (s *Shop) Fetch(ctx context.Context, kind care.RecordKind, ids []string) ([]care.Record, error) {
	if s.pull == "" {
		return nil, nil
	}
	var out []care.Record
	for _, id := range ids {
		address := s.pull + separator(s.pull) + url.Values{"kind": {string(kind)}, "id": {id}}.Encode()
		status, body, err := s.call(ctx, http.MethodGet, address, nil)
		if err != nil {
			return out, err
		}
		if status == http.StatusNotFound || status == http.StatusGone {
			out = append(out, care.Record{Kind: kind, ExternalID: id, Deleted: true})
			continue
		}
		if status != http.StatusOK {
			return out, fmt.Errorf("the pull address answered %d for %s %s", status, kind, id)
		}
		r, err := Decode(Item{Kind: kind, ExternalID: id}, body)
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

// call makes a signed request. What is signed is the body, or for a GET the path with its query.
func (s *Shop) call(ctx context.Context, method, address string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	signed := body
	if method == http.MethodGet {
		signed = []byte(r.URL.RequestURI())
	}
	r.Header.Set(SignatureHeader, Sign(s.secrets[0], s.now(), signed))
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, nil, &care.TemporaryError{Cause: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return 0, nil, &care.TemporaryError{Cause: err}
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return 0, nil, &care.AuthError{Cause: fmt.Errorf("answered %d", resp.StatusCode)}
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return 0, nil, &care.TemporaryError{Cause: fmt.Errorf("answered %d", resp.StatusCode), After: time.Duration(after) * time.Second}
	}
	return resp.StatusCode, answer, nil
}

func separator(address string) string {
	if strings.Contains(address, "?") {
		return "&"
	}
	return "?"
}

// VerifyHook implements care.HookReceiver: a body of thin hints, {"events": [{"kind", "external_id", "op"}]}.
func (s *Shop) VerifyHook(h http.Header, body []byte) ([]care.Hint, string, error) {
	delivery, err := Verify(s.secrets, h.Get(SignatureHeader), body, s.now())
	if err != nil {
		return nil, "", &care.AuthError{Cause: err}
	}
	items, err := DecodeBatch(body)
	if err != nil {
		return nil, "", err
	}
	hints := make([]care.Hint, len(items))
	for i, it := range items {
		if it.ExternalID == "" {
			return nil, "", errors.New("an event without external_id")
		}
		hints[i] = care.Hint{Kind: it.Kind, ExternalID: it.ExternalID, Deleted: it.Op == "delete"}
	}
	return hints, delivery, nil
}

// RegisterHooks implements care.HookReceiver: the shop's programmer does that.
func (s *Shop) RegisterHooks(context.Context, string) ([]care.HookStatus, error) { return nil, nil }

// UnregisterHooks implements care.HookReceiver.
func (s *Shop) UnregisterHooks(context.Context, string) error { return nil }
