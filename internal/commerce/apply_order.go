package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/find"
	"opeka/internal/text"
)

func (a *applier) order(ctx context.Context, it item) (outcome, error) {
	var o care.ShopOrder
	if !it.Deleted {
		o = *it.Data.(*care.ShopOrder)
	}
	k, oc, err := a.look(ctx, it, o.RawStatus)
	if err != nil || oc != 0 {
		if oc == unchanged {
			a.tx.Defer(`UPDATE orders SET fetched_at = $1 WHERE id = $2`, db.At(a.tx.Now), k.local)
		}
		return oc, err
	}
	before, customerID, err := a.orderBefore(ctx, k)
	if err != nil {
		return 0, err
	}
	if it.Deleted {
		return deleted, a.orderGone(it, k.local, customerID, before)
	}
	who := customer.Recognised{Owner: customerID}
	if before == nil || customerID == 0 || before.Order.Customer != o.Customer {
		who, err = a.customerOf(ctx, o)
	} else {
		who.Customer, err = customer.Head(ctx, a.tx, customerID)
	}
	if err != nil {
		return 0, err
	}
	m, err := a.meaning(ctx, o.RawStatus, before == nil || before.Axes.RawStatus != o.RawStatus)
	if err != nil {
		return 0, err
	}
	after := orderState{Order: o, Axes: axesOf(&o, m)}
	return k.done(), a.saveOrder(ctx, it, k.local, who, before, after)
}

// orderBefore loads what is kept of an order; nil when it was never more than a tombstone.
func (a *applier) orderBefore(ctx context.Context, k kept) (*orderState, int64, error) {
	if k.first {
		return nil, 0, nil
	}
	row, err := a.q.OrderAsKept(ctx, k.local)
	if errors.Is(err, db.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	s := &orderState{Axes: care.OrderAxes{
		Order: care.OrderState(row.OrderState), Payment: care.PaymentState(row.PaymentState), Fulfilment: care.FulfilmentState(row.FulfilmentState),
		Shipment: care.ShipmentState(row.ShipmentState), Stage: care.Stage(row.Stage), RawStatus: row.RawStatus,
	}}
	if err := json.Unmarshal(k.data, &s.Order); err != nil {
		return nil, 0, fmt.Errorf("kept order: %w", err)
	}
	return s, row.CustomerID, nil
}

// customerOf finds or makes the customer of an order: by his account, else by what he typed; 0 when nothing is told.
func (a *applier) customerOf(ctx context.Context, o care.ShopOrder) (customer.Recognised, error) {
	name, region := o.Customer.Name, a.store.region
	for _, addr := range []care.Address{o.BillTo, o.ShipTo} {
		if name == "" {
			name = addr.Name
		}
		if o.Customer.Email == "" {
			o.Customer.Email = addr.Email
		}
		if o.Customer.Phone == "" {
			o.Customer.Phone = addr.Phone
		}
		if len(addr.Country) == 2 && region == a.store.region {
			region = addr.Country
		}
	}
	o.Customer.Name = name
	return a.resolve(ctx, o.Customer, region)
}

func (a *applier) resolve(ctx context.Context, ref care.CustomerRef, region string) (customer.Recognised, error) {
	ids := contactsOf([]string{ref.Email}, []string{ref.Phone}, region, false)
	if ref.ExternalID != "" {
		ids = append(ids, a.account(ref.ExternalID))
	}
	if ref.Visitor != "" {
		ids = append(ids, care.Identity{Kind: care.IdentityVisitor, Value: ref.Visitor})
	}
	if len(ids) == 0 {
		return customer.Recognised{}, nil
	}
	return a.m.customers.Recognise(ctx, a.tx, a.conn.Store, ids, customer.Hint{Name: ref.Name, Language: ref.Language, Vouched: true})
}

func (a *applier) account(external string) care.Identity {
	return care.Identity{Kind: care.IdentityShop, Value: fmt.Sprintf("%d:%s", a.conn.ID, external), Verified: true}
}

// contactsOf makes identities of what can be read; a shop's odd values are no reason to refuse a record.
func contactsOf(emails, phones []string, region string, verifiedEmails bool) []care.Identity {
	var ids []care.Identity
	for _, e := range emails {
		if id, err := customer.ContactOf(care.IdentityEmail, e, ""); err == nil {
			id.Verified = verifiedEmails
			ids = append(ids, id)
		}
	}
	for _, p := range phones {
		if n := text.ParsePhone(p, region); n.Resolved() {
			ids = append(ids, care.Identity{Kind: care.IdentityPhone, Value: n.E164, Display: p})
		}
	}
	return ids
}

const upsertOrder = `INSERT INTO orders (id, store_id, connection_id, external_id, customer_id, customer_ref, number, external_url, raw_status,
    order_state, payment_state, fulfilment_state, shipment_state, stage, open, currency, total, shipping_total, discount_total, tax_total, placed_total, item_count,
    ship_to, bill_to, ship_method, pay_method, pickup_ref, note, tags, custom, placed_at, promised_at, updated_at, fetched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $17, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)
ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, customer_ref = excluded.customer_ref, number = excluded.number, external_url = excluded.external_url,
    raw_status = excluded.raw_status, order_state = excluded.order_state, payment_state = excluded.payment_state, fulfilment_state = excluded.fulfilment_state,
    shipment_state = excluded.shipment_state, stage = excluded.stage, open = excluded.open, currency = excluded.currency, total = excluded.total,
    shipping_total = excluded.shipping_total, discount_total = excluded.discount_total, tax_total = excluded.tax_total,
    placed_total = CASE WHEN orders.order_state = 'draft' THEN excluded.placed_total ELSE orders.placed_total END,
    item_count = excluded.item_count, ship_to = excluded.ship_to, bill_to = excluded.bill_to, ship_method = excluded.ship_method, pay_method = excluded.pay_method,
    pickup_ref = excluded.pickup_ref, note = excluded.note, tags = excluded.tags, custom = excluded.custom, deleted = FALSE,
    placed_at = CASE WHEN $34 THEN excluded.placed_at ELSE orders.placed_at END, promised_at = excluded.promised_at, updated_at = excluded.updated_at, fetched_at = excluded.fetched_at`

// saveOrder writes the new state and emits what has happened since the old one.
func (a *applier) saveOrder(ctx context.Context, it item, id int64, who customer.Recognised, before *orderState, after orderState) error {
	o, x := after.Order, after.Axes
	now := db.At(a.tx.Now)
	changed := db.At(it.UpdatedAt)
	if changed == 0 {
		changed = now
	}
	placed := db.At(o.PlacedAt)
	if placed == 0 {
		placed = changed
	}
	var items int64
	for _, l := range o.Lines {
		items += l.Quantity
	}
	a.tx.Defer(upsertOrder, id, a.conn.Store, a.conn.ID, it.ExternalID, who.Owner, o.Customer.ExternalID, o.Number, o.URL, o.RawStatus,
		string(x.Order), string(x.Payment), string(x.Fulfilment), string(x.Shipment), string(x.Stage), stillOpen(after), o.Currency, o.Total.Amount, o.Shipping.Amount,
		o.Discount.Amount, o.Tax.Amount, items, asJSON(o.ShipTo), asJSON(o.BillTo), o.ShipMethod, o.PayMethod, o.PickupID, o.Note, asJSON(o.Tags), asJSON(o.Custom),
		placed, db.At(o.PromisedAt), changed, now, !o.PlacedAt.IsZero())
	var old care.ShopOrder
	if before != nil {
		old = before.Order
	}
	if before == nil || !reflect.DeepEqual(old.Lines, o.Lines) {
		if err := a.saveLines(ctx, id, o.Lines, before == nil || before.Axes.Order == care.OrderDraft); err != nil {
			return err
		}
	}
	ids, err := a.saveParts(ctx, id, before, after, changed)
	if err != nil {
		return err
	}
	a.saveHistory(id, before, after, changed, placed)
	a.emitOrder(id, who.Customer, before, after, ids)
	if before == nil {
		if err := a.arrived(ctx, care.KindOrder, []string{it.ExternalID}); err != nil {
			return err
		}
	}
	return a.indexOrder(ctx, id, who.Customer, placed, o)
}

// emitOrder tells what happened; the subject of a part's event is the part.
func (a *applier) emitOrder(id, customerID int64, before *orderState, after orderState, ids map[string]int64) {
	payload := care.OrderEvent{Order: id, Customer: customerID, Connection: a.conn.ID, Number: after.Order.Number, After: after.Axes, Backfill: a.o.Backfill}
	if before != nil {
		payload.Before = before.Axes
	}
	for _, c := range diffOrder(before, after) {
		payload.Part = c.Part
		subject := id
		if c.Part != "" {
			subject = ids[nounOf(c.Type)+":"+c.Part]
		}
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: c.Type, Subject: subject, Payload: payload})
	}
	if customerID != 0 {
		a.m.hint(a.tx, a.conn.Store, map[string]any{"t": "customer", "customer_id": customerID, "order_id": id})
	}
}

func (a *applier) orderGone(it item, id, customerID int64, before *orderState) error {
	if before == nil {
		return nil
	}
	a.tx.Defer(`UPDATE orders SET deleted = TRUE, open = FALSE, fetched_at = $1 WHERE id = $2`, db.At(a.tx.Now), id)
	a.tx.Emit(db.Event{Store: a.conn.Store, Type: care.EventOrderUpdated, Subject: id, Payload: care.OrderEvent{
		Order: id, Customer: customerID, Connection: a.conn.ID, Number: before.Order.Number, Before: before.Axes, After: before.Axes, Backfill: a.o.Backfill,
	}})
	return nil
}

// stillOpen tells whether something may yet happen: the stage says so, or money or goods are on their way back.
func stillOpen(s orderState) bool {
	for _, r := range s.Order.Refunds {
		if !r.Settled && !r.Failed {
			return true
		}
	}
	for _, r := range s.Order.Returns {
		switch r.State {
		case care.ReturnRequested, care.ReturnApproved, care.ReturnInTransit, care.ReturnReceived:
			return true
		}
	}
	return s.Axes.Stage.Open()
}

const upsertLine = `INSERT INTO order_lines (id, order_id, store_id, connection_id, position, external_id, variant_ref, variant_id, sku, name, quantity, placed_quantity, price, total)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)
ON CONFLICT (order_id, position) DO UPDATE SET
    placed_quantity = CASE WHEN $14 OR order_lines.variant_ref <> excluded.variant_ref OR order_lines.sku <> excluded.sku THEN excluded.quantity ELSE order_lines.placed_quantity END,
    external_id = excluded.external_id, variant_ref = excluded.variant_ref, variant_id = excluded.variant_id, sku = excluded.sku,
    name = excluded.name, quantity = excluded.quantity, price = excluded.price, total = excluded.total`

// saveLines writes the lines with the variants they are known to mean; the others wait for theirs.
func (a *applier) saveLines(ctx context.Context, order int64, lines []care.ShopLine, fresh bool) error {
	var refs, skus []string
	for _, l := range lines {
		if l.Variant != "" {
			refs = append(refs, l.Variant)
		}
		if l.SKU != "" {
			skus = append(skus, l.SKU)
		}
	}
	byRef, bySKU := map[string]int64{}, map[string]int64{}
	if len(refs) > 0 {
		rows, err := a.q.VariantRefs(ctx, query.VariantRefsParams{ConnectionID: a.conn.ID, Column2: refs})
		if err != nil {
			return err
		}
		for _, r := range rows {
			byRef[r.ExternalID] = r.ID
		}
	}
	if len(skus) > 0 {
		rows, err := a.q.VariantSKUs(ctx, query.VariantSKUsParams{StoreID: a.conn.Store, ConnectionID: a.conn.ID, Column3: skus})
		if err != nil {
			return err
		}
		for _, r := range rows {
			bySKU[r.Sku] = r.ID
		}
	}
	for i, l := range lines {
		variant := byRef[l.Variant]
		if variant == 0 {
			variant = bySKU[l.SKU]
		}
		a.tx.Defer(upsertLine, a.tx.ID(), order, a.conn.Store, a.conn.ID, int64(i), l.ExternalID, l.Variant, variant, l.SKU, l.Name, l.Quantity, l.Price.Amount, l.Total.Amount, fresh)
	}
	a.tx.Defer(`DELETE FROM order_lines WHERE order_id = $1 AND position >= $2`, order, int64(len(lines)))
	return nil
}

func (a *applier) indexOrder(ctx context.Context, id, customerID int64, placed db.Time, o care.ShopOrder) error {
	if a.m.index == nil {
		return nil
	}
	return a.m.index.Put(ctx, a.tx, a.conn.Store, find.Order, id, orderEntry(customerID, placed, o))
}

// orderEntry is what an order is found by: its number, its parcels, and whom it goes to.
func orderEntry(customerID int64, placed db.Time, o care.ShopOrder) find.Entry {
	e := find.Entry{Title: o.Number, Customer: customerID, Numbers: []string{o.Number}, Recency: placed}
	for _, s := range o.Shipments {
		if s.Tracking != "" {
			e.Tracking = append(e.Tracking, s.Tracking)
		}
	}
	for _, a := range []care.Address{o.ShipTo, o.BillTo} {
		if a.Name != "" && !slices.Contains(e.Names, a.Name) {
			e.Names = append(e.Names, a.Name)
		}
	}
	if e.Subtitle = o.Customer.Name; e.Subtitle == "" && len(e.Names) > 0 {
		e.Subtitle = e.Names[0]
	}
	return e
}

func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of ours
	}
	return b
}
