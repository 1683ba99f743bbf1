package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"opeka/internal/care"
)

// shopFacts is what holds for every record of the shop; asked for rarely.
type shopFacts struct {
	reading
	until time.Time
}

// english are the names of WooCommerce's own statuses, for shops that don't let us read theirs.
var english = map[string]string{
	"Pending payment": "pending", "On hold": "on-hold", "Processing": "processing", "Completed": "completed",
	"Cancelled": "cancelled", "Refunded": "refunded", "Failed": "failed", "Draft": "checkout-draft",
}

// facts returns what is needed to read records, remembered for an hour. What the keys may not see
// has a stand-in, except for the currency, without which no amount means anything.
func (s *session) facts(ctx context.Context) (reading, error) {
	s.mu.Lock()
	known := s.shop
	s.mu.Unlock()
	if known != nil && time.Now().Before(known.until) {
		return known.reading, nil
	}
	currency, err := s.currency(ctx)
	if err != nil {
		return reading{}, err
	}
	r := reading{zone: time.UTC, currency: currency, statuses: map[string]string{}, trackingMeta: s.trackingMeta}
	origin := s.origin()
	r.backOffice = origin.String() + "/wp-admin"
	if idx, err := s.site(ctx); err == nil {
		r.zone, _ = idx.zone()
	}
	for name, slug := range english {
		r.statuses[name] = slug
	}
	var totals list[struct {
		Slug str `json:"slug"`
		Name str `json:"name"`
	}]
	if _, err := s.call(ctx, http.MethodGet, "/wc/v3/reports/orders/totals", nil, nil, &totals); err == nil {
		for _, t := range totals {
			if name := plain(t.Name); len(name) >= 3 {
				r.statuses[name] = string(t.Slug)
			}
		}
	} else if ctx.Err() != nil {
		return reading{}, ctx.Err()
	}
	s.mu.Lock()
	s.shop = &shopFacts{reading: r, until: time.Now().Add(time.Hour)}
	s.mu.Unlock()
	return r, nil
}

// currency asks for the shop's currency, or takes that of its last order where the keys may see no settings.
func (s *session) currency(ctx context.Context) (string, error) {
	var current struct {
		Code str `json:"code"`
	}
	_, err := s.call(ctx, http.MethodGet, "/wc/v3/data/currencies/current", nil, nil, &current)
	if err == nil && current.Code != "" {
		return strings.ToUpper(string(current.Code)), nil
	}
	if err != nil && temporary(err) {
		return "", err
	}
	var last list[struct {
		Currency str `json:"currency"`
	}]
	if _, err := s.call(ctx, http.MethodGet, "/wc/v3/orders", url.Values{"per_page": {"1"}, "_fields": {"id,currency"}}, nil, &last); err != nil {
		return "", err
	}
	if len(last) > 0 && last[0].Currency != "" {
		return strings.ToUpper(string(last[0].Currency)), nil
	}
	if err == nil {
		err = &apiError{Message: "the shop doesn't tell its currency"}
	}
	return "", err
}

func temporary(err error) bool {
	var t *care.TemporaryError
	return errors.As(err, &t) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Test implements care.Shop.
func (s *session) Test(ctx context.Context) (care.PeerInfo, error) {
	s.mu.Lock()
	s.way, s.shop, s.index = nil, nil, nil // look afresh
	s.mu.Unlock()
	var ids list[json.RawMessage]
	if _, err := s.call(ctx, http.MethodGet, "/wc/v3/orders", url.Values{"per_page": {"1"}}, nil, &ids); err != nil {
		return care.PeerInfo{}, err
	}
	origin := s.origin()
	info := care.PeerInfo{URL: origin.String(), TimeZone: "UTC"}
	if idx, err := s.site(ctx); err == nil {
		info.Name = plain(idx.Name)
		_, info.TimeZone = idx.zone()
	}
	var status struct {
		Environment struct {
			Version str `json:"version"`
		} `json:"environment"`
		Settings struct {
			Currency str `json:"currency"`
		} `json:"settings"`
	}
	// The report is slow on some shops and closed to some keys; the version is a nicety.
	brief, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if _, err := s.call(brief, http.MethodGet, "/wc/v3/system_status", url.Values{"_fields": {"environment,settings"}}, nil, &status); err == nil {
		info.Version = string(status.Environment.Version)
		info.Currency = strings.ToUpper(string(status.Settings.Currency))
	} else if ctx.Err() != nil {
		return care.PeerInfo{}, ctx.Err()
	}
	if info.Currency == "" {
		currency, err := s.currency(ctx)
		if err != nil {
			return care.PeerInfo{}, err
		}
		info.Currency = currency
	}
	writable, err := s.writable(ctx)
	info.Writable = writable
	return info, err
}

// writable finds out whether the key may change things, with a request that can't: it lacks what it needs, but a
// read-only key is refused before anybody looks.
func (s *session) writable(ctx context.Context) (bool, error) {
	_, err := s.call(ctx, http.MethodPost, "/wc/v3/products/categories", nil, map[string]string{}, nil)
	var refused *apiError
	var auth *care.AuthError
	switch {
	case errors.As(err, &auth):
		return false, nil
	case errors.As(err, &refused) && refused.Status == http.StatusBadRequest:
		return true, nil
	case err != nil && temporary(err):
		return false, err
	}
	return err == nil, nil
}

// Count implements care.ShopCounter.
func (s *session) Count(ctx context.Context, kind care.RecordKind) (int64, error) {
	path, ok := paths[kind]
	if !ok {
		return 0, nil
	}
	q := url.Values{"per_page": {"1"}, "_fields": {"id"}}
	if kind == care.KindCustomer {
		q.Set("role", "all")
	}
	var ids list[json.RawMessage]
	h, err := s.call(ctx, http.MethodGet, path, q, nil, &ids)
	if err != nil {
		return 0, err
	}
	n, _ := total(h)
	return n, nil
}

var paths = map[care.RecordKind]string{
	care.KindCustomer: "/wc/v3/customers",
	care.KindProduct:  "/wc/v3/products",
	care.KindOrder:    "/wc/v3/orders",
}
