// Package woocommerce reads shops made with WooCommerce through its REST API v3 and receives their webhooks. It turns what such a shop
// says into records of the house's language and knows the engine's quirks, so that nobody else has to; it keeps nothing and decides nothing.
package woocommerce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"opeka/internal/care"
)

// Plug is the WooCommerce plug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.ShopPlug.
func (Plug) Name() string { return "woocommerce" }

// Fields implements care.ShopPlug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "url", Kind: "url", Required: true},
		{Name: "consumer_key", Kind: "secret", Required: true},
		{Name: "consumer_secret", Kind: "secret", Required: true},
		{Name: "hook_secret", Kind: "secret"},
		{Name: "tracking_meta", Kind: "text"},
	}
}

type settings struct {
	URL          string `json:"url"`
	TrackingMeta string `json:"tracking_meta"` // meta key in which the shop keeps tracking numbers, besides the well-known ones
}

type secrets struct {
	Key        string `json:"consumer_key"`
	Secret     string `json:"consumer_secret"`
	HookSecret string `json:"hook_secret"` // only for hooks made by hand in the shop; ours have a derived one
}

// session is one shop. What it learns about the way to reach it, it keeps as long as it lives.
type session struct {
	id           int64
	base         *url.URL // where the site is, without a slash at the end
	key, secret  string
	hookSecret   string
	trackingMeta string
	client       *http.Client

	mu    sync.Mutex
	way   *way // the way that worked
	shop  *shopFacts
	index *siteIndex
}

// Open implements care.ShopPlug.
func (Plug) Open(c care.Connection, client *http.Client) (care.Shop, error) {
	var set settings
	var sec secrets
	if err := unmarshal(c.Settings, &set); err != nil {
		return nil, care.Invalid("settings", "value_invalid")
	}
	if err := unmarshal(c.Secrets, &sec); err != nil {
		return nil, care.Invalid("secrets", "value_invalid")
	}
	base, err := siteAddress(set.URL)
	if err != nil {
		return nil, err
	}
	key, secret := strings.TrimSpace(sec.Key), strings.TrimSpace(sec.Secret)
	if key == "" {
		return nil, care.Invalid("consumer_key", "required")
	}
	if secret == "" {
		return nil, care.Invalid("consumer_secret", "required")
	}
	s := &session{
		id: c.ID, base: base, key: key, secret: secret, hookSecret: sec.HookSecret,
		trackingMeta: strings.TrimSpace(set.TrackingMeta), client: client,
	}
	if s.hookSecret == "" {
		// Derived, so that there is nothing to keep, and new keys make a new one.
		m := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(m, "opeka hooks %d", c.ID)
		s.hookSecret = hex.EncodeToString(m.Sum(nil))
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: 30 * time.Second}
	}
	return s, nil
}

func unmarshal(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, v)
}

// siteAddress makes the address of the site out of what people paste: without a scheme, from the
// administration, with the API's path, with a query.
func siteAddress(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return nil, care.Invalid("url", "required")
	}
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" {
		return nil, care.Invalid("url", "url_invalid")
	}
	path := u.Path
	for _, cut := range []string{"/wp-json", "/wp-admin", "/wp-login.php", "/index.php"} {
		if i := strings.Index(path, cut); i >= 0 {
			path = path[:i]
		}
	}
	return &url.URL{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Host), Path: strings.TrimRight(path, "/")}, nil
}

// DefaultStatuses implements care.StatusMapper: what WooCommerce's own statuses mean. Whether money
// came is read from the order itself: "processing" is also what cash on delivery waits in.
func (Plug) DefaultStatuses() map[string]care.Axes { return defaultStatuses() }

// DefaultStatuses implements care.StatusMapper on the session too.
func (s *session) DefaultStatuses() map[string]care.Axes { return defaultStatuses() }

func defaultStatuses() map[string]care.Axes {
	return map[string]care.Axes{
		"auto-draft":     {Order: care.OrderDraft},
		"checkout-draft": {Order: care.OrderDraft},
		"draft":          {Order: care.OrderDraft},
		"pending":        {Order: care.OrderAwaitingPayment},
		"on-hold":        {Order: care.OrderOnHold},
		"processing":     {Order: care.OrderProcessing, Payment: care.PaymentPaid},
		"completed":      {Order: care.OrderCompleted, Payment: care.PaymentPaid}, // the shop is done; whether the parcel came it doesn't know
		"cancelled":      {Order: care.OrderCancelled},
		"refunded":       {Order: care.OrderClosed, Payment: care.PaymentRefunded},
		"failed":         {Order: care.OrderFailed, Payment: care.PaymentFailed},
	}
}

// Kinds implements care.Shop.
func (s *session) Kinds() []care.RecordKind {
	return []care.RecordKind{care.KindCustomer, care.KindProduct, care.KindOrder}
}
