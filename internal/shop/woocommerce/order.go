package woocommerce

import (
	"encoding/json"
	"strings"
	"time"

	"opeka/internal/care"
)

type address struct {
	FirstName str `json:"first_name"`
	LastName  str `json:"last_name"`
	Company   str `json:"company"`
	Address1  str `json:"address_1"`
	Address2  str `json:"address_2"`
	City      str `json:"city"`
	State     str `json:"state"`
	Postcode  str `json:"postcode"`
	Country   str `json:"country"`
	Email     str `json:"email"`
	Phone     str `json:"phone"`
}

func (a address) name() string {
	return strings.TrimSpace(plain(a.FirstName) + " " + plain(a.LastName))
}

func (a address) care() care.Address {
	return care.Address{
		Name: a.name(), Company: plain(a.Company), Phone: plain(a.Phone), Email: plain(a.Email),
		Line1: plain(a.Address1), Line2: plain(a.Address2), City: plain(a.City), Region: plain(a.State),
		Postcode: plain(a.Postcode), Country: strings.ToUpper(plain(a.Country)),
	}
}

type order struct {
	ID            num               `json:"id"`
	Number        str               `json:"number"`
	Status        str               `json:"status"`
	Currency      str               `json:"currency"`
	Created       str               `json:"date_created"`
	CreatedGMT    str               `json:"date_created_gmt"`
	Modified      str               `json:"date_modified"`
	ModifiedGMT   str               `json:"date_modified_gmt"`
	Paid          str               `json:"date_paid"`
	PaidGMT       str               `json:"date_paid_gmt"`
	Discount      str               `json:"discount_total"`
	DiscountTax   str               `json:"discount_tax"`
	Shipping      str               `json:"shipping_total"`
	ShippingTax   str               `json:"shipping_tax"`
	Total         str               `json:"total"`
	TotalTax      str               `json:"total_tax"`
	CustomerID    num               `json:"customer_id"`
	Billing       obj[address]      `json:"billing"`
	ShippingTo    obj[address]      `json:"shipping"`
	PaymentMethod str               `json:"payment_method"`
	PaymentTitle  str               `json:"payment_method_title"`
	TransactionID str               `json:"transaction_id"`
	CustomerNote  str               `json:"customer_note"`
	CreatedVia    str               `json:"created_via"`
	Meta          list[meta]        `json:"meta_data"`
	Lines         list[line]        `json:"line_items"`
	ShippingLines list[shipLine]    `json:"shipping_lines"`
	Fees          list[feeLine]     `json:"fee_lines"`
	Coupons       list[couponLine]  `json:"coupon_lines"`
	Refunds       list[refundBrief] `json:"refunds"`
}

type line struct {
	ID          num        `json:"id"`
	Name        str        `json:"name"`
	ProductID   num        `json:"product_id"`
	VariationID num        `json:"variation_id"`
	Quantity    num        `json:"quantity"`
	Subtotal    str        `json:"subtotal"`
	SubtotalTax str        `json:"subtotal_tax"`
	Total       str        `json:"total"`
	TotalTax    str        `json:"total_tax"`
	SKU         str        `json:"sku"`
	Taxes       list[tax]  `json:"taxes"`
	Meta        list[meta] `json:"meta_data"`
}

// tax is what one rate adds to a line; its id is the rate's.
type tax struct {
	ID    num `json:"id"`
	Total str `json:"total"`
}

type shipLine struct {
	ID       num        `json:"id"`
	Title    str        `json:"method_title"`
	Total    str        `json:"total"`
	TotalTax str        `json:"total_tax"`
	Taxes    list[tax]  `json:"taxes"`
	Meta     list[meta] `json:"meta_data"`
}

type feeLine struct {
	ID       num       `json:"id"`
	Name     str       `json:"name"`
	Total    str       `json:"total"`
	TotalTax str       `json:"total_tax"`
	Taxes    list[tax] `json:"taxes"`
}

type couponLine struct {
	Code str `json:"code"`
}

type refundBrief struct {
	ID     num `json:"id"`
	Reason str `json:"reason"`
	Total  str `json:"total"`
}

type refund struct {
	ID         num        `json:"id"`
	Created    str        `json:"date_created"`
	CreatedGMT str        `json:"date_created_gmt"`
	Amount     str        `json:"amount"`
	Reason     str        `json:"reason"`
	Lines      list[line] `json:"line_items"`
	Delivery   list[line] `json:"shipping_lines"`
	Meta       list[meta] `json:"meta_data"`
}

type note struct {
	ID         num  `json:"id"`
	Author     str  `json:"author"`
	Created    str  `json:"date_created"`
	CreatedGMT str  `json:"date_created_gmt"`
	Note       str  `json:"note"`
	Customer   flag `json:"customer_note"`
}

// orderParts is what belongs to an order and is asked for apart.
type orderParts struct {
	notes       list[note]
	refunds     list[refund]
	fulfilments list[fulfilment]
}

// reading is what one needs to know of the shop to read its records.
type reading struct {
	zone         *time.Location
	currency     string            // of the shop; orders name their own
	statuses     map[string]string // status as people read it -> slug
	trackingMeta string
	backOffice   string // address of the administration
	importing    bool   // the past is being read
}

// gone tells that the shop has thrown the order away. With HPOS the trash is part of every list.
func (o order) trashed() bool { return o.Status == "trash" }

func (o order) updated(zone *time.Location) time.Time {
	if t := moment(o.ModifiedGMT, o.Modified, zone); !t.IsZero() {
		return t
	}
	return moment(o.CreatedGMT, o.Created, zone)
}

// care turns the order into the house's language.
func (o order) care(r reading, parts orderParts) care.ShopOrder {
	currency := strings.ToUpper(string(o.Currency))
	if currency == "" {
		currency = r.currency
	}
	sum := func(net, tax str) care.Money { return money(net, currency).Add(money(tax, currency)) }
	out := care.ShopOrder{
		Number:    string(o.Number),
		RawStatus: strings.TrimPrefix(string(o.Status), "wc-"),
		Currency:  currency,
		Total:     money(o.Total, currency),
		Shipping:  sum(o.Shipping, o.ShippingTax),
		Discount:  sum(o.Discount, o.DiscountTax),
		Tax:       money(o.TotalTax, currency),
		Customer:  o.customer(),
		BillTo:    o.Billing.V.care(),
		ShipTo:    o.ShippingTo.V.care(),
		PayMethod: plain(o.PaymentTitle),
		Note:      prose(o.CustomerNote),
		PlacedAt:  moment(o.CreatedGMT, o.Created, r.zone),
		Custom:    map[string]string{},
		Refunds:   o.refunds(r, parts.refunds, currency),
		History:   history(r, parts.notes),
	}
	if out.Number == "" {
		out.Number = o.ID.String()
	}
	if r.backOffice != "" {
		out.URL = r.backOffice + "/post.php?post=" + o.ID.String() + "&action=edit" // HPOS redirects it to its own page
	}
	if out.PayMethod == "" {
		out.PayMethod = string(o.PaymentMethod)
	}
	for _, l := range o.Lines {
		out.Lines = append(out.Lines, l.care(currency))
	}
	for _, f := range o.Fees {
		total := sum(f.Total, f.TotalTax)
		out.Lines = append(out.Lines, care.ShopLine{ExternalID: "fee-" + f.ID.String(), Name: plain(f.Name), Quantity: 1, Price: total, Total: total})
	}
	var methods []string
	for _, s := range o.ShippingLines {
		methods = append(methods, plain(s.Title))
		for _, m := range s.Meta {
			key := plain(m.DisplayKey)
			if key == "" {
				key = m.Key
			}
			if v := prose(m.DisplayValue); v != "" && !strings.HasPrefix(m.Key, "_") && m.Key != "Items" {
				out.Custom[key] = v
			} else if v := m.text(); v != "" && !strings.HasPrefix(m.Key, "_") && m.Key != "Items" {
				out.Custom[key] = prose(str(v))
			}
		}
	}
	out.ShipMethod = strings.Join(methods, ", ")
	var codes []string
	for _, c := range o.Coupons {
		codes = append(codes, plain(c.Code))
	}
	if len(codes) > 0 {
		out.Custom["coupons"] = strings.Join(codes, ", ")
	}
	if len(out.Custom) == 0 {
		out.Custom = nil
	}
	out.Payment = o.payment(out.Total, out.Refunds)
	out.Payments = o.payments(out, r.zone)
	out.Shipments, out.Fulfilment = o.shipments(r, parts.fulfilments)
	return out
}

func (o order) customer() care.CustomerRef {
	bill, ship := o.Billing.V, o.ShippingTo.V
	ref := care.CustomerRef{Name: bill.name(), Email: plain(bill.Email), Phone: plain(bill.Phone)}
	if o.CustomerID > 0 { // 0 is a guest
		ref.ExternalID = o.CustomerID.String()
	}
	if ref.Name == "" {
		ref.Name = ship.name()
	}
	if ref.Phone == "" {
		ref.Phone = plain(ship.Phone)
	}
	return ref
}

// care gives what the customer paid and would have paid: with tax, Total after discounts. WooCommerce's own
// `price` is a floating number without tax and of no use.
func (l line) care(currency string) care.ShopLine {
	before := money(l.Subtotal, currency).Add(money(l.SubtotalTax, currency))
	out := care.ShopLine{
		ExternalID: l.ID.String(), SKU: plain(l.SKU), Name: plain(l.Name), Quantity: int64(l.Quantity),
		Price: each(before, int64(l.Quantity)),
		Total: money(l.Total, currency).Add(money(l.TotalTax, currency)),
	}
	switch { // an order keeps lines of products that are no more, with 0
	case l.VariationID > 0:
		out.Variant = l.VariationID.String()
	case l.ProductID > 0:
		out.Variant = l.ProductID.String()
	}
	return out
}

// each divides an amount by a number of pieces, rounding half away from zero.
func each(m care.Money, n int64) care.Money {
	if n <= 1 {
		return m
	}
	half := n / 2
	if m.Amount < 0 {
		half = -half
	}
	m.Amount = (m.Amount + half) / n
	return m
}

func (o order) refunds(r reading, full list[refund], currency string) []care.ShopRefund {
	known := map[num]refund{}
	for _, f := range full {
		known[f.ID] = f
	}
	var out []care.ShopRefund
	for _, b := range o.Refunds {
		x := care.ShopRefund{
			ExternalID: b.ID.String(), Reason: prose(b.Reason),
			Amount: positive(money(b.Total, currency)),
			// Recording a refund is WooCommerce's last word, whether its gateway sent the money or a person did.
			Settled: true,
		}
		if f, ok := known[b.ID]; ok {
			x.At = moment(f.CreatedGMT, f.Created, r.zone)
			if a := money(f.Amount, currency); a.Amount != 0 {
				x.Amount = positive(a)
			}
		}
		out = append(out, x)
	}
	return out
}

func positive(m care.Money) care.Money {
	if m.Amount < 0 {
		m.Amount = -m.Amount
	}
	return m
}

// payment reads whether money came. The status alone doesn't tell: cash on delivery waits in "processing"
// too, and set_paid on an order on hold is ignored in silence. date_paid tells.
// Statuses of the shop's own leave it to their mapping, unless the order itself knows.
func (o order) payment(total care.Money, refunds []care.ShopRefund) care.PaymentState {
	var back int64
	for _, r := range refunds {
		back += r.Amount.Amount
	}
	paid := o.PaidGMT != "" || o.Paid != ""
	switch status := strings.TrimPrefix(string(o.Status), "wc-"); {
	case status == "refunded", back > 0 && back >= total.Amount:
		return care.PaymentRefunded
	case back > 0:
		return care.PaymentPartiallyRefunded
	case status == "failed":
		return care.PaymentFailed
	case paid, status == "completed":
		return care.PaymentPaid
	case status == "processing" && total.Amount == 0:
		return care.PaymentPaid // nothing was to be paid
	default:
		if _, own := defaultStatuses()[status]; own {
			return care.PaymentUnpaid
		}
		return ""
	}
}

func (o order) payments(out care.ShopOrder, zone *time.Location) []care.ShopPayment {
	if out.PayMethod == "" && out.Total.Amount == 0 {
		return nil
	}
	p := care.ShopPayment{
		ExternalID: o.ID.String(), // WooCommerce keeps one payment an order; its transaction id comes late and changes
		Method:     out.PayMethod, State: out.Payment, Amount: out.Total,
		Reference: string(o.TransactionID), At: moment(o.PaidGMT, o.Paid, zone),
	}
	if p.State == "" {
		p.State = care.PaymentUnpaid
	}
	if p.At.IsZero() {
		p.At = out.PlacedAt
	}
	return []care.ShopPayment{p}
}

// history makes the order's journal of its notes, oldest first; same-second notes come in any order.
func history(r reading, notes list[note]) []care.ShopHistory {
	var out []care.ShopHistory
	sortNotes(notes)
	for _, n := range notes {
		h := care.ShopHistory{
			ExternalID: n.ID.String(), At: moment(n.CreatedGMT, n.Created, r.zone),
			Text: prose(n.Note), Author: plain(n.Author), ToCustomer: n.Customer.yes(),
		}
		if !h.ToCustomer {
			h.Status = statusOf(h.Text, r.statuses)
		}
		if h.Author == "WooCommerce" || h.Author == "system" {
			h.Author = ""
		}
		out = append(out, h)
	}
	return out
}

// statusOf finds the new status in a note such as "Order status changed from On hold to Processing.", in
// whatever language the shop writes: a note that names exactly two statuses tells of a change, to the second.
func statusOf(text string, labels map[string]string) string {
	if len(text) > 600 {
		return ""
	}
	found, rest := []string{}, text
	for rest != "" {
		at, length, slug := -1, 0, ""
		for label, s := range labels {
			if i := strings.Index(rest, label); i >= 0 && (at < 0 || i < at || i == at && len(label) > length) {
				at, length, slug = i, len(label), s
			}
		}
		if at < 0 {
			break
		}
		found = append(found, slug)
		rest = rest[at+length:]
	}
	if len(found) != 2 {
		return ""
	}
	return found[1]
}

// record makes the record of an order.
func (o order) record(r reading, parts orderParts, raw json.RawMessage) care.Record {
	rec := care.Record{Kind: care.KindOrder, ExternalID: o.ID.String(), UpdatedAt: o.updated(r.zone), Raw: keep(raw)}
	if o.trashed() {
		rec.Deleted = true
		return rec
	}
	rec.Data = o.care(r, parts)
	return rec
}

const maxRaw = 256 << 10

func keep(raw json.RawMessage) []byte {
	if len(raw) > maxRaw {
		return nil
	}
	return raw
}
