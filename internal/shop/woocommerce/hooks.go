package woocommerce

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"opeka/internal/care"
)

// topics are what we ask for. Of the action hooks only the note to a customer tells more than the rest;
// those about stock carry nothing, product.updated comes with them.
var topics = []string{
	"order.created", "order.updated", "order.deleted", "order.restored",
	"product.created", "product.updated", "product.deleted", "product.restored",
	"customer.created", "customer.updated", "customer.deleted",
	"action.woocommerce_new_customer_note_notification",
}

var errSignature = &care.Error{Code: "hook.signature", Kind: care.KindUnauthorised}

// VerifyHook implements care.HookReceiver.
func (s *session) VerifyHook(h http.Header, body []byte) ([]care.Hint, string, error) {
	given := h.Get("X-WC-Webhook-Signature")
	if given == "" {
		if isPing(h, body) {
			return nil, "", nil
		}
		return nil, "", errSignature
	}
	want := hmac.New(sha256.New, []byte(s.hookSecret))
	want.Write(body)
	got, err := base64.StdEncoding.DecodeString(given)
	if err != nil || !hmac.Equal(got, want.Sum(nil)) {
		return nil, "", errSignature
	}
	// WooCommerce makes its delivery id of the hook and the second: two orders changed within one
	// second come under the same id. Only together with the body it means one delivery.
	delivery := ""
	if id := h.Get("X-WC-Webhook-Delivery-ID"); id != "" {
		sum := sha256.Sum256(body)
		delivery = clip(id, 64) + ":" + hex.EncodeToString(sum[:12])
	}
	return hints(h.Get("X-WC-Webhook-Topic"), body), delivery, nil
}

// isPing recognises the unsigned `webhook_id=N` by which WooCommerce tries an address when a hook is made.
func isPing(h http.Header, body []byte) bool {
	if h.Get("X-WC-Webhook-Topic") != "" {
		return false
	}
	id, ok := strings.CutPrefix(strings.TrimSpace(string(body)), "webhook_id=")
	if !ok || len(id) > 20 {
		return false
	}
	_, err := strconv.ParseUint(id, 10, 64)
	return err == nil
}

func hints(topic string, body []byte) []care.Hint {
	resource, event, _ := strings.Cut(topic, ".")
	if resource == "action" {
		return actionHints(event, body)
	}
	kind, ok := map[string]care.RecordKind{"order": care.KindOrder, "product": care.KindProduct, "customer": care.KindCustomer}[resource]
	if !ok {
		return nil
	}
	var what struct {
		ID       num `json:"id"`
		ParentID num `json:"parent_id"`
		Type     str `json:"type"`
	}
	if json.Unmarshal(body, &what) != nil || what.ID <= 0 {
		return nil
	}
	id := what.ID
	if kind == care.KindProduct && what.Type == "variation" && what.ParentID > 0 {
		id = what.ParentID
	}
	return []care.Hint{{Kind: kind, ExternalID: id.String(), Deleted: event == "deleted"}}
}

// actionHints reads {"action": ..., "arg": ...}, where arg is an id, an object with one, or nothing at all.
func actionHints(action string, body []byte) []care.Hint {
	var what struct {
		Arg json.RawMessage `json:"arg"`
	}
	if json.Unmarshal(body, &what) != nil || len(what.Arg) == 0 {
		return nil
	}
	kind := care.KindOrder
	switch {
	case strings.Contains(action, "order"), strings.Contains(action, "customer_note"), strings.Contains(action, "payment"):
	case strings.Contains(action, "product"), strings.Contains(action, "stock"), strings.Contains(action, "variation"):
		kind = care.KindProduct
	default:
		return nil
	}
	var id num
	if what.Arg[0] == '{' {
		var arg struct {
			OrderID   num `json:"order_id"`
			ProductID num `json:"product_id"`
			ID        num `json:"id"`
		}
		_ = json.Unmarshal(what.Arg, &arg)
		switch {
		case kind == care.KindOrder && arg.OrderID > 0:
			id = arg.OrderID
		case kind == care.KindProduct && arg.ProductID > 0:
			id = arg.ProductID
		default:
			id = arg.ID
		}
	} else if what.Arg[0] != '[' {
		_ = id.UnmarshalJSON(what.Arg)
	}
	if id <= 0 {
		return nil
	}
	return []care.Hint{{Kind: kind, ExternalID: id.String()}}
}

type webhook struct {
	ID          num    `json:"id"`
	Name        str    `json:"name"`
	Status      str    `json:"status"`
	Topic       string `json:"topic"`
	DeliveryURL string `json:"delivery_url"`
}

// RegisterHooks implements care.HookReceiver. The shop never shows a hook's secret, so its name
// carries a mark of the secret that it was made with.
func (s *session) RegisterHooks(ctx context.Context, address string) ([]care.HookStatus, error) {
	ours, err := s.hooksAt(ctx, address)
	if err != nil {
		return nil, err
	}
	mark := s.mark()
	var out []care.HookStatus
	for _, topic := range topics {
		status := care.HookStatus{Topic: topic}
		want := map[string]any{"name": "Opeka " + topic + mark, "topic": topic, "delivery_url": address, "secret": s.hookSecret, "status": "active"}
		var have *webhook
		for i, h := range ours {
			switch {
			case h.Topic != topic:
			case have == nil:
				have = &ours[i]
			default: // a second one of the same would say everything twice
				if err := s.deleteHook(ctx, h.ID); err != nil {
					return out, err
				}
			}
		}
		var now webhook
		switch {
		case have == nil:
			_, err = s.call(ctx, http.MethodPost, "/wc/v3/webhooks", nil, want, &now)
		case have.Status != "active", have.DeliveryURL != address, !strings.HasSuffix(string(have.Name), mark):
			status.Revived = have.Status != "active"
			_, err = s.call(ctx, http.MethodPut, "/wc/v3/webhooks/"+have.ID.String(), nil, want, &now)
		default:
			now = *have
		}
		var refused *apiError
		if err != nil && errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
			err = nil // an older WooCommerce doesn't know the topic; the rest still helps
			now = webhook{}
		}
		if err != nil {
			return out, err
		}
		status.Active = now.Status == "active"
		out = append(out, status)
	}
	return out, nil
}

// HookStatuses implements care.HookInspector.
func (s *session) HookStatuses(ctx context.Context, address string) ([]care.HookStatus, error) {
	ours, err := s.hooksAt(ctx, address)
	if err != nil {
		return nil, err
	}
	out := make([]care.HookStatus, len(topics))
	for i, topic := range topics {
		out[i].Topic = topic
		for _, h := range ours {
			out[i].Active = out[i].Active || h.Topic == topic && h.Status == "active" && h.DeliveryURL == address
		}
	}
	return out, nil
}

// UnregisterHooks implements care.HookReceiver.
func (s *session) UnregisterHooks(ctx context.Context, address string) error {
	ours, err := s.hooksAt(ctx, address)
	if err != nil {
		return err
	}
	for _, h := range ours {
		if err := s.deleteHook(ctx, h.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) deleteHook(ctx context.Context, id num) error {
	_, err := s.call(ctx, http.MethodDelete, "/wc/v3/webhooks/"+id.String(), url.Values{"force": {"true"}}, nil, nil)
	if isGone(err) {
		return nil
	}
	return err
}

// mark is what our hooks' names end with: of the connection and of the secret that they were made with.
func (s *session) mark() string {
	sum := sha256.Sum256([]byte(s.hookSecret))
	return " #" + hex.EncodeToString(sum[:4])
}

// hooksAt lists the shop's hooks that push to the address, or are ours and push to an address that we had
// before, of whatever status.
func (s *session) hooksAt(ctx context.Context, address string) ([]webhook, error) {
	var out []webhook
	for page := 1; page <= 50; page++ {
		var items list[webhook]
		q := url.Values{"per_page": {"100"}, "page": {strconv.Itoa(page)}, "orderby": {"id"}, "order": {"asc"}}
		h, err := s.call(ctx, http.MethodGet, "/wc/v3/webhooks", q, nil, &items)
		if err != nil {
			return nil, err
		}
		for _, w := range items {
			if w.DeliveryURL == address || strings.HasPrefix(string(w.Name), "Opeka ") && strings.HasSuffix(string(w.Name), s.mark()) {
				out = append(out, w)
			}
		}
		if pages, err := strconv.Atoi(h.Get("X-WP-TotalPages")); err == nil && page >= pages || err != nil && len(items) < 100 {
			break
		}
	}
	return out, nil
}
