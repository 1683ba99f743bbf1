package woo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// add is what POST to an order's notes and refunds does, with the answers of the real one (rest/064, 069-072, 074).
func (s *Shop) add(w http.ResponseWriter, r *http.Request, id int64, what string) {
	var in object
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		s.fail(w, r, 400, "rest_invalid_json", "Invalid JSON body passed.")
		return
	}
	var made object
	if what == "notes" {
		words, customer := text(in["note"]), in["customer_note"] == true
		if words == "" {
			s.fail(w, r, 400, "rest_missing_callback_param", "Missing parameter(s): note")
			return
		}
		s.note(id, words, customer)
		made = s.notes[id][0]
		if in["added_by_user"] == true {
			made["author"] = "owner"
		}
		if customer {
			s.push("action.woocommerce_new_customer_note_notification",
				object{"action": "woocommerce_new_customer_note_notification", "arg": object{"order_id": id, "customer_note": words}})
		}
	} else {
		refuse := func(message string) {
			s.reply(w, r, 500, object{"code": "woocommerce_rest_cannot_create_order_refund", "message": message, "data": 500})
		}
		sum, o := text(in["amount"]), s.orders[id]
		var back int64
		for _, x := range s.refunds[id] {
			back += cents(text(x["amount"]))
		}
		switch {
		case cents(sum) <= 0 || cents(sum) > cents(text(o["total"]))-back:
			refuse("Invalid refund amount.")
			return
		case in["api_refund"] != false && text(o["payment_method"]) != "stripe":
			refuse("The payment gateway for this order does not exist.")
			return
		}
		items, _ := in["line_items"].([]any)
		made = s.refund(id, sum, text(in["reason"]), items, in["api_restock"] != false)
		made["refunded_payment"] = in["api_refund"] != false
		if m, ok := in["meta_data"].([]any); ok {
			made["meta_data"] = append([]any{object{"id": s.id(), "key": "_refund_type", "value": "partial"}}, m...)
		}
	}
	if s.dropped > 0 {
		s.dropped--
		panic(http.ErrAbortHandler)
	}
	s.reply(w, r, 201, made)
}

// refund gives an amount back for lines of the order, whose pieces may go back on the shelf. The lock is held.
func (s *Shop) refund(id int64, sum, reason string, items []any, restock bool) object {
	o := s.orders[id]
	back := map[string][]any{"line_items": {}, "shipping_lines": {}}
	for kind := range back {
		for _, x := range items {
			item, _ := x.(object)
			n := number(item["quantity"])
			for _, l := range o[kind].([]any) {
				line := l.(object)
				if number(line["id"]) != number(item["id"]) {
					continue
				}
				part := s.refunded(line, item, n)
				if kind == "shipping_lines" {
					delete(part, "quantity") // deliveries aren't counted
				}
				back[kind] = append(back[kind], part)
				if restock && kind == "line_items" {
					pid := number(line["variation_id"])
					if pid == 0 {
						pid = number(line["product_id"])
					}
					s.setStock(pid, func(q int64) int64 { return q + n })
				}
			}
		}
	}
	r := object{"id": s.id(), "amount": sum, "reason": reason, "refunded_payment": false, "meta_data": []any{},
		"line_items": back["line_items"], "shipping_lines": back["shipping_lines"]}
	s.stamp(r, "date_created")
	s.refunds[id] = append(s.refunds[id], r)
	o["refunds"] = append(o["refunds"].([]any), object{"id": r["id"], "reason": reason, "total": "-" + sum})
	var sums int64
	for _, x := range s.refunds[id] {
		sums += cents(text(x["amount"]))
	}
	if sums >= cents(text(o["total"])) {
		s.setStatus(id, "refunded")
	} else {
		s.touch(id)
	}
	return r
}

// refunded is the part of a line in a refund.
func (s *Shop) refunded(line, item object, n int64) object {
	tax := int64(0)
	taxes, _ := item["refund_tax"].([]any)
	for _, t := range taxes {
		tax += cents(text(t.(object)["refund_total"]))
	}
	return object{"id": s.id(), "name": line["name"], "product_id": line["product_id"], "quantity": -n,
		"total": amount(-cents(text(item["refund_total"]))), "total_tax": amount(-tax),
		"meta_data": []any{object{"id": s.id(), "key": "_refunded_item_id", "value": strconv.FormatInt(number(line["id"]), 10)}}}
}

// Refunded is what the lines of an order's refunds come to, without tax and in tax.
func (s *Shop) Refunded(id int64) (net, tax int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refunds[id] {
		for _, l := range slices.Concat(r["line_items"].([]any), r["shipping_lines"].([]any)) {
			net -= cents(text(l.(object)["total"]))
			tax -= cents(text(l.(object)["total_tax"]))
		}
	}
	return net, tax
}
