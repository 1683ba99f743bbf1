package woocommerce

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// unclear is how long an answer that was lost is left alone: the shop may still be at it, and a payment service takes its time.
const unclear = 2 * time.Minute

// Actions implements care.ActionTaker: what can be asked twice and happens once. A status that an order has already changes nothing. With notes
// and refunds WooCommerce takes no id of ours that it would know again; so they are looked for before they are asked for a second time.
func (s *session) Actions() []care.ActionKind {
	return []care.ActionKind{care.ActionCancel, care.ActionStatus, care.ActionRefund, care.ActionNote}
}

// RefundOptions implements care.RefundTaker.
func (s *session) RefundOptions() care.RefundOptions {
	return care.RefundOptions{Lines: true, Delivery: true, Restock: true, PayBack: true}
}

// Act implements care.ActionTaker.
func (s *session) Act(ctx context.Context, a care.Action) (care.ActionAnswer, error) {
	path := "/wc/v3/orders/" + url.PathEscape(a.Order)
	var err error
	switch a.Kind {
	case care.ActionCancel:
		_, err = s.call(ctx, http.MethodPut, path, nil, map[string]string{"status": "cancelled"}, nil)
	case care.ActionStatus:
		_, err = s.call(ctx, http.MethodPut, path, nil, map[string]string{"status": a.Status}, nil)
	case care.ActionNote:
		err = lost(s.addNote(ctx, path, a))
	case care.ActionRefund:
		err = lost(s.giveBack(ctx, path, a))
	default:
		return care.ActionAnswer{State: care.ActionRefused, Reason: "WooCommerce can't do that"}, nil
	}
	return answer(err)
}

func answer(err error) (care.ActionAnswer, error) {
	var refusal *apiError
	var later *care.TemporaryError
	var keys *care.AuthError
	switch {
	case err == nil:
		return care.ActionAnswer{State: care.ActionDone}, nil
	case errors.As(err, &refusal) && refusal.Code == "woocommerce_rest_cannot_create_order_refund":
		// It says so with 500: too much, or the payment service doesn't pay back.
	case errors.As(err, &keys) && !readOnly(keys), errors.As(err, &later), !errors.As(err, &refusal):
		return care.ActionAnswer{}, err
	}
	// A status that it doesn't know, an order that is gone, a key that may only read: asking again changes nothing.
	return care.ActionAnswer{State: care.ActionRefused, Reason: refusal.Message}, nil
}

// lost puts off asking again for what may have been done without our having heard of it.
func lost(err error) error {
	var later *care.TemporaryError
	if errors.As(err, &later) && later.After < unclear {
		return &care.TemporaryError{Cause: later.Cause, After: unclear}
	}
	return err
}

// addNote writes a note into the order's journal; one to the customer is mailed by the shop.
func (s *session) addNote(ctx context.Context, path string, a care.Action) error {
	text := markup(a.Text)
	if a.Again {
		var notes list[note]
		if _, err := s.call(ctx, http.MethodGet, path+"/notes", nil, nil, &notes); err != nil {
			return err
		}
		for _, n := range notes {
			if since(n.CreatedGMT, n.Created, a) && n.Customer.yes() == a.ToCustomer && prose(n.Note) == prose(str(text)) {
				return nil
			}
		}
	}
	_, err := s.call(ctx, http.MethodPost, path+"/notes", nil, map[string]any{"note": text, "customer_note": a.ToCustomer, "added_by_user": true}, nil)
	return err
}

// since tells whether something of the shop may stem from an action, by two clocks that differ a little.
func since(gmt, local str, a care.Action) bool {
	at := moment(gmt, local, time.UTC)
	return at.IsZero() || at.After(a.AskedAt.Add(-5*time.Minute))
}

// markup writes a text so that WooCommerce, which takes notes for HTML, shows what was written.
func markup(s string) string {
	s = strings.TrimSpace(s)
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	if strings.TrimSpace(prose(str(s))) == strings.Join(lines, "\n") {
		return s
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// refundMark is the meta field by which a refund of ours is known again.
const refundMark = "_opeka_action"

type refundItem struct {
	ID       int64       `json:"id"`
	Quantity int64       `json:"quantity"`
	Total    str         `json:"refund_total"`
	Tax      []refundTax `json:"refund_tax"`
}

type refundTax struct {
	ID    int64 `json:"id"`
	Total str   `json:"refund_total"`
}

// giveBack records a refund, and with PayBack has the payment service send the money.
func (s *session) giveBack(ctx context.Context, path string, a care.Action) error {
	id := strconv.FormatInt(a.ID, 10)
	var before list[refund]
	if a.Again || len(a.Lines) > 0 || a.Delivery {
		if _, err := s.call(ctx, http.MethodGet, path+"/refunds", url.Values{"per_page": {"100"}}, nil, &before); err != nil {
			return err
		}
	}
	if a.Again {
		for _, r := range before {
			mark := metaText(r.Meta, refundMark)
			// The mark is set after the money has gone: a refund without one may be ours too.
			if mark == id || mark == "" && since(r.CreatedGMT, r.Created, a) && money(r.Amount, a.Amount.Currency).Amount == a.Amount.Amount && prose(r.Reason) == prose(str(a.Reason)) {
				return nil
			}
		}
	}
	items := []refundItem{}
	if len(a.Lines) > 0 || a.Delivery {
		var o order
		if _, err := s.call(ctx, http.MethodGet, path, nil, nil, &o); err != nil {
			return err
		}
		var err error
		if items, err = refundItems(o, before, a); err != nil {
			return err
		}
	}
	_, err := s.call(ctx, http.MethodPost, path+"/refunds", nil, map[string]any{
		"amount": a.Amount.Decimal(), "reason": a.Reason, "api_refund": a.PayBack, "api_restock": a.Restock, "line_items": items,
		"meta_data": []map[string]string{{"key": refundMark, "value": id}},
	}, nil)
	return err
}

// refundItems says what part of each line is given back, and the delivery if it is, net and by tax, so that the shop's own figures and shelves come right.
func refundItems(o order, before []refund, a care.Action) ([]refundItem, error) {
	given := map[num]num{}
	for _, r := range before {
		for _, l := range r.Lines {
			given[refundedItem(l)] += max(l.Quantity, -l.Quantity)
		}
		for _, l := range r.Delivery {
			given[refundedItem(l)] = 1 // it comes without a quantity
		}
	}
	lines := map[string]line{}
	for _, l := range o.Lines {
		lines[l.ID.String()] = l
	}
	for _, f := range o.Fees {
		lines["fee-"+f.ID.String()] = line{ID: f.ID, Name: f.Name, Quantity: 1, Total: f.Total, TotalTax: f.TotalTax, Taxes: f.Taxes}
	}
	items := []refundItem{}
	for _, want := range a.Lines {
		l, ok := lines[want.Line]
		if !ok {
			return nil, &apiError{Status: http.StatusConflict, Message: "A line of the order isn't there any more"}
		}
		if left := int64(l.Quantity - given[l.ID]); want.Quantity > left {
			return nil, &apiError{Status: http.StatusConflict, Message: plain(l.Name) + ": " + strconv.FormatInt(max(left, 0), 10) + " left to refund"}
		}
		items = append(items, part(l, want.Quantity, a.Amount.Currency))
	}
	for _, l := range o.ShippingLines {
		if a.Delivery && given[l.ID] > 0 {
			return nil, &apiError{Status: http.StatusConflict, Message: plain(l.Title) + ": refunded already"}
		}
		if a.Delivery {
			items = append(items, part(line{ID: l.ID, Quantity: 1, Total: l.Total, TotalTax: l.TotalTax, Taxes: l.Taxes}, 1, a.Amount.Currency))
		}
	}
	return items, nil
}

// refundedItem is the line of the order that a refund's line is for.
func refundedItem(l line) num {
	id, _ := strconv.ParseInt(metaText(l.Meta, "_refunded_item_id"), 10, 64)
	return num(id)
}

// part is some pieces of a line: what they cost net, and by each tax, so that together it is the pieces' price to the last kopiyka.
func part(l line, pieces int64, currency string) refundItem {
	item := refundItem{ID: int64(l.ID), Quantity: pieces, Tax: []refundTax{}}
	net := money(l.Total, currency).Add(money(l.TotalTax, currency)).Part(pieces, int64(l.Quantity))
	for _, t := range l.Taxes {
		tax := money(t.Total, currency).Part(pieces, int64(l.Quantity))
		net.Amount -= tax.Amount
		item.Tax = append(item.Tax, refundTax{int64(t.ID), str(tax.Decimal())})
	}
	item.Total = str(net.Decimal())
	return item
}
