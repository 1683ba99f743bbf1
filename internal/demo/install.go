package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"opeka/internal/care"
	"opeka/internal/peer"
)

// keep is what the demo's shop must remember of its installation: the secrets that Opeka shows only once.
type keep struct {
	path         string
	Ready        bool   `json:"ready"`
	Store        int64  `json:"store_id"`
	Identity     string `json:"identity_secret"`
	Connection   int64  `json:"connection_id"`
	Secret       string `json:"secret"`
	Trunk        int64  `json:"trunk_id"`      // of the telephone
	TownPassword string `json:"town_password"` // at the demo's telephone company
	Waiting      bool   `json:"waiting"`       // shoppers wait for goods
	Warehouse    int64  `json:"warehouse_id"`  // its department
}

func openKeep(dir string) (*keep, error) {
	k := &keep{path: filepath.Join(dir, "demo.json")}
	b, err := os.ReadFile(k.path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, k); err != nil {
		return nil, fmt.Errorf("demo: %s: %w", k.path, err)
	}
	if !k.Ready {
		return nil, fmt.Errorf("demo: the first start was broken off; delete the folder %s and start again", dir)
	}
	return k, nil
}

func (k *keep) save() error {
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(k.path, b, 0o600)
}

type made struct {
	ID     int64  `json:"id"`
	Secret string `json:"secret"`
}

// install does by the API what an owner does in the console: the store, its hours and widget, colleagues, what the desk is furnished with, and the connection of the shop.
func (k *keep) install(ctx context.Context, office *peer.Office, url string) error {
	if err := k.save(); err != nil { // from here on a broken-off start is seen as one
		return err
	}
	if _, _, err := office.SetUp(ctx, shopName, Email, Password); err != nil {
		return fmt.Errorf("does the data folder hold another installation? %w", err)
	}
	var stores struct {
		Items []struct {
			ID      int64 `json:"id"`
			Version int64 `json:"version"`
		} `json:"items"`
	}
	if err := office.Do(ctx, http.MethodGet, "/stores", nil, &stores); err != nil {
		return err
	}
	k.Store = stores.Items[0].ID
	if err := k.shape(ctx, office, stores.Items[0].Version); err != nil {
		return err
	}
	var secret made
	if err := office.Do(ctx, http.MethodPost, fmt.Sprintf("/stores/%d/identity-secret", k.Store), nil, &secret); err != nil {
		return err
	}
	k.Identity = secret.Secret
	for _, a := range []map[string]any{
		{"name": "Іван Береза", "email": "ivan@stezhka.example", "language": "uk", "role": "agent", "speaks": []string{"uk", "ru"}},
		{"name": "Zofia Maj", "email": "zofia@stezhka.example", "language": "pl", "role": "agent", "speaks": []string{"pl", "en"}},
		{"name": "Дарія Лугова", "email": "daria@stezhka.example", "language": "uk", "role": "supervisor", "speaks": []string{"uk", "ru", "en"}},
	} {
		skills := []map[string]string{{"kind": "channel", "value": "chat"}}
		for _, l := range a["speaks"].([]string) {
			skills = append(skills, map[string]string{"kind": "language", "value": l})
		}
		if err := office.Do(ctx, http.MethodPost, "/agents", map[string]any{"name": a["name"], "email": a["email"], "language": a["language"], "skills": skills,
			"memberships": []map[string]any{{"store_id": k.Store, "role": a["role"]}}}, nil); err != nil {
			return err
		}
	}
	if err := k.furnish(ctx, office); err != nil {
		return err
	}
	return k.connect(ctx, office)
}

func (k *keep) shape(ctx context.Context, office *peer.Office, version int64) error {
	return office.Do(ctx, http.MethodPatch, fmt.Sprintf("/stores/%d", k.Store), map[string]any{
		"slug": shopSlug, "currency": currency, "color": "#2d6a4f", "version": version,
		"calendar": map[string]any{"zone": "Europe/Kyiv", "always": true}, // whoever tries the demo does so at any hour
		"widget": map[string]any{
			"title":    map[string]string{"uk": "Стежка поруч", "ru": "Стежка рядом", "pl": "Stezhka jest obok", "en": "Stezhka is here"},
			"greeting": map[string]string{"uk": "Вітаємо! Чим допомогти?", "ru": "Здравствуйте! Чем помочь?", "pl": "Dzień dobry! W czym pomóc?", "en": "Hello! How can we help?"},
		},
	}, nil)
}

// connect makes the connection by which the shop tells of its changes, and names what its statuses mean.
func (k *keep) connect(ctx context.Context, office *peer.Office) error {
	var c struct {
		ID int64 `json:"id"`
	}
	secret := newSecret()
	err := office.Do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": k.Store, "plug": "generic", "name": "Магазин «Стежка»",
		"settings": map[string]any{"secret": secret}}, &c)
	if err != nil {
		return err
	}
	for raw, means := range statuses {
		if err := office.Do(ctx, http.MethodPut, "/statuses", map[string]any{"connection_id": c.ID, "raw": raw, "order_state": means.Order, "fulfilment_state": means.Fulfilment}, nil); err != nil {
			return err
		}
	}
	k.Secret, k.Connection = secret, c.ID
	return k.save()
}

// statuses are the shop's own words, as an administrator would map them.
var statuses = map[string]care.Axes{
	"нове":          {Order: care.OrderPlaced},
	"очікує оплати": {Order: care.OrderAwaitingPayment},
	"підтверджено":  {Order: care.OrderConfirmed},
	"зібрано":       {Order: care.OrderProcessing, Fulfilment: care.FulfilmentPacked},
	"відправлено":   {Order: care.OrderProcessing, Fulfilment: care.FulfilmentShipped},
	"виконано":      {Order: care.OrderCompleted, Fulfilment: care.FulfilmentDelivered},
	"скасовано":     {Order: care.OrderCancelled},
	"повернення":    {Order: care.OrderClosed, Fulfilment: care.FulfilmentReturned},
}

// open counts the conversations that wait for an answer; many when it can't be told.
func open(ctx context.Context, office *peer.Office) int64 {
	var counts struct {
		Views []struct {
			Key   string `json:"key"`
			Count int64  `json:"count"`
		} `json:"views"`
	}
	if err := office.Do(ctx, http.MethodGet, "/inbox/counts", nil, &counts); err != nil {
		return maxOpen
	}
	for _, v := range counts.Views {
		if v.Key == "open" {
			return v.Count
		}
	}
	return 0
}
