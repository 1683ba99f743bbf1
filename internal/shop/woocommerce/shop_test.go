package woocommerce_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/shop/woocommerce"
	"opeka/test/conformance"
	"opeka/test/world/woo"
)

type world struct {
	t    *testing.T
	shop *woo.Shop
	now  time.Time
	item int64
}

func newWorld(t *testing.T) conformance.ShopWorld {
	w := &world{t: t, now: time.Now()}
	w.shop = woo.New(t, woo.Clock(func() time.Time { return w.now }))
	w.item, _ = w.shop.AddProduct(woo.Product{Name: "Шапка & шарф", SKU: "H", Price: "399.00", Stock: 1000})
	w.shop.AddCustomer(woo.Person{First: "Олена", Last: "Коваль", Email: "olena@example.com", Phone: "0501112233", Country: "UA"})
	for range 130 {
		w.Place()
	}
	w.now = w.now.Add(time.Hour)
	return w
}

func (w *world) Connection() care.Connection {
	return care.Connection{ID: 7, Plug: "woocommerce", Settings: w.shop.Settings(), Secrets: w.shop.Secrets(), HookURL: "http://127.0.0.1:9/hooks/7/t"}
}

func (w *world) Refused() care.Connection {
	c := w.Connection()
	c.Secrets = []byte(`{"consumer_key":"ck_wrong","consumer_secret":"cs_wrong"}`)
	return c
}

func (w *world) Client() *http.Client { return w.shop.Client }

func (w *world) Place() string {
	return strconv.FormatInt(w.shop.Place(woo.Order{Items: map[int64]int64{w.item: 1}, Method: "liqpay", Paid: true}), 10)
}

func (w *world) Change(id string) {
	w.now = w.now.Add(time.Second)
	n, _ := strconv.ParseInt(id, 10, 64)
	w.shop.SetStatus(n, "completed")
}

func (w *world) Remove(id string) {
	n, _ := strconv.ParseInt(id, 10, 64)
	w.shop.Delete(n)
}

func (w *world) Break(n int) { w.shop.Fail(n, http.StatusServiceUnavailable, "7", "") }
func (w *world) Kill()       { w.shop.DisableHooks() }

func (w *world) Pushed(order string) (http.Header, []byte) {
	body := []byte(fmt.Sprintf(`{"id":%s,"status":"processing"}`, order))
	derived := hmac.New(sha256.New, []byte(woo.Secret))
	fmt.Fprintf(derived, "opeka hooks %d", 7)
	m := hmac.New(sha256.New, []byte(hex.EncodeToString(derived.Sum(nil))))
	m.Write(body)
	h := http.Header{}
	h.Set("X-WC-Webhook-Topic", "order.updated")
	h.Set("X-WC-Webhook-Signature", base64.StdEncoding.EncodeToString(m.Sum(nil)))
	h.Set("X-WC-Webhook-Delivery-ID", "d1")
	return h, body
}

func TestConformance(t *testing.T) { conformance.Shop(t, woocommerce.New(), newWorld) }

func TestWaysIn(t *testing.T) {
	for name, o := range map[string][]woo.Option{
		"http":                     nil,
		"https":                    {woo.TLS},
		"http, no permalinks":      {woo.PlainPermalinks},
		"https, no permalinks":     {woo.TLS, woo.PlainPermalinks},
		"a currency without cents": {woo.Currency("JPY")},
		"in a folder":              {woo.Folder("/shop")},
		"in a folder, plain":       {woo.Folder("/shop"), woo.PlainPermalinks},
		"moved to another name":    {woo.Moved},
		"moved, in a folder":       {woo.Moved, woo.Folder("/shop")},
	} {
		t.Run(name, func(t *testing.T) {
			s := woo.New(t, o...)
			s.AddProduct(woo.Product{Name: "A", SKU: "A", Price: "10.00", Stock: 1})
			s.Noise("\ufeff<br />\n<b>Deprecated</b>: x[0] in <b>/var/www</b> on line <b>1</b><br />\n")
			shop := connect(t, s)
			info, err := shop.Test(t.Context())
			if err != nil || !info.Writable || info.Version != "10.3.6" || info.Name != "Shop & Co" || info.TimeZone != "Europe/Kyiv" {
				t.Errorf("%+v, %v", info, err)
			}
			if got, _ := read(t, shop, care.KindProduct, ""); len(got) != 1 {
				t.Errorf("%d products", len(got))
			}
			// What changes something goes the same way, and happens once.
			id := s.Place(woo.Order{})
			fresh := connect(t, s)
			if a, err := act(t, fresh, care.Action{Kind: care.ActionNote, Order: fmt.Sprint(id), ActionParams: care.ActionParams{Text: "once"}}); err != nil || a.State != care.ActionDone {
				t.Errorf("a note: %+v, %v", a, err)
			}
			notes := 0
			for _, h := range order(t, fresh, id).History {
				if h.Text == "once" {
					notes++
				}
			}
			if notes != 1 {
				t.Errorf("%d notes", notes)
			}
		})
	}
	s := woo.New(t)
	readOnly, err := woocommerce.New().Open(care.Connection{Settings: s.Settings(), Secrets: []byte(`{"consumer_key":"ck_read","consumer_secret":"cs_read"}`)}, s.Client)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := readOnly.Test(t.Context()); err != nil || info.Writable {
		t.Errorf("a read-only key: %+v, %v", info, err)
	}
}

func TestTrouble(t *testing.T) {
	s := woo.New(t)
	id := s.Place(woo.Order{Status: "processing"})
	shop := connect(t, s)
	if _, err := shop.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	var later *care.TemporaryError
	for name, c := range map[string]struct {
		status      int
		retry, body string
		after       time.Duration
	}{
		"too many requests":  {429, "30", `{"code":"too_many"}`, 30 * time.Second},
		"maintenance":        {503, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), "<html><title>Briefly unavailable</title></html>", 59 * time.Minute},
		"broken":             {500, "", `{"code":"internal_server_error","message":"<p>There has been a critical error</p>","data":500}`, 0},
		"a firewall":         {403, "", "<html><title>Attention Required!</title></html>", 0},
		"WooCommerce is off": {404, "", `{"code":"rest_no_route","message":"No route","data":{"status":404}}`, 0},
		"a page":             {200, "", "<html><title>Coming soon</title></html>", 0},
	} {
		s.Fail(1, c.status, c.retry, c.body)
		records, err := shop.Fetch(t.Context(), care.KindOrder, []string{strconv.FormatInt(id, 10)})
		if !errors.As(err, &later) || len(records) > 0 || later.After < c.after || later.After > c.after+2*time.Minute {
			t.Errorf("%s: %v, %v", name, records, err)
		}
	}
	s.Fail(1000, 401, "", `{"code":"woocommerce_rest_cannot_view","message":"Sorry","data":{"status":401}}`)
	var auth *care.AuthError
	if _, err := shop.Fetch(t.Context(), care.KindOrder, []string{"1"}); !errors.As(err, &auth) {
		t.Errorf("keys withdrawn: %v", err)
	}
}

// The importer meets more things than fit on a page, all changed in one second, while others are deleted under its hands.
func TestPagesThatShift(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	s := woo.New(t, woo.Clock(func() time.Time { return now }))
	var ids []int64
	for range 230 {
		ids = append(ids, s.Place(woo.Order{Status: "completed"}))
	}
	shop := connect(t, s)
	seen := map[string]bool{}
	cursor, more := "", true
	var records []care.Record
	var err error
	for n := 0; more; n++ {
		if records, cursor, more, err = shop.Changes(t.Context(), care.KindOrder, cursor); err != nil || n > 50 {
			t.Fatal(n, err)
		}
		for _, r := range records {
			seen[r.ExternalID] = true
		}
		if n < 3 { // what was read already goes, and the rest moves up
			for i := range 10 {
				s.Delete(ids[n*10+i])
			}
		}
	}
	for _, id := range ids[30:] {
		if !seen[strconv.FormatInt(id, 10)] {
			t.Fatalf("order %d was skipped", id)
		}
	}
	// All the rest changes in one second.
	now = now.Add(time.Hour)
	for _, id := range ids[30:] {
		s.At(id, now)
	}
	got, cursor := read(t, shop, care.KindOrder, cursor)
	if len(got) != 200 {
		t.Fatalf("a second with 200 changes shows %d", len(got))
	}
	// Then quiet: polls are cheap and bring nothing.
	if _, cursor = read(t, shop, care.KindOrder, cursor); true {
		s.Requests()
		got, cursor = read(t, shop, care.KindOrder, cursor)
		if n := len(s.Requests()); n > 6 || len(got) > 50 {
			t.Errorf("a quiet poll makes %d requests and brings %d", n, len(got))
		}
	}
	// A late commit: a change that carries a time before the newest one.
	now = now.Add(time.Minute)
	s.At(ids[40], now)
	_, cursor = read(t, shop, care.KindOrder, cursor)
	s.At(ids[41], now.Add(-10*time.Second))
	if got, _ = read(t, shop, care.KindOrder, cursor); len(got) != 1 {
		t.Errorf("a change that was committed late: %d", len(got))
	}
}

func TestWhatIsThrownAway(t *testing.T) {
	now := time.Now()
	s := woo.New(t, woo.Clock(func() time.Time { return now }))
	order := s.Place(woo.Order{Status: "processing"})
	item, _ := s.AddProduct(woo.Product{Name: "A", Price: "1.00", Stock: 1})
	parent, variations := s.AddProduct(woo.Product{Name: "T", SKU: "T", Variations: []woo.Product{{Option: "S", SKU: "T-S", Price: "5.00", Stock: 2}, {Option: "M", SKU: "T-M", Price: "5.00", Stock: 3}}})
	shop := connect(t, s)
	_, orders := read(t, shop, care.KindOrder, "")
	_, products := read(t, shop, care.KindProduct, "")
	now = now.Add(time.Hour)
	s.Trash(order)
	s.TrashProduct(item)
	if r, err := shop.Fetch(t.Context(), care.KindOrder, []string{fmt.Sprint(order)}); err != nil || len(r) != 1 || !r[0].Deleted {
		t.Errorf("order in the trash: %+v, %v", r, err)
	}
	if got, _ := read(t, shop, care.KindProduct, products); !got[fmt.Sprint(item)].Deleted {
		t.Errorf("product in the trash: %+v", got)
	}
	_ = orders
	r, err := shop.Fetch(t.Context(), care.KindProduct, []string{fmt.Sprint(variations[1]), fmt.Sprint(parent), "999999"})
	if err != nil || len(r) != 2 || r[0].ExternalID != fmt.Sprint(parent) || !r[1].Deleted {
		t.Fatalf("a variation by its own id: %+v, %v", r, err)
	}
	if v := r[0].Data.(care.ShopProduct).Variants; len(v) != 2 || v[1].Options["Size"] != "M" || v[1].Name != "M" || v[1].Stock.OnHand != 3 {
		t.Errorf("variations: %+v", v)
	}
}

func TestHooksSpeakOfWhatHappened(t *testing.T) {
	s := woo.New(t)
	shop := connect(t, s)
	receiver := shop.(care.HookReceiver)
	var got []care.Hint
	var refused int
	door := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		hints, _, err := receiver.VerifyHook(r.Header, b.Bytes())
		if err != nil {
			refused++
		}
		got = append(got, hints...)
	})
	server := newServer(t, door)
	if _, err := receiver.RegisterHooks(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	id := s.Place(woo.Order{Method: "liqpay"})
	s.Pay(id, "TX")
	s.Note(id, "On its way", true)
	s.Deliver(t.Context())
	want := care.Hint{Kind: care.KindOrder, ExternalID: fmt.Sprint(id)}
	if refused > 0 || len(got) < 3 || slices.ContainsFunc(got, func(h care.Hint) bool { return h != want }) {
		t.Errorf("%d refused, hints %+v", refused, got)
	}
}

func newServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/hooks/7/t"
}
