package api

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// An agent opens a customer: who he is, what he ordered, and what of it there is.
func TestTheCustomerPanel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := newDesk(t, d, clock, Limits{})
		customers := customer.New(d, nil, nil)
		shop := commerce.New(d, customers, commerce.Options{})
		s.api = New(Deps{DB: d, Accounts: s.accounts, Customers: customers, Commerce: shop, Log: s.api.Log})
		uah := func(n int64) care.Money { return care.Money{Amount: n, Currency: "UAH"} }
		conn := care.Connection{ID: 99, Store: s.store, Name: "Main"}
		at := clock.Now().Add(-time.Hour)
		got, err := shop.Apply(t.Context(), conn, []care.Record{
			{Kind: care.KindProduct, ExternalID: "p", Data: care.ShopProduct{Name: "Горнятко синє", Variants: []care.ShopVariant{{ExternalID: "v", SKU: "MUG-1", Price: uah(25000), Stock: &care.ShopStock{OnHand: 5, Reserved: 1}}}}},
			{Kind: care.KindOrder, ExternalID: "o", UpdatedAt: at, Data: care.ShopOrder{
				Number: "1001", PlacedAt: at, Currency: "UAH", Total: uah(50000), Customer: care.CustomerRef{ExternalID: "7", Name: "Іван", Email: "ivan@x.ua", Phone: "050 111 22 33"},
				Lines:     []care.ShopLine{{Variant: "v", SKU: "MUG-1", Name: "Горнятко", Quantity: 2, Price: uah(25000), Total: uah(50000)}, {Variant: "unknown", Name: "?", Quantity: 1}},
				Payments:  []care.ShopPayment{{Method: "card", State: care.PaymentPaid, Amount: uah(50000), At: at}},
				Shipments: []care.ShopShipment{{Carrier: "NP", Tracking: "204", Checkpoints: []care.ShopCheckpoint{{At: at, State: care.ShipmentInTransit, Place: "Львів"}}}},
				History:   []care.ShopHistory{{At: at, Status: "processing"}, {At: at.Add(time.Minute), Text: "Подзвонити"}},
			}},
		}, commerce.ApplyOptions{})
		if err != nil || len(got.Errors) > 0 {
			t.Fatal(got, err)
		}
		var list List[customer.Row]
		s.do(s.admin, "GET", "/customers", nil, 200, &list)
		if len(list.Items) != 1 {
			t.Fatalf("%+v", list)
		}
		id := list.Items[0].ID
		var card CustomerCard
		s.do(s.admin, "GET", fmt.Sprintf("/customers/%d", id), nil, 200, &card)
		if card.Customer.Name != "Іван" || len(card.Customer.Identities) != 3 || card.Stats.Orders != 1 || card.Stats.Spent != uah(50000) {
			t.Fatalf("%+v", card)
		}
		var orders List[commerce.Order]
		s.do(s.admin, "GET", fmt.Sprintf("/customers/%d/orders", id), nil, 200, &orders)
		o := orders.Items[0]
		if o.Stage != "shipped" || len(o.Lines) != 2 || *o.Lines[0].Available != 4 || o.Lines[1].Available != nil || len(o.Payments[0].Course) != 1 || len(o.Shipments[0].Checkpoints) != 1 || len(o.History) != 2 {
			t.Fatalf("%+v", o)
		}
		var timeline List[customer.Item]
		s.do(s.admin, "GET", fmt.Sprintf("/customers/%d/timeline?limit=4", id), nil, 200, &timeline)
		if len(timeline.Items) != 4 || timeline.Next == "" || timeline.Items[0].Kind != "created" || timeline.Items[1].Kind != "note" {
			t.Fatalf("%+v", timeline)
		}
		for q, want := range map[string]int{"синє горн": 1, "MUG-1": 1, "100%": 0, "": 1} {
			var products List[commerce.Product]
			s.do(s.admin, "GET", "/products?q="+url.QueryEscape(q), nil, 200, &products)
			if len(products.Items) != want {
				t.Fatalf("%q: %+v", q, products)
			}
		}
		var changed customer.Profile
		s.do(s.admin, "PATCH", fmt.Sprintf("/customers/%d", id), map[string]any{"note": "VIP", "consent": map[string]any{"do_not_call": true, "quiet_from": "22:00"}}, 200, &changed)
		if changed.Note != "VIP" || !changed.Consent.DoNotCall || changed.Consent.QuietFrom != "22:00" {
			t.Fatalf("%+v", changed)
		}
		var other customer.Profile
		s.do(s.admin, "POST", "/customers", NewCustomer{StoreID: s.store, Name: "Ivan", Contacts: []NewContact{{Kind: "phone", Value: "+380501112233"}}}, 201, &other)
		var dup List[customer.Duplicate]
		s.do(s.admin, "GET", fmt.Sprintf("/customers/%d/duplicates", id), nil, 200, &dup)
		if len(dup.Items) != 1 || dup.Items[0].ID != other.ID {
			t.Fatalf("%+v", dup)
		}
		var merge MergeID
		s.do(s.admin, "POST", fmt.Sprintf("/customers/%d/merge", other.ID), map[string]any{"other_id": id}, 200, &merge)
		s.do(s.admin, "GET", fmt.Sprintf("/customers/%d", id), nil, 200, &card)
		if card.Customer.ID != other.ID || card.Stats.Orders != 1 {
			t.Fatalf("%+v", card)
		}
		s.do(s.admin, "POST", fmt.Sprintf("/merges/%d/undo", merge.Merge), nil, 204, nil)
		s.do(s.admin, "GET", "/orders/12345", nil, 404, nil)
	})
}
