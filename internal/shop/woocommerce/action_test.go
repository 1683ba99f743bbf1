package woocommerce_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/test/world/woo"
)

func act(t *testing.T, shop care.Shop, a care.Action) (care.ActionAnswer, error) {
	t.Helper()
	return shop.(care.ActionTaker).Act(t.Context(), a)
}

func order(t *testing.T, shop care.Shop, id int64) care.ShopOrder {
	t.Helper()
	r, err := shop.Fetch(t.Context(), care.KindOrder, []string{fmt.Sprint(id)})
	if err != nil || len(r) != 1 || r[0].Deleted {
		t.Fatal(r, err)
	}
	return r[0].Data.(care.ShopOrder)
}

func uah(n int64) *care.Money { return &care.Money{Amount: n, Currency: "UAH"} }

func TestNotesAreWrittenOnceAndAsWritten(t *testing.T) {
	s := woo.New(t)
	id := s.Place(woo.Order{Status: "processing"})
	shop := connect(t, s)
	words := "Вага < 5 кг & <b>крихке</b>;\nдзвонити двічі"
	a := care.Action{ID: 1, Kind: care.ActionNote, Order: fmt.Sprint(id), AskedAt: time.Now(), ActionParams: care.ActionParams{Text: words, ToCustomer: true}}
	var later *care.TemporaryError
	s.Drop(1)
	if _, err := act(t, shop, a); !errors.As(err, &later) || later.After < time.Minute {
		t.Fatalf("an answer that was lost: %v", err)
	}
	a.Again = true
	if got, err := act(t, shop, a); err != nil || got.State != care.ActionDone {
		t.Fatal(got, err)
	}
	var found []care.ShopHistory
	for _, h := range order(t, shop, id).History {
		if strings.Contains(h.Text, "Вага") {
			found = append(found, h)
		}
	}
	if len(found) != 1 || found[0].Text != words || !found[0].ToCustomer {
		t.Errorf("%+v", found)
	}
	// The same words among colleagues are another note.
	a.ToCustomer = false
	if _, err := act(t, shop, a); err != nil {
		t.Fatal(err)
	}
	if h := order(t, shop, id).History; !slices.ContainsFunc(h, func(h care.ShopHistory) bool { return h.Text == words && !h.ToCustomer }) {
		t.Errorf("%+v", h)
	}
	if got, err := act(t, shop, care.Action{Kind: care.ActionNote, Order: "999", ActionParams: care.ActionParams{Text: "x"}}); err == nil && got.State == care.ActionDone {
		t.Error("a note to an order that isn't there")
	}
}

func TestRefundsHappenOnce(t *testing.T) {
	s := woo.New(t)
	item, _ := s.AddProduct(woo.Product{Name: "Ліхтар", SKU: "L", Price: "1249.90", Stock: 10})
	id := s.Place(woo.Order{Items: map[int64]int64{item: 3}, Method: "stripe", Paid: true, Shipping: "80.00"})
	shop := connect(t, s)
	line := order(t, shop, id).Lines[0].ExternalID
	stock := func() int64 {
		r, err := shop.Fetch(t.Context(), care.KindProduct, []string{fmt.Sprint(item)})
		if err != nil {
			t.Fatal(err)
		}
		return r[0].Data.(care.ShopProduct).Variants[0].Stock.OnHand
	}
	refund := func(n int64, p care.ActionParams) care.Action {
		return care.Action{ID: n, Kind: care.ActionRefund, Order: fmt.Sprint(id), AskedAt: time.Now(), ActionParams: p}
	}

	// One of three pieces, put back on the shelf; the answer is lost twice, and the money goes once.
	a := refund(1, care.ActionParams{Amount: uah(124990), Reason: "Не вмикається", Restock: true, PayBack: true, Lines: []care.Refunded{{Line: line, Quantity: 1}}})
	s.Drop(1)
	var later *care.TemporaryError
	if _, err := act(t, shop, a); !errors.As(err, &later) || later.After < time.Minute {
		t.Fatalf("an answer that was lost: %v", err)
	}
	for range 2 {
		a.Again = true
		if got, err := act(t, shop, a); err != nil || got.State != care.ActionDone {
			t.Fatal(got, err)
		}
	}
	o := order(t, shop, id)
	if len(o.Refunds) != 1 || o.Refunds[0].Amount != *uah(124990) || o.Payment != care.PaymentPartiallyRefunded || stock() != 8 {
		t.Fatalf("%+v, %s, %d on hand", o.Refunds, o.Payment, stock())
	}
	// The same again, asked for anew, is another refund.
	if got, err := act(t, shop, refund(2, a.ActionParams)); err != nil || got.State != care.ActionDone {
		t.Fatal(got, err)
	}
	// Three pieces, of which one is left.
	if got, err := act(t, shop, refund(3, care.ActionParams{Amount: uah(374970), Lines: []care.Refunded{{Line: line, Quantity: 3}}})); err != nil || got.State != care.ActionRefused || !strings.Contains(got.Reason, "1 left") {
		t.Fatal(got, err)
	}
	if got, err := act(t, shop, refund(4, care.ActionParams{Amount: uah(9999900)})); err != nil || got.State != care.ActionRefused || got.Reason != "Invalid refund amount." {
		t.Fatal(got, err)
	}
	// All the rest without lines: the order is refunded.
	if got, err := act(t, shop, refund(5, care.ActionParams{Amount: uah(124990 + 8000)})); err != nil || got.State != care.ActionDone {
		t.Fatal(got, err)
	}
	if o := order(t, shop, id); o.RawStatus != "refunded" || o.Payment != care.PaymentRefunded || len(o.Refunds) != 3 {
		t.Fatalf("%+v", o)
	}

	id = s.Place(woo.Order{Items: map[int64]int64{item: 1}, Method: "cod"})
	if got, err := act(t, shop, refund(6, care.ActionParams{Amount: uah(100), PayBack: true})); err != nil || got.State != care.ActionRefused || got.Reason != "The payment gateway for this order does not exist." {
		t.Fatal(got, err)
	}
	// Somebody in the shop gave back the same sum for another reason: that wasn't us.
	other := refund(7, care.ActionParams{Amount: uah(100), Reason: "ours"})
	s.Refund(id, "1.00", "theirs")
	other.Again = true
	if got, err := act(t, shop, other); err != nil || got.State != care.ActionDone {
		t.Fatal(got, err)
	}
	if o := order(t, shop, id); len(o.Refunds) != 2 {
		t.Fatalf("%+v", o.Refunds)
	}
}

func TestADeliveryIsGivenBackWithTheGoodsAndOnce(t *testing.T) {
	s := woo.New(t)
	item, _ := s.AddProduct(woo.Product{Name: "Термос", Price: "990.00", Stock: 5})
	id := s.Place(woo.Order{Items: map[int64]int64{item: 2}, Method: "cod", Shipping: "80.00"})
	shop := connect(t, s)
	ask := func(n int64, p care.ActionParams) care.ActionAnswer {
		t.Helper()
		got, err := act(t, shop, care.Action{ID: n, Kind: care.ActionRefund, Order: fmt.Sprint(id), AskedAt: time.Now(), ActionParams: p})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	line := order(t, shop, id).Lines[0].ExternalID
	if got := ask(1, care.ActionParams{Amount: uah(99000 + 8000), Lines: []care.Refunded{{Line: line, Quantity: 1}}, Delivery: true}); got.State != care.ActionDone {
		t.Fatal(got)
	}
	if net, tax := s.Refunded(id); net+tax != 99000+8000 {
		t.Errorf("the shop's lines say %d and %d of tax", net, tax)
	}
	if got := ask(2, care.ActionParams{Amount: uah(8000), Delivery: true}); got.State != care.ActionRefused || !strings.Contains(got.Reason, "already") {
		t.Error("the delivery a second time:", got)
	}
}

// A line whose tax doesn't divide evenly: net and taxes of the parts make what the customer paid.
func TestPartsOfALine(t *testing.T) {
	s := woo.New(t)
	item, _ := s.AddProduct(woo.Product{Name: "Гвинт", Price: "0.55", Stock: 10})
	id := s.Place(woo.Order{Items: map[int64]int64{item: 3}, Method: "cod"})
	shop := connect(t, s)
	line := order(t, shop, id).Lines[0].ExternalID
	if got, err := act(t, shop, care.Action{ID: 1, Kind: care.ActionRefund, Order: fmt.Sprint(id), ActionParams: care.ActionParams{Amount: uah(110), Lines: []care.Refunded{{Line: line, Quantity: 2}}}}); err != nil || got.State != care.ActionDone {
		t.Fatal(got, err)
	}
	if net, tax := s.Refunded(id); net+tax != 110 || tax != 19 {
		t.Errorf("net %d and tax %d", net, tax)
	}
}

func TestAKeyThatMayOnlyRead(t *testing.T) {
	s := woo.New(t)
	id := s.Place(woo.Order{Status: "processing"})
	c := care.Connection{ID: 7, Settings: s.Settings(), Secrets: []byte(`{"consumer_key":"ck_read","consumer_secret":"cs_read"}`)}
	shop := openWith(t, s, c)
	for _, k := range []care.ActionKind{care.ActionCancel, care.ActionNote, care.ActionRefund} {
		got, err := act(t, shop, care.Action{ID: 1, Kind: k, Order: fmt.Sprint(id), ActionParams: care.ActionParams{Text: "x", Amount: uah(1)}})
		if err != nil || got.State != care.ActionRefused || !strings.Contains(got.Reason, "write permissions") {
			t.Errorf("%s: %+v, %v", k, got, err)
		}
	}
	if o := order(t, shop, id); o.RawStatus != "processing" || len(o.Refunds) != 0 {
		t.Errorf("%+v", o)
	}
}
