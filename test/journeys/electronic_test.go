package journeys

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/digital"
	"opeka/internal/peer"
	"opeka/internal/work"
)

// sellsKeys makes the goods of a buyer's order electronic and takes keys in.
func (c *counted) sellsKeys(sku string, keys ...string) digital.Goods {
	c.t.Helper()
	c.tell(c.shop, peer.Item{Kind: care.KindProduct, ID: "p" + sku, Data: care.ShopProduct{Name: "Ключ гри", Virtual: true, Variants: []care.ShopVariant{{ExternalID: "v" + sku, SKU: sku, Price: uah(49900)}}}})
	var g digital.Goods
	c.do(http.MethodPut, "/electronic-goods", map[string]any{"store_id": c.store, "variant_id": c.figure(`SELECT id FROM variants WHERE sku = $1`, sku), "kind": "key", "low_water": 2, "instructions": "Введіть ключ у програмі."}, &g)
	c.takesKeys(g, keys...)
	c.clock.Move(time.Second)
	return g
}

func (c *counted) takesKeys(g digital.Goods, keys ...string) {
	c.t.Helper()
	var taken digital.TakenKeys
	c.do(http.MethodPost, fmt.Sprintf("/electronic-goods/%d/keys", g.ID), map[string]any{"csv": "ключ\n" + strings.Join(keys, "\n"), "dry_run": true}, &taken)
	if taken.Added != len(keys) || !taken.DryRun {
		c.t.Fatalf("%+v", taken)
	}
	c.do(http.MethodPost, fmt.Sprintf("/electronic-goods/%d/keys", g.ID), map[string]any{"csv": "ключ\n" + strings.Join(keys, "\n")}, &taken)
	if taken.Added != len(keys) {
		c.t.Fatalf("%+v", taken)
	}
	c.rest()
}

// buysKey places an order for one key.
func (c *counted) buysKey(n int, sku string, change func(o *care.ShopOrder, now time.Time)) *buyer {
	c.t.Helper()
	return c.buys(n, func(o *care.ShopOrder, now time.Time) {
		o.Lines = []care.ShopLine{{ExternalID: "1", Variant: "v" + sku, SKU: sku, Name: "Ключ гри", Quantity: 1, Price: uah(49900), Total: uah(49900)}}
		change(o, now)
	})
}

func (c *counted) piecesOf(b *buyer) []digital.Piece {
	c.t.Helper()
	var list struct{ Items []digital.Piece }
	c.do(http.MethodGet, fmt.Sprintf("/orders/%d/electronic-pieces", c.orderID(b)), nil, &list)
	return list.Items
}

// letters are the texts of a customer's letters with these words in them.
func (c *counted) letters(b *buyer, words string) (out []string) {
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	for i, l := range c.relay.letters {
		if len(c.relay.to[i]) == 1 && c.relay.to[i][0] == b.email() && strings.Contains(l.Text, words) {
			out = append(out, l.Text)
		}
	}
	return out
}

var goodsLink = regexp.MustCompile(`http://[^\s)]+(/g/[A-Za-z0-9_-]+)`)

// A key is bought: it comes as soon as the payment is confirmed, once, and lies readable nowhere; it is shown on the customer's own page; a refund takes it back.
// When there are none the customer hears the truth and a department has work, until there are some.
func TestAnElectronicOrderIsDeliveredAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		c := countMessages(t, w)
		c.at(11)
		g := c.sellsKeys("GAME", "ABCD-EFGH-JKLM-0001")
		b := c.buysKey(5001, "GAME", unpaid)
		becomes(func(o *care.ShopOrder, _ time.Time) { o.RawStatus, o.Payment = "authorized", care.PaymentAuthorized })(c, b)
		if got := c.piecesOf(b); len(got) != 0 {
			t.Fatalf("given before the money is sure: %+v", got)
		}
		c.pass(time.Minute)
		becomes(paid)(c, b)
		c.tells(b)
		c.dies(time.Second)
		c.rest()
		got := c.piecesOf(b)
		if len(got) != 1 || got[0].State != digital.Delivered || got[0].Masked != "••••0001" {
			t.Fatalf("%+v", got)
		}
		told := c.letters(b, "ABCD-EFGH-JKLM-0001")
		if len(told) != 1 || !strings.Contains(told[0], "Введіть ключ у програмі") {
			t.Fatalf("she got %q", told)
		}
		for _, table := range []string{`post_sends WHERE CAST(body AS TEXT)`, `notice_sends WHERE body`, `events WHERE CAST(payload AS TEXT)`} {
			if n := c.figure(`SELECT count(*) FROM ` + table + ` LIKE '%ABCD-EFGH%'`); n != 0 {
				t.Errorf("the key lies in %s", table)
			}
		}

		// Her page shows it when she asks, and to whoever only follows links nothing.
		link := goodsLink.FindStringSubmatch(told[0])
		if link == nil {
			t.Fatalf("no link in %q", told[0])
		}
		page := func(method, path string) (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := peer.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode, string(body)
		}
		if code, body := page(http.MethodGet, link[1]); code != 200 || strings.Contains(body, "ABCD-EFGH") || !strings.Contains(body, "••••0001") || !strings.Contains(body, "Показати ключі") {
			t.Errorf("%d %s", code, body)
		}
		if code, body := page(http.MethodPost, link[1]); code != 200 || !strings.Contains(body, "ABCD-EFGH-JKLM-0001") {
			t.Errorf("%d %s", code, body)
		}
		if code, _ := page(http.MethodGet, link[1]+"x"); code != 404 {
			t.Errorf("a made-up link: %d", code)
		}
		if got := c.piecesOf(b); got[0].SeenAt == 0 {
			t.Error("that she looked isn't on record")
		}

		// An agent looks at it, which is on record, and sends it again.
		var shown struct{ Content string }
		c.do(http.MethodPost, fmt.Sprintf("/electronic-pieces/%d/reveal", got[0].ID), nil, &shown)
		if n := c.figure(`SELECT count(*) FROM audit WHERE action = 'goods.revealed'`); shown.Content != "ABCD-EFGH-JKLM-0001" || n != 1 {
			t.Errorf("%q, %d on record", shown.Content, n)
		}
		c.do(http.MethodPost, fmt.Sprintf("/orders/%d/electronic-pieces/send-again", c.orderID(b)), nil, nil)
		c.rest()
		if n := len(c.letters(b, "ABCD-EFGH-JKLM-0001")); n != 2 {
			t.Errorf("sent again: %d letters", n)
		}

		// There is no other: the truth, and work; then there is one.
		late := c.buysKey(5002, "GAME", paid)
		if n := c.exceptions(late, care.ExceptionGoodsMissing, true); n != 1 || c.piecesOf(late)[0].State != digital.Short {
			t.Fatalf("%d exceptions, %+v", n, c.piecesOf(late))
		}
		if n := len(c.got(late)); n == 0 || c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND moment = 'goods_missing' AND outcome = 'sent'`, late.id) != 1 {
			t.Errorf("she isn't told: %v", c.got(late))
		}
		if k := c.tasks(late, false); len(k) != 1 || k[0].Kind != string(care.ExceptionGoodsMissing) {
			t.Errorf("%+v", k)
		}
		c.pass(time.Hour)
		c.takesKeys(g, "ABCD-EFGH-JKLM-0002")
		if n := len(c.letters(late, "ABCD-EFGH-JKLM-0002")); n != 1 {
			t.Errorf("%d letters bring it: %v", n, c.got(late))
		}
		if k := c.tasks(late, true); len(k) != 1 || k[0].State != work.TaskSettled || c.exceptions(late, care.ExceptionGoodsMissing, true) != 0 {
			t.Errorf("%+v", k)
		}

		// The money goes back.
		becomes(func(o *care.ShopOrder, now time.Time) {
			o.Payment, o.RawStatus = care.PaymentRefunded, "refunded"
			o.Refunds = []care.ShopRefund{{ExternalID: "r", Amount: o.Total, Settled: true, At: now}}
		})(c, b)
		if got := c.piecesOf(b); got[0].State != digital.Withdrawn {
			t.Errorf("%+v", got)
		}
		if code, body := page(http.MethodPost, link[1]); code != 200 || strings.Contains(body, "ABCD-EFGH") {
			t.Errorf("%d %s", code, body)
		}
		c.pass(30 * 24 * time.Hour)
		if n := c.figure(`SELECT count(*) FROM exceptions WHERE kind <> 'goods_missing'`); n != 0 {
			t.Errorf("%d exceptions of orders that went by no parcel", n)
		}
		if code, _ := page(http.MethodGet, link[1]); code != http.StatusGone {
			t.Errorf("a month later: %d", code)
		}
	}, func(c *app.Config) { c.PublicURL = "http://desk.example" })
}
