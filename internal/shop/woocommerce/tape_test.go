package woocommerce_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"opeka/internal/care"
	"opeka/internal/shop/woocommerce"
	"opeka/test/world/woo"
)

func connect(t testing.TB, s *woo.Shop) care.Shop {
	t.Helper()
	return openWith(t, s, care.Connection{ID: 7, Settings: s.Settings(), Secrets: s.Secrets()})
}

func openWith(t testing.TB, s *woo.Shop, c care.Connection) care.Shop {
	t.Helper()
	shop, err := woocommerce.New().Open(c, s.Client)
	if err != nil {
		t.Fatal(err)
	}
	return shop
}

// read reads a kind to its end; the last record of an id counts.
func read(t testing.TB, s care.Shop, kind care.RecordKind, cursor string) (map[string]care.Record, string) {
	t.Helper()
	out := map[string]care.Record{}
	for range 1000 {
		records, next, more, err := s.Changes(t.Context(), kind, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			out[r.ExternalID] = r
		}
		if cursor = next; !more {
			return out, cursor
		}
	}
	t.Fatal("the import doesn't end")
	return nil, ""
}

// axes is how the mirror reads an order: what the plug saw, else what the status means.
func axes(o care.ShopOrder) care.Axes {
	a := woocommerce.New().DefaultStatuses()[o.RawStatus]
	if o.Order != "" {
		a.Order = o.Order
	}
	if o.Payment != "" {
		a.Payment = o.Payment
	}
	if o.Fulfilment != "" {
		a.Fulfilment = o.Fulfilment
	}
	return a
}

func TestTheRecordedOrders(t *testing.T) {
	shop := connect(t, woo.Play(t))
	orders, _ := read(t, shop, care.KindOrder, "")
	for _, c := range []struct {
		id, name string
		want     care.Axes
	}{
		{"158", "unpaid, then paid", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"159", "paid", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"160", "shipped", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPaid, Fulfilment: care.FulfilmentShipped}},
		{"161", "completed, which isn't delivered", care.Axes{Order: care.OrderCompleted, Payment: care.PaymentPaid, Fulfilment: care.FulfilmentShipped}},
		{"162", "cancelled", care.Axes{Order: care.OrderCancelled, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"163", "refunded in full", care.Axes{Order: care.OrderClosed, Payment: care.PaymentRefunded, Fulfilment: care.FulfilmentUnfulfilled}},
		{"164", "refunded in part", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPartiallyRefunded, Fulfilment: care.FulfilmentUnfulfilled}},
		{"165", "cash on delivery", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"166", "guest", care.Axes{Order: care.OrderAwaitingPayment, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"168", "note", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPaid, Fulfilment: care.FulfilmentUnfulfilled}},
		{"169", "failed", care.Axes{Order: care.OrderFailed, Payment: care.PaymentFailed, Fulfilment: care.FulfilmentUnfulfilled}},
		{"170", "backorder", care.Axes{Order: care.OrderProcessing, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled}},
	} {
		o, ok := orders[c.id].Data.(care.ShopOrder)
		if !ok {
			t.Errorf("%s (%s) is missing", c.id, c.name)
			continue
		}
		if got := axes(o); got != c.want {
			t.Errorf("%s (%s) is %+v, want %+v", c.id, c.name, got, c.want)
		}
		var sum int64
		for _, l := range o.Lines {
			sum += l.Total.Amount
		}
		if sum += o.Shipping.Amount; sum != o.Total.Amount {
			t.Errorf("%s (%s): lines and shipping make %d, the total is %d", c.id, c.name, sum, o.Total.Amount)
		}
	}
	order := func(id string) care.ShopOrder { return orders[id].Data.(care.ShopOrder) }

	if s := order("160").Shipments; len(s) != 1 || s[0].Tracking != "620999999999999999999999" || s[0].TrackingURL == "" || s[0].PickupPoint != "WAW01N" {
		t.Errorf("the same parcel in two places: %+v", s)
	}
	if s := order("161").Shipments; len(s) != 1 || s[0].Tracking != "20450012345678" {
		t.Errorf("a tracking number alone: %+v", s)
	}
	if r := order("164").Refunds; len(r) != 1 || r[0].Amount.Amount != 124990 || r[0].At.IsZero() || r[0].Reason != "Не вмикається" {
		t.Errorf("refund: %+v", r)
	}
	if l := order("164").Lines; l[0].Price.Amount != 124990 || l[0].Total.Amount != 249980 || l[0].Quantity != 2 {
		t.Errorf("line with tax: %+v", l[0])
	}
	guest := order("166")
	if guest.Customer.ExternalID != "" || guest.Customer.Phone != "0501112233" || guest.Lines[0].Name != "Mapa «Beskid Żywiecki» & okolice 1:50 000" {
		t.Errorf("guest: %+v, %q", guest.Customer, guest.Lines[0].Name)
	}
	if n := order("168"); n.Discount.Amount != 18990 || n.Custom["coupons"] != "весна10" || !strings.HasSuffix(n.Note, "🙏") {
		t.Errorf("coupon and note: %+v", n)
	}
	if v := order("158").Lines[0].Variant; v != "125" {
		t.Errorf("a variation is %q", v)
	}
	if at := order("158").PlacedAt; at.Format("2006-01-02T15:04:05Z07:00") != "2026-11-21T20:25:58Z" {
		t.Errorf("placed at %s", at)
	}
	var course []string
	for _, h := range order("158").History {
		if h.Status != "" {
			course = append(course, h.Status)
		}
		if strings.ContainsAny(h.Text, "<>&") {
			t.Errorf("markup in %q", h.Text)
		}
	}
	if !slices.Equal(course, []string{"on-hold", "processing"}) {
		t.Errorf("course of 158: %v", course)
	}
	if !slices.ContainsFunc(order("160").History, func(h care.ShopHistory) bool { return h.ToCustomer }) {
		t.Error("the note to the customer is missing")
	}
	if r, ok := orders["175"]; ok && !r.Deleted {
		t.Error("the deleted order is there")
	}
}

func TestTheRecordedCatalogue(t *testing.T) {
	shop := connect(t, woo.Play(t))
	products, _ := read(t, shop, care.KindProduct, "")
	stock := map[string]care.ShopVariant{}
	for _, r := range products {
		if p, ok := r.Data.(care.ShopProduct); ok {
			for _, v := range p.Variants {
				stock[v.SKU] = v
			}
		}
	}
	if len(stock) < 26 {
		t.Errorf("%d variants", len(stock))
	}
	for sku, want := range map[string]int64{"VITER-42": 6, "VITER-43": 8, "MAPA-BZ50": 100} {
		if v := stock[sku]; v.Stock == nil || v.Stock.OnHand != want {
			t.Errorf("%s: %+v, want %d", sku, v.Stock, want)
		}
	}
	if v := stock["CERT-1000"]; !v.Untracked || v.Stock != nil {
		t.Errorf("untracked: %+v", v)
	}
	if v := stock["SWIERK-2"]; !v.Backorder {
		t.Errorf("backorder: %+v", v)
	}
	if v := stock["KARP-M-SY"]; v.Price.Amount != 399000 || v.OldPrice == nil || v.OldPrice.Amount != 499000 || v.Options["Колір"] != "синій" || v.Barcode != "2000000000091" {
		t.Errorf("sale: %+v", v)
	}
	customers, _ := read(t, shop, care.KindCustomer, "")
	if len(customers) != 9 {
		t.Errorf("%d customers", len(customers))
	}
	for _, r := range customers {
		if c := r.Data.(care.ShopCustomer); c.Emails[0] == "petr.schukin@example.com" && c.Name != "Пётр Щукин" {
			t.Errorf("%+v", c)
		}
	}
}

func TestTheRecordedHooks(t *testing.T) {
	shop, err := woocommerce.New().Open(care.Connection{ID: 7, Settings: []byte(`{"url":"https://woo.shop.example"}`),
		Secrets: []byte(`{"consumer_key":"k","consumer_secret":"s","hook_secret":"woo-secret"}`)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver := shop.(care.HookReceiver)
	deliveries := map[string]string{}
	byFile := map[string][]care.Hint{}
	for _, p := range woo.Pushes(t) {
		h := http.Header{}
		for k, v := range p.Headers {
			h.Set(k, v)
		}
		hints, delivery, err := receiver.VerifyHook(h, []byte(p.Raw))
		if err != nil {
			t.Errorf("%s: %v", p.File, err)
			continue
		}
		byFile[p.File[:3]] = hints
		if other := deliveries[delivery]; delivery != "" && other != "" && other != p.Raw {
			t.Errorf("%s passes for a repetition of something else", p.File)
		}
		deliveries[delivery] = p.Raw
		if _, _, err := receiver.VerifyHook(h, append([]byte(p.Raw), ' ')); err == nil && h.Get("X-Wc-Webhook-Signature") != "" {
			t.Errorf("%s: a changed body passes", p.File)
		}
	}
	for file, want := range map[string][]care.Hint{
		"001": nil, "018": nil, "081": nil,
		"082": {{Kind: care.KindOrder, ExternalID: "158"}},
		"139": {{Kind: care.KindOrder, ExternalID: "160"}},
		"149": {{Kind: care.KindOrder, ExternalID: "163"}},
		"158": {{Kind: care.KindProduct, ExternalID: "123"}}, // a variation stands for its product
		"165": {{Kind: care.KindOrder, ExternalID: "175", Deleted: true}},
		"166": {{Kind: care.KindProduct, ExternalID: "157", Deleted: true}},
		"124": {{Kind: care.KindCustomer, ExternalID: "28"}},
	} {
		if got := byFile[file]; !slices.Equal(got, want) {
			t.Errorf("hook %s: %+v, want %+v", file, got, want)
		}
	}
}
