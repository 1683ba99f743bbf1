package woo

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// Product is what a shop sells. With Variations it is variable, and its own SKU and stock count for nothing.
type Product struct {
	Name       string
	SKU        string
	Price      string
	SalePrice  string
	Stock      int64
	Untracked  bool
	Backorders bool
	Draft      bool
	Virtual    bool
	Shared     bool // variations: stock is counted on the parent
	Option     string
	Variations []Product
}

// AddProduct puts a product on sale and returns its id and those of its variations.
func (s *Shop) AddProduct(p Product) (id int64, variations []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.product(p)
	id = number(o["id"])
	s.products[id] = o
	for _, v := range p.Variations {
		x := s.product(v)
		x["type"], x["parent_id"], x["name"] = "variation", id, html.EscapeString(v.Option)
		x["attributes"] = []any{object{"id": 0, "name": "Size", "slug": "Size", "option": v.Option}}
		x["image"] = nil
		if v.Shared {
			x["manage_stock"], x["stock_quantity"] = "parent", o["stock_quantity"]
		}
		variations = append(variations, number(x["id"]))
		s.variations[id] = append(s.variations[id], x)
	}
	if len(p.Variations) > 0 {
		ids := make([]any, len(variations))
		shared := false
		for i, v := range variations {
			ids[i] = v
			shared = shared || p.Variations[i].Shared
		}
		o["type"], o["variations"] = "variable", ids
		if !shared {
			o["manage_stock"], o["stock_quantity"] = false, nil
		}
	}
	s.changed("product", "created", o)
	return id, variations
}

func (s *Shop) product(p Product) object {
	id := s.id()
	price, regular := p.Price, p.Price
	if p.SalePrice != "" {
		price = p.SalePrice
	}
	o := object{
		"id": id, "name": html.EscapeString(p.Name), "type": "simple", "status": "publish", "sku": p.SKU, "parent_id": 0,
		"permalink": fmt.Sprintf("%s/product/%d/", s.URL, id), "price": price, "regular_price": regular, "sale_price": p.SalePrice,
		"on_sale": p.SalePrice != "", "virtual": p.Virtual, "manage_stock": !p.Untracked, "stock_quantity": p.Stock,
		"backorders": map[bool]string{false: "no", true: "notify"}[p.Backorders], "categories": []any{object{"id": 9, "name": "Things &amp; more"}},
		"images": []any{}, "attributes": []any{}, "variations": []any{}, "meta_data": []any{}, "global_unique_id": "",
	}
	if p.Draft {
		o["status"] = "draft"
	}
	if p.Untracked {
		o["stock_quantity"] = nil
	}
	s.restock(o)
	s.stamp(o, "date_created")
	s.stamp(o, "date_modified")
	return o
}

func (s *Shop) restock(o object) {
	switch {
	case o["manage_stock"] != true || number(o["stock_quantity"]) > 0:
		o["stock_status"] = "instock"
	case text(o["backorders"]) != "no":
		o["stock_status"] = "onbackorder"
	default:
		o["stock_status"] = "outofstock"
	}
}

// SetStock sets the stock of a product or variation; a variation's product changes with it.
func (s *Shop) SetStock(id, quantity int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setStock(id, func(int64) int64 { return quantity })
}

func (s *Shop) setStock(id int64, to func(int64) int64) {
	o, parent := s.findProduct(id)
	if o == nil || o["manage_stock"] == false {
		return
	}
	o["stock_quantity"] = to(number(o["stock_quantity"]))
	s.restock(o)
	s.stamp(o, "date_modified")
	if parent != nil {
		s.stamp(parent, "date_modified")
	}
	s.changed("product", "updated", o)
	s.push("action.woocommerce_product_set_stock", object{"action": "woocommerce_product_set_stock", "arg": []any{}})
}

func (s *Shop) findProduct(id int64) (o, parent object) {
	if p := s.products[id]; p != nil {
		return p, nil
	}
	for pid, list := range s.variations {
		for _, v := range list {
			if number(v["id"]) == id {
				return v, s.products[pid]
			}
		}
	}
	return nil, nil
}

// Person is a customer or guest.
type Person struct {
	First, Last, Email, Phone, City, Country string
}

func (p Person) address() object {
	return object{"first_name": p.First, "last_name": p.Last, "company": "", "address_1": "", "address_2": "", "city": p.City,
		"state": "", "postcode": "", "country": p.Country, "email": p.Email, "phone": p.Phone}
}

// AddCustomer registers a customer.
func (s *Shop) AddCustomer(p Person) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := object{"id": s.id(), "email": p.Email, "first_name": p.First, "last_name": p.Last, "role": "customer", "username": p.Email,
		"billing": p.address(), "shipping": p.address(), "is_paying_customer": false, "meta_data": []any{}}
	s.stamp(o, "date_created")
	s.stamp(o, "date_modified")
	s.customers[number(o["id"])] = o
	s.changed("customer", "created", o)
	return number(o["id"])
}

// Order is what is ordered, by whom, and how it is to be paid.
type Order struct {
	Customer int64 // 0: a guest
	Person   Person
	Items    map[int64]int64 // product or variation -> pieces
	Method   string          // bacs, cod, liqpay; empty: bacs
	Paid     bool
	Status   string // empty: what the method leads to
	Note     string
	Shipping string // amount
}

// Place makes an order as the checkout does, and takes its pieces from stock.
func (s *Shop) Place(in Order) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.id()
	if in.Method == "" {
		in.Method = "bacs"
	}
	status := in.Status
	if status == "" {
		status = map[string]string{"bacs": "on-hold", "cod": "processing"}[in.Method]
		if in.Paid {
			status = "processing"
		} else if status == "" {
			status = "pending"
		}
	}
	total := cents(in.Shipping)
	var lines []any
	for pid, n := range in.Items {
		p, parent := s.findProduct(pid)
		if p == nil {
			continue
		}
		sum := cents(text(p["price"])) * n
		net := sum * 10000 / 12000
		total += sum
		l := object{"id": s.id(), "name": p["name"], "product_id": pid, "variation_id": 0, "quantity": n, "sku": p["sku"],
			"subtotal": amount(net), "subtotal_tax": amount(sum - net), "total": amount(net), "total_tax": amount(sum - net),
			"price": float64(net) / 100 / float64(n), "taxes": []any{object{"id": 1, "total": amount(sum - net), "subtotal": amount(sum - net)}}, "meta_data": []any{}}
		if parent != nil {
			l["product_id"], l["variation_id"] = parent["id"], pid
			l["name"] = text(parent["name"]) + " - " + text(p["name"])
		}
		lines = append(lines, l)
		if status != "pending" && status != "failed" {
			s.setStock(pid, func(q int64) int64 { return q - n })
		}
	}
	o := object{"id": id, "number": strconv.FormatInt(id, 10), "status": status, "currency": s.currency, "version": "10.3.6",
		"discount_total": "0.00", "discount_tax": "0.00", "shipping_total": amount(cents(in.Shipping)), "shipping_tax": "0.00",
		"total": amount(total), "total_tax": "0.00", "customer_id": in.Customer, "billing": in.Person.address(), "shipping": in.Person.address(),
		"payment_method": in.Method, "payment_method_title": in.Method, "transaction_id": "", "customer_note": in.Note, "created_via": "checkout",
		"date_paid": nil, "date_paid_gmt": nil, "meta_data": []any{}, "line_items": lines, "shipping_lines": []any{}, "fee_lines": []any{},
		"coupon_lines": []any{}, "refunds": []any{}}
	if lines == nil {
		o["line_items"] = []any{}
	}
	if cents(in.Shipping) > 0 {
		o["shipping_lines"] = []any{object{"id": s.id(), "method_title": "Доставка", "method_id": "flat_rate", "total": amount(cents(in.Shipping)), "total_tax": "0.00", "taxes": []any{}, "meta_data": []any{}}}
	}
	s.stamp(o, "date_created")
	s.stamp(o, "date_modified")
	if in.Paid {
		s.stamp(o, "date_paid")
		o["transaction_id"] = fmt.Sprintf("TX-%d", id)
	}
	s.orders[id] = o
	s.note(id, "Order status changed from Pending payment to "+statusNames[status]+".", false)
	s.changed("order", "created", o)
	return id
}

var statusNames = map[string]string{"pending": "Pending payment", "processing": "Processing", "on-hold": "On hold", "completed": "Completed",
	"cancelled": "Cancelled", "refunded": "Refunded", "failed": "Failed", "checkout-draft": "Draft"}

// SetStatus moves an order on, with all that the shop does by itself at that.
func (s *Shop) SetStatus(id int64, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setStatus(id, status)
}

func (s *Shop) setStatus(id int64, status string) {
	o := s.orders[id]
	old := text(o["status"])
	if o == nil || old == status {
		return
	}
	o["status"] = status
	name := func(slug string) string {
		if n := statusNames[slug]; n != "" {
			return n
		}
		return slug
	}
	s.note(id, "Order status changed from "+name(old)+" to "+name(status)+".", false)
	if (status == "processing" && text(o["payment_method"]) != "cod" || status == "completed") && o["date_paid"] == nil {
		s.stamp(o, "date_paid")
	}
	if status == "cancelled" && (old == "processing" || old == "on-hold") {
		for _, l := range o["line_items"].([]any) {
			line := l.(object)
			pid := number(line["variation_id"])
			if pid == 0 {
				pid = number(line["product_id"])
			}
			s.setStock(pid, func(q int64) int64 { return q + number(line["quantity"]) })
		}
	}
	s.touch(id)
	s.push("action.woocommerce_order_status_changed", object{"action": "woocommerce_order_status_changed", "arg": id})
}

func (s *Shop) touch(id int64) {
	o := s.orders[id]
	s.stamp(o, "date_modified")
	s.changed("order", "updated", o)
}

// Pay marks an order as paid. Like the real thing it does nothing to one on hold.
func (s *Shop) Pay(id int64, transaction string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if st := text(o["status"]); st != "pending" && st != "failed" {
		return
	}
	o["transaction_id"] = transaction
	s.setStatus(id, "processing")
}

// Ship writes a tracking number where the Shipment Tracking plugins do.
func (s *Shop) Ship(id int64, carrier, tracking string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	o["meta_data"] = append(o["meta_data"].([]any), object{"id": s.id(), "key": "_wc_shipment_tracking_items", "value": []any{object{
		"tracking_provider": carrier, "custom_tracking_provider": "", "custom_tracking_link": "", "tracking_number": tracking,
		"date_shipped": strconv.FormatInt(s.now().Unix(), 10), "tracking_id": "t" + tracking}}})
	s.touch(id)
}

// Refund gives an amount back; all of it moves the order to refunded.
func (s *Shop) Refund(id int64, sum, reason string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return number(s.refund(id, sum, reason, nil, false)["id"])
}

// Note adds a note; that doesn't change the order's time of modification.
func (s *Shop) Note(id int64, note string, toCustomer bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(id, note, toCustomer)
	if toCustomer {
		s.push("action.woocommerce_new_customer_note_notification",
			object{"action": "woocommerce_new_customer_note_notification", "arg": object{"order_id": id, "customer_note": note}})
	}
}

func (s *Shop) note(id int64, note string, toCustomer bool) {
	n := object{"id": s.id(), "author": "WooCommerce", "note": note, "customer_note": toCustomer}
	s.stamp(n, "date_created")
	s.notes[id] = append([]object{n}, s.notes[id]...)
}

// Trash moves an order to the trash, where every list still shows it (HPOS).
func (s *Shop) Trash(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[id]["status"] = "trash"
	s.push("order.deleted", object{"id": id})
}

// TrashProduct moves a product to the trash, where lists don't show it.
func (s *Shop) TrashProduct(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.products[id]["status"] = "trash"
	s.stamp(s.products[id], "date_modified")
	s.push("product.deleted", object{"id": id})
}

// Delete removes an order, product or customer for good. No hook tells of it.
func (s *Shop) Delete(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, id)
	delete(s.products, id)
	delete(s.customers, id)
}

// changed queues the hook of a change.
func (s *Shop) changed(resource, event string, o object) { s.push(resource+"."+event, o) }

func cents(s string) int64 {
	whole, part, _ := strings.Cut(s, ".")
	n, _ := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	return n
}

func amount(c int64) string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return fmt.Sprintf("%s%d.%02d", sign, c/100, c%100)
}
