package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/peer"
)

// Many pay for keys at once while the program is killed again and again: each order has exactly one key in the end, and no key two orders.
func TestKilledWhileKeysAreGiven(t *testing.T) {
	eachEngine(t, func(t *testing.T, database string) {
		const buyers, lives = 120, 6
		p := newProgram(t, database)
		p.spawn()
		p.serving()
		office := peer.NewOffice(p.url)
		store, _, err := office.SetUp(t.Context(), "Стежка", "olena@example.com", "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		do := func(method, path string, in, out any) {
			t.Helper()
			if err := office.Do(t.Context(), method, path, in, out); err != nil {
				t.Fatal(err)
			}
		}
		const secret = "a secret of the shop and the program"
		var made struct {
			ID int64 `json:"id"`
		}
		do(http.MethodPost, "/connections", map[string]any{"store_id": store, "plug": "generic", "name": "Магазин", "settings": map[string]string{"secret": secret}}, &made)
		shop := &peer.Shop{URL: p.url, Connection: made.ID, Secret: secret, HTTP: peer.Client(), Now: time.Now}
		price := care.Money{Amount: 49900, Currency: "UAH"}
		if _, err := shop.Batch(t.Context(), "", []peer.Item{{Kind: care.KindProduct, Op: "upsert", ID: "game", At: time.Now().UTC(),
			Data: care.ShopProduct{Name: "Гра", Virtual: true, Variants: []care.ShopVariant{{ExternalID: "game", SKU: "GAME", Price: price}}}}}); err != nil {
			t.Fatal(err)
		}
		var products struct {
			Items []struct {
				Variants []struct {
					ID int64 `json:"id"`
				} `json:"variants"`
			} `json:"items"`
		}
		do(http.MethodGet, fmt.Sprintf("/products?store_id=%d", store), nil, &products)
		do(http.MethodPut, "/electronic-goods", map[string]any{"store_id": store, "variant_id": products.Items[0].Variants[0].ID, "kind": "key"}, &made)
		keys := make([]string, buyers)
		for i := range keys {
			keys[i] = fmt.Sprintf("AAAA-BBBB-CCCC-%04d", i)
		}
		do(http.MethodPost, fmt.Sprintf("/electronic-goods/%d/keys", made.ID), map[string]any{"csv": strings.Join(keys, "\n")}, nil)

		// The shop tells each payment until it is taken.
		var wait sync.WaitGroup
		for i := range buyers {
			wait.Go(func() {
				item := peer.Item{Kind: care.KindOrder, Op: "upsert", ID: fmt.Sprint("o", i), At: time.Now().UTC(), Data: care.ShopOrder{Number: fmt.Sprint("K-", i), RawStatus: "paid", Order: care.OrderPlaced, Payment: care.PaymentPaid,
					Fulfilment: care.FulfilmentUnfulfilled, Currency: "UAH", Total: price, PlacedAt: time.Now().UTC().Add(time.Minute), Customer: care.CustomerRef{Email: fmt.Sprintf("k%d@example.com", i)},
					Lines: []care.ShopLine{{ExternalID: "1", Variant: "game", SKU: "GAME", Name: "Гра", Quantity: 1, Price: price, Total: price}}}}
				key := fmt.Sprint("order-", i)
				for {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					_, err := shop.Batch(ctx, key, []peer.Item{item})
					cancel()
					if err == nil || !pause(t.Context(), 100*time.Millisecond) {
						return
					}
				}
			})
		}
		for range lives {
			pause(t.Context(), 150*time.Millisecond)
			p.kill()
			p.spawn()
			p.serving()
		}
		wait.Wait()
		// Another process can't look at SQLite's file: the program says itself when all are served, and is stopped then.
		office = peer.NewOffice(p.url)
		if err := office.SignIn(t.Context(), "olena@example.com", "correct horse battery"); err != nil {
			t.Fatal(err)
		}
		until(t, "every order has what it paid for", func() bool {
			var goods struct {
				Given int64 `json:"given"`
				Short int64 `json:"short"`
			}
			return office.Do(t.Context(), http.MethodGet, fmt.Sprintf("/electronic-goods/%d", made.ID), nil, &goods) == nil && goods.Given == buyers && goods.Short == 0
		})
		p.stop()
		d := open(t, p)
		count := func(sql string, args ...any) (n int64) {
			if err := d.Read().QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		if n := count(`SELECT count(DISTINCT key_id) FROM digital_pieces WHERE state = 'delivered'`); n != buyers {
			t.Errorf("%d keys for %d orders", n, buyers)
		}
		if n := count(`SELECT count(DISTINCT order_id) FROM digital_pieces`); n != buyers {
			t.Errorf("%d orders have something", n)
		}
		if n := count(`SELECT count(*) FROM digital_keys k JOIN digital_pieces x ON x.id = k.piece_id AND x.key_id = k.id WHERE k.state = 'given'`); n != buyers {
			t.Errorf("%d keys know whose they are", n)
		}
		if n := count(`SELECT count(*) FROM events WHERE type = 'goods.delivered'`); n != buyers {
			t.Errorf("%d were told of %d deliveries", n, buyers)
		}
	})
}
