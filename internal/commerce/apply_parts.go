package commerce

import (
	"context"
	"fmt"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
)

const (
	upsertPayment = `INSERT INTO payments (id, order_id, store_id, external_id, method, state, amount, currency, reference, error, paid_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (order_id, external_id) DO UPDATE SET method = excluded.method, state = excluded.state, amount = excluded.amount, currency = excluded.currency,
    reference = excluded.reference, error = excluded.error, paid_at = excluded.paid_at`
	addStep = `INSERT INTO payment_steps (payment_id, at, state, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	upsertShipment = `INSERT INTO shipments (id, order_id, store_id, external_id, carrier, tracking_number, tracking_url, state, pickup_ref, eta_at, shipped_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (order_id, external_id) DO UPDATE SET carrier = excluded.carrier, tracking_number = excluded.tracking_number, tracking_url = excluded.tracking_url,
    state = excluded.state, pickup_ref = excluded.pickup_ref, eta_at = excluded.eta_at, shipped_at = excluded.shipped_at`
	addCheckpoint = `INSERT INTO checkpoints (shipment_id, at, state, text, place) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

	upsertRefund = `INSERT INTO refunds (id, order_id, store_id, external_id, amount, currency, reason, state, refunded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (order_id, external_id) DO UPDATE SET amount = excluded.amount, currency = excluded.currency, reason = excluded.reason, state = excluded.state, refunded_at = excluded.refunded_at`
	upsertReturn = `INSERT INTO returns (id, order_id, store_id, external_id, state, reason, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (order_id, external_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, requested_at = excluded.requested_at`
	addHistory = `INSERT INTO order_history (id, order_id, external_id, at, status, text, author, to_customer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (order_id, external_id) DO UPDATE SET status = excluded.status, text = excluded.text, author = excluded.author, to_customer = excluded.to_customer`
)

// saveParts writes payments with their course, parcels with their checkpoints, refunds and returns. It
// returns their ids by "noun:external id". at is when the shop changed the order.
func (a *applier) saveParts(ctx context.Context, order int64, before *orderState, after orderState, at db.Time) (map[string]int64, error) {
	ids := map[string]int64{}
	var old care.ShopOrder
	if before != nil {
		old = before.Order
		rows, err := a.q.PartsOf(ctx, order)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			ids[r.Kind+":"+r.ExternalID] = r.ID
		}
	}
	id := func(noun, external string) int64 {
		key := noun + ":" + external
		if ids[key] == 0 {
			ids[key] = a.tx.ID()
		}
		return ids[key]
	}
	o := after.Order
	for _, p := range o.Payments {
		a.savePayment(order, id("payment", p.ExternalID), old.Payments, p, o.Currency, at)
	}
	for _, s := range o.Shipments {
		a.saveShipment(order, id("shipment", s.ExternalID), old.Shipments, s, at)
	}
	for _, r := range o.Refunds {
		state := "pending"
		switch {
		case r.Failed:
			state = "failed"
		case r.Settled:
			state = "settled"
		}
		when := db.At(r.At)
		if when == 0 {
			when = at
		}
		a.tx.Defer(upsertRefund, id("refund", r.ExternalID), order, a.conn.Store, r.ExternalID, r.Amount.Amount, currency(r.Amount, o.Currency), cut(r.Reason), state, when)
	}
	for _, r := range o.Returns {
		when := db.At(r.At)
		if when == 0 {
			when = at
		}
		a.tx.Defer(upsertReturn, id("return", r.ExternalID), order, a.conn.Store, r.ExternalID, string(r.State), cut(r.Reason), when)
	}
	if before != nil {
		a.dropGone("payments", order, keysOf(old.Payments, func(p care.ShopPayment) string { return p.ExternalID }), keysOf(o.Payments, func(p care.ShopPayment) string { return p.ExternalID }))
		a.dropGone("shipments", order, keysOf(old.Shipments, func(p care.ShopShipment) string { return p.ExternalID }), keysOf(o.Shipments, func(p care.ShopShipment) string { return p.ExternalID }))
		a.dropGone("refunds", order, keysOf(old.Refunds, func(p care.ShopRefund) string { return p.ExternalID }), keysOf(o.Refunds, func(p care.ShopRefund) string { return p.ExternalID }))
		a.dropGone("returns", order, keysOf(old.Returns, func(p care.ShopReturn) string { return p.ExternalID }), keysOf(o.Returns, func(p care.ShopReturn) string { return p.ExternalID }))
	}
	return ids, nil
}

// dropGone removes parts that the shop no longer tells of.
func (a *applier) dropGone(table string, order int64, before, now []string) {
	have := map[string]bool{}
	for _, k := range now {
		have[k] = true
	}
	for _, k := range before {
		if !have[k] {
			a.tx.Defer(`DELETE FROM `+table+` WHERE order_id = $1 AND external_id = $2`, order, k)
		}
	}
}

func keysOf[T any](parts []T, key func(T) string) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = key(p)
	}
	return out
}

func (a *applier) savePayment(order, id int64, old []care.ShopPayment, p care.ShopPayment, orderCurrency string, at db.Time) {
	a.tx.Defer(upsertPayment, id, order, a.conn.Store, p.ExternalID, p.Method, string(p.State), p.Amount.Amount, currency(p.Amount, orderCurrency), p.Reference, cut(p.Error), db.At(p.At))
	for _, s := range p.Course {
		a.tx.Defer(addStep, id, db.At(s.At), string(s.State), cut(s.Note))
	}
	var was care.ShopPayment
	for _, o := range old {
		if o.ExternalID == p.ExternalID {
			was = o
		}
	}
	if was.State == p.State || len(p.Course) > 0 && p.Course[len(p.Course)-1].State == p.State {
		return
	}
	when := db.At(p.At)
	if when == 0 || was.State != "" && !p.At.After(was.At) {
		when = at // the shop's time of the payment is that of its beginning
	}
	a.tx.Defer(addStep, id, when, string(p.State), cut(p.Error))
}

func (a *applier) saveShipment(order, id int64, old []care.ShopShipment, s care.ShopShipment, at db.Time) {
	a.tx.Defer(upsertShipment, id, order, a.conn.Store, s.ExternalID, s.Carrier, s.Tracking, s.TrackingURL, string(s.State), s.PickupPoint, db.At(s.ETA), db.At(s.ShippedAt))
	for _, c := range s.Checkpoints {
		a.tx.Defer(addCheckpoint, id, db.At(c.At), string(c.State), cut(c.Text), c.Place)
	}
	was := care.ShipmentState("")
	for _, o := range old {
		if o.ExternalID == s.ExternalID {
			was = o.State
		}
	}
	if was == s.State || len(s.Checkpoints) > 0 {
		return
	}
	when := at
	if was == "" && !s.ShippedAt.IsZero() {
		when = db.At(s.ShippedAt)
	}
	a.tx.Defer(addCheckpoint, id, when, string(s.State), "", "")
}

// saveHistory keeps the shop's journal. A shop without one gets the changes of status that we saw, at its times.
func (a *applier) saveHistory(order int64, before *orderState, after orderState, changed, placed db.Time) {
	known := map[string]care.ShopHistory{}
	if before != nil {
		for _, h := range before.Order.History {
			known[h.ExternalID] = h
		}
	}
	for _, h := range after.Order.History {
		if was, ok := known[h.ExternalID]; !ok || was != h {
			a.tx.Defer(addHistory, a.tx.ID(), order, h.ExternalID, db.At(h.At), h.Status, h.Text, h.Author, h.ToCustomer)
		}
	}
	raw := after.Axes.RawStatus
	if len(after.Order.History) > 0 || raw == "" || before != nil && before.Axes.RawStatus == raw {
		return
	}
	at := changed
	if before == nil {
		at = placed
	}
	a.tx.Defer(addHistory, a.tx.ID(), order, fmt.Sprintf("seen:%d:%s", int64(at), raw), at, raw, "", "", false)
}

func currency(m care.Money, fallback string) string {
	if m.Currency != "" {
		return m.Currency
	}
	return fallback
}

func nounOf(event string) string {
	noun, _, _ := strings.Cut(event, ".")
	return noun
}
