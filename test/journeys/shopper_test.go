package journeys

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/peer"
)

// boots are what the shop sells, and where it lies.
func boots() []peer.Item {
	have := int64(3)
	return []peer.Item{
		{Kind: care.KindLocation, ID: "kyiv", Data: care.ShopLocation{Name: "Склад у Києві", Default: true}},
		{Kind: care.KindProduct, ID: "boots", Data: care.ShopProduct{Name: "Черевики «Говерла»", Variants: []care.ShopVariant{{ExternalID: "boots-38", SKU: "BOOTS-38", Name: "38", Price: uah(349900)}}}},
		{Kind: care.KindStock, ID: "boots-38@kyiv", Data: care.ShopStock{Variant: "boots-38", Location: "kyiv", OnHand: 5, Reserved: 2, Available: &have}},
	}
}

func order(status string) care.ShopOrder {
	return care.ShopOrder{
		Number: "С-4201", RawStatus: status, Currency: "UAH", Total: uah(349900), PlacedAt: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
		Customer: care.CustomerRef{ExternalID: "c-7", Name: "Марта Левицька", Email: "marta@example.com", Phone: "+380501112233"},
		Lines:    []care.ShopLine{{ExternalID: "1", Variant: "boots-38", SKU: "BOOTS-38", Name: "Черевики «Говерла», 38", Quantity: 1, Price: uah(349900), Total: uah(349900)}},
		Payments: []care.ShopPayment{{ExternalID: "p", Method: "Картка", State: care.PaymentPending, Amount: uah(349900)}},
	}
}

func item(o care.ShopOrder) peer.Item { return peer.Item{Kind: care.KindOrder, ID: "4201", Data: o} }

func paidOrder() peer.Item {
	o := order("paid")
	o.Payments[0].State = care.PaymentPaid
	return item(o)
}

func sentOrder() peer.Item {
	o := order("shipped")
	o.Payments[0].State = care.PaymentPaid
	o.Shipments = []care.ShopShipment{{ExternalID: "s", Carrier: "Нова пошта", Tracking: "20450000004201", State: care.ShipmentInTransit}}
	return item(o)
}

// A shopper orders, pays and asks; the agent sees all of it beside the question, and the shopper reads the answer.
func TestAShopperAsksAfterHerOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		shop := w.shop()
		w.tell(shop, boots()...)
		w.tell(shop, item(order("pending")))
		w.tell(shop, paidOrder())
		w.tell(shop, sentOrder())
		var identity struct {
			Secret string `json:"secret"`
		}
		w.do(http.MethodPost, fmt.Sprintf("/stores/%d/identity-secret", w.store), nil, &identity)

		agent := console(t, w.office)
		v := w.visitor(peer.Vouch(identity.Secret, "c-7", "marta@example.com", "+380501112233", "Марта Левицька"))
		widget := panel(t, v)
		said := w.says(v, "1", "Де моє замовлення?")
		agent.hears(`"t":"message"`, "Де моє замовлення?")

		var opened struct {
			Conversation struct {
				Customer struct {
					ID   int64  `json:"id"`
					Name string `json:"name"`
				} `json:"customer"`
			} `json:"conversation"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/conversations/%d", said.Conversation), nil, &opened)
		if opened.Conversation.Customer.Name != "Марта Левицька" {
			t.Errorf("the agent sees %+v", opened.Conversation.Customer)
		}
		var orders struct {
			Items []struct {
				ID     int64  `json:"id"`
				Number string `json:"number"`
			} `json:"items"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/customers/%d/orders", opened.Conversation.Customer.ID), nil, &orders)
		if len(orders.Items) != 1 || orders.Items[0].Number != "С-4201" {
			t.Fatalf("her orders are %+v", orders.Items)
		}
		var o struct {
			Stage    string `json:"stage"`
			Payments []struct {
				State  string `json:"state"`
				Course []struct {
					State string `json:"state"`
				} `json:"course"`
			} `json:"payments"`
			Shipments []struct {
				Tracking string `json:"tracking_number"`
				State    string `json:"state"`
			} `json:"shipments"`
			Lines []struct {
				Available *int64 `json:"available"`
			} `json:"lines"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/orders/%d", orders.Items[0].ID), nil, &o)
		if o.Stage != "shipped" || len(o.Payments) != 1 || o.Payments[0].State != "paid" || len(o.Payments[0].Course) != 2 ||
			len(o.Shipments) != 1 || o.Shipments[0].Tracking != "20450000004201" || o.Shipments[0].State != "in_transit" ||
			len(o.Lines) != 1 || o.Lines[0].Available == nil || *o.Lines[0].Available != 3 {
			t.Errorf("the order beside the question is %+v", o)
		}
		var products struct {
			Items []struct {
				Variants []struct {
					Stock []struct {
						Location  string `json:"location"`
						Available int64  `json:"available"`
					} `json:"stock"`
				} `json:"variants"`
			} `json:"items"`
		}
		w.do(http.MethodGet, "/products?q="+url.QueryEscape("говерла"), nil, &products)
		if len(products.Items) != 1 || products.Items[0].Variants[0].Stock[0].Location != "Склад у Києві" || products.Items[0].Variants[0].Stock[0].Available != 3 {
			t.Errorf("the stock is %+v", products.Items)
		}

		w.answers(said.Conversation, "Їде до вас: 20450000004201.")
		widget.hears(`"t":"message"`, "20450000004201")
		if err := v.Do(t.Context(), http.MethodPost, "/read", map[string]int64{"conversation_id": said.Conversation, "seq": said.Seq + 1}, nil); err != nil {
			t.Fatal(err)
		}
		agent.hears(`"t":"read"`, `"by":"visitor"`)
		var mine struct {
			Items []struct {
				Number string `json:"number"`
			} `json:"items"`
		}
		if err := v.Do(t.Context(), http.MethodGet, "/orders", nil, &mine); err != nil || len(mine.Items) != 1 || mine.Items[0].Number != "С-4201" {
			t.Errorf("the widget shows her %+v, %v", mine.Items, err)
		}
	})
}
