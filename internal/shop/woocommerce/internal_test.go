package woocommerce

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestSignature(t *testing.T) {
	params := url.Values{
		"oauth_consumer_key":     {"ck_lab000000000000000000000000000000000000a"},
		"oauth_nonce":            {"9f8e7d6c5b4a39281706f5e4d3c2b1a0"},
		"oauth_signature_method": {"HMAC-SHA256"},
		"oauth_timestamp":        {"1795292745"},
		"per_page":               {"1"},
	}
	u := url.URL{Scheme: "http", Host: "woo.shop.example", Path: "/wp-json/wc/v3/orders"}
	// What a real WooCommerce 10.3.6 accepted.
	if got := signature(params, http.MethodGet, u, "cs_lab000000000000000000000000000000000000a"); got != "Qhx0aH/UeL/5pRE1VYUOL33P2q/z0kEXxGF0qksJwQk=" {
		t.Error(got)
	}
}

func TestSiteAddress(t *testing.T) {
	for in, want := range map[string]string{
		"shop.example":                                      "https://shop.example",
		" https://Shop.Example/ ":                           "https://shop.example",
		"http://shop.example:8080/wp-json/wc/v3":            "http://shop.example:8080",
		"https://shop.example/ua/wp-admin/admin.php?page=x": "https://shop.example/ua",
		"ftp://shop.example":                                "",
		"https://":                                          "",
		"javascript:alert(1)":                               "",
	} {
		u, err := siteAddress(in)
		if got := ""; err == nil {
			if got = u.String(); got != want {
				t.Errorf("%q is %q, want %q", in, got, want)
			}
		} else if want != "" {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestFirstJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`:                `{"a":1}`,
		"\ufeff[]":               `[]`,
		"\r\n\r\n[{\"id\":1}]\n": `[{"id":1}]`,
		`<br /><b>Warning</b>: Undefined array key [0] in {file} on line <b>3</b><br />[{"id":1}]`: `[{"id":1}]`,
		`{"id":1}<!-- cached by -->`:                `{"id":1}`,
		`<html><script>var a=[1,2]</script></html>`: ``,
		``: ``,
	} {
		got, _ := firstJSON([]byte(in))
		if string(got) != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestProse(t *testing.T) {
	for in, want := range map[string]string{
		`Stock levels reduced: A<span class="description"></span> 6&rarr;5`: "Stock levels reduced: A 6→5",
		"<p>One</p><p>Two &amp; three<br/>four</p>":                         "One\nTwo & three\nfour",
		"weight < 5 kg & > 3":       "weight < 5 kg & > 3",
		"<script>alert(1)</script>": "alert(1)",
		"a <b":                      "a <b",
	} {
		if got := prose(str(in)); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestStatusOf(t *testing.T) {
	labels := map[string]string{"Очікування оплати": "pending", "В обробці": "processing", "Обробка": "work", "На утриманні": "on-hold"}
	for in, want := range map[string]string{
		"Статус замовлення змінено з Очікування оплати на В обробці.": "processing",
		"Оплата отримана. В обробці":                                  "",
		"Подзвонити клієнту":                                          "",
	} {
		if got := statusOf(in, labels); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestParcelsOfPlugins(t *testing.T) {
	for name, c := range map[string]struct {
		order string
		want  []string
		state string
	}{
		"list within a string": {`{"meta_data":[{"key":"_wc_shipment_tracking_items","value":"[{\"tracking_number\":\"A1\",\"tracking_provider\":\"x\"}]"}]}`, []string{"A1"}, "shipped"},
		"object with gaps":     {`{"meta_data":[{"key":"_wc_shipment_tracking_items","value":{"1":{"tracking_number":"A1"},"3":{"tracking_number":"A2"}}}]}`, []string{"A1", "A2"}, "shipped"},
		"two numbers":          {`{"meta_data":[{"key":"_tracking_number","value":"A1, A2"}]}`, []string{"A1", "A2"}, "shipped"},
		"numeric":              {`{"meta_data":[{"key":"_tracking_number","value":20450012345678}]}`, []string{"20450012345678"}, "shipped"},
		"own key":              {`{"meta_data":[{"key":"np_ttn","value":"N1"}]}`, []string{"N1"}, "shipped"},
		"nothing":              {`{"status":"processing","meta_data":[{"key":"_tracking_number","value":""},{"key":"_wc_shipment_tracking_items","value":[]}]}`, nil, "unfulfilled"},
		"nothing, own status":  {`{"status":"packed"}`, nil, ""},
	} {
		var o order
		if err := json.Unmarshal([]byte(c.order), &o); err != nil {
			t.Fatal(err)
		}
		got, state := o.shipments(reading{zone: time.UTC, trackingMeta: "np_ttn"}, nil)
		var numbers []string
		for _, s := range got {
			numbers = append(numbers, s.Tracking)
		}
		if len(numbers) != len(c.want) || string(state) != c.state {
			t.Errorf("%s: %v %s", name, numbers, state)
			continue
		}
		for i := range numbers {
			if numbers[i] != c.want[i] {
				t.Errorf("%s: %v", name, numbers)
			}
		}
	}
}

func TestStock(t *testing.T) {
	parent := product{Quantity: 9, Backorders: "no"}
	for name, c := range map[string]struct {
		json      string
		onHand    int64
		counted   bool
		backorder bool
	}{
		"own":                   {`{"manage_stock":true,"stock_quantity":3,"backorders":"no"}`, 3, true, false},
		"of the parent":         {`{"manage_stock":"parent","stock_quantity":null,"backorders":"no"}`, 9, true, false},
		"fraction as a string":  {`{"manage_stock":true,"stock_quantity":"2.500"}`, 2, true, false},
		"below zero":            {`{"manage_stock":true,"stock_quantity":-1,"backorders":"notify"}`, -1, true, true},
		"not counted":           {`{"manage_stock":false,"stock_quantity":null,"stock_status":"instock"}`, 0, false, false},
		"not counted, but gone": {`{"manage_stock":false,"stock_status":"outofstock"}`, 0, true, false},
	} {
		var p product
		if err := json.Unmarshal([]byte(c.json), &p); err != nil {
			t.Fatal(err)
		}
		v := p.variant(reading{currency: "UAH"}, parent)
		if (v.Stock != nil) != c.counted || v.Stock != nil && v.Stock.OnHand != c.onHand || v.Untracked == c.counted || v.Backorder != c.backorder {
			t.Errorf("%s: %+v %+v", name, v, v.Stock)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"id":1,"status":"processing","total":"1.00","currency":"UAH","line_items":[{"quantity":2,"subtotal":"-1"}],"meta_data":{"0":{"key":"_tracking_number","value":[1]}}}`))
	f.Add([]byte(`{"id":"7","billing":[],"refunds":[{"id":1,"total":"-1"}],"shipping_lines":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o order
		if json.Unmarshal(b, &o) != nil {
			return
		}
		rec := o.record(reading{zone: time.UTC, currency: "UAH"}, orderParts{}, b)
		if d, ok := rec.Data.(interface{ String() string }); ok {
			_ = d.String()
		}
		if _, err := json.Marshal(rec.Data); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzProduct(f *testing.F) {
	f.Add([]byte(`{"id":1,"type":"variable","variations":[2],"manage_stock":"parent","images":[{"src":"javascript:x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p product
		if json.Unmarshal(b, &p) == nil {
			_ = p.record(reading{zone: time.UTC, currency: "UAH"}, []product{p}, b)
		}
	})
}

func FuzzHook(f *testing.F) {
	f.Add("order.updated", []byte(`{"id":1}`))
	f.Add("action.woocommerce_new_customer_note_notification", []byte(`{"action":"x","arg":{"order_id":160}}`))
	f.Add("action.woocommerce_low_stock", []byte(`{"arg":[]}`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		for _, h := range hints(topic, body) {
			if h.ExternalID == "" || h.ExternalID[0] == '-' || h.ExternalID == "0" {
				t.Fatalf("%+v", h)
			}
		}
		_, _ = firstJSON(body)
		_ = prose(str(body))
	})
}
