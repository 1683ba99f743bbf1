package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/job"
)

func (a *applier) customer(ctx context.Context, it item) (outcome, error) {
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	if it.Deleted {
		return deleted, nil // what happened with the person stays; only the shop's account is gone
	}
	p := *it.Data.(*care.ShopCustomer)
	region := a.store.region
	if len(p.Country) == 2 {
		region = p.Country
	}
	for _, addr := range p.Addresses {
		p.Phones = append(p.Phones, addr.Phone)
	}
	// A shop lets an e-mail address have one account only, and sends its letters there: it counts as the owner's.
	ids := contactsOf(p.Emails, p.Phones, region, !p.Guest)
	if !p.Guest {
		ids = append(ids, a.account(it.ExternalID))
	}
	if len(ids) == 0 {
		return k.done(), nil
	}
	who, err := a.m.customers.Recognise(ctx, a.tx, a.conn.Store, ids, customer.Hint{Name: p.Name, Language: p.Language, Birthday: p.Birthday, Vouched: true})
	if err != nil {
		return 0, err
	}
	a.setLocal(it, who.Owner)
	return k.done(), nil
}

func (a *applier) location(ctx context.Context, it item) (outcome, error) {
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	if it.Deleted {
		a.tx.Defer(`UPDATE locations SET archived = TRUE WHERE connection_id = $1 AND external_id = $2`, a.conn.ID, it.ExternalID)
		return deleted, nil
	}
	l := it.Data.(*care.ShopLocation)
	external := it.ExternalID
	if l.Default {
		// Stock that comes without a location is here.
		if _, err := a.place(ctx, ""); err != nil {
			return 0, err
		}
		a.tx.Defer(`UPDATE locations SET name = $1, address = $2 WHERE connection_id = $3 AND external_id = ''`, l.Name, asJSON(l.Address), a.conn.ID)
	}
	return k.done(), a.q.SavePlace(ctx, query.SavePlaceParams{ID: k.local, StoreID: a.conn.Store, ConnectionID: a.conn.ID, ExternalID: external, Name: l.Name, Address: asJSON(l.Address)})
}

const upsertPickup = `INSERT INTO pickup_points (id, store_id, connection_id, external_id, name, address, phone, hours, route, notice, lat, lon, location_ref, archived)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, FALSE)
ON CONFLICT (connection_id, external_id) DO UPDATE SET name = excluded.name, address = excluded.address, phone = excluded.phone, hours = excluded.hours, route = excluded.route,
    notice = excluded.notice, lat = excluded.lat, lon = excluded.lon, location_ref = excluded.location_ref, archived = FALSE`

func (a *applier) pickupPoint(ctx context.Context, it item) (outcome, error) {
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	if it.Deleted {
		a.tx.Defer(`UPDATE pickup_points SET archived = TRUE WHERE connection_id = $1 AND external_id = $2`, a.conn.ID, it.ExternalID)
		return deleted, nil
	}
	p := it.Data.(*care.ShopPickupPoint)
	a.tx.Defer(upsertPickup, k.local, a.conn.Store, a.conn.ID, it.ExternalID, p.Name, asJSON(p.Address), p.Phone, p.Hours, cut(p.Route), cut(p.Notice), p.Lat, p.Lon, p.Location)
	return k.done(), nil
}

func (a *applier) invoice(ctx context.Context, it item) (outcome, error) {
	var v care.ShopInvoice
	var order query.OrderByKeyRow
	if !it.Deleted {
		v = *it.Data.(*care.ShopInvoice)
		var err error
		order, err = a.q.OrderByKey(ctx, query.OrderByKeyParams{ConnectionID: a.conn.ID, ExternalID: v.Order})
		if errors.Is(err, db.ErrNoRows) {
			return parkedNow, a.park(ctx, it, care.KindOrder, v.Order)
		}
		if err != nil {
			return 0, err
		}
	}
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	var old care.ShopInvoice
	if !k.first {
		if err := json.Unmarshal(k.data, &old); err != nil {
			return 0, err
		}
	}
	if it.Deleted {
		v = old
		v.Cancelled = true
		if order, err = a.q.OrderByKey(ctx, query.OrderByKeyParams{ConnectionID: a.conn.ID, ExternalID: v.Order}); err != nil {
			return 0, err
		}
	}
	issued := db.At(v.IssuedAt)
	if issued == 0 {
		issued = db.At(a.tx.Now)
	}
	a.tx.Defer(`INSERT INTO invoices (id, store_id, connection_id, external_id, order_id, number, total, currency, url, cancelled, issued_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (connection_id, external_id) DO UPDATE SET number = excluded.number, total = excluded.total, currency = excluded.currency, url = excluded.url, cancelled = excluded.cancelled`,
		k.local, a.conn.Store, a.conn.ID, it.ExternalID, order.ID, v.Number, v.Total.Amount, currency(v.Total, a.store.currency), v.URL, v.Cancelled, issued)
	payload := care.InvoiceEvent{Order: order.ID, Customer: order.CustomerID, Number: v.Number, Total: v.Total, URL: v.URL, Backfill: a.o.Backfill}
	switch {
	case v.Cancelled && !old.Cancelled:
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: care.EventInvoiceCancelled, Subject: k.local, Payload: payload})
	case k.first:
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: care.EventInvoiceIssued, Subject: k.local, Payload: payload})
	}
	if it.Deleted {
		return deleted, nil
	}
	return k.done(), nil
}

// States of a cart.
const (
	cartActive    = "active"
	cartAbandoned = "abandoned"
	cartOrdered   = "ordered"
	cartEmptied   = "emptied"

	cartPatience = time.Hour // without a change, after which a cart counts as abandoned
	jobCart      = "commerce.cart"
)

func (a *applier) cart(ctx context.Context, it item) (outcome, error) {
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	was, err := a.q.CartAsKept(ctx, k.local)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return 0, err
	}
	if it.Deleted {
		a.tx.Defer(`UPDATE carts SET state = $1 WHERE id = $2`, cartEmptied, k.local)
		return deleted, nil
	}
	c := *it.Data.(*care.ShopCart)
	who, err := a.resolve(ctx, c.Customer, a.store.region)
	if err == nil && who.Owner == 0 && was.CustomerID != 0 {
		who.Owner = was.CustomerID
		who.Customer, err = customer.Head(ctx, a.tx, who.Owner)
	}
	if err != nil {
		return 0, err
	}
	at := a.asOf(it)
	if !c.UpdatedAt.IsZero() {
		at = db.At(c.UpdatedAt)
	}
	due := at.Add(cartPatience)
	state := cartActive
	switch {
	case c.Order != "":
		state = cartOrdered
	case len(c.Lines) == 0:
		state = cartEmptied
	case a.o.Backfill && due < db.At(a.tx.Now):
		state = cartAbandoned
	}
	cur := currency(c.Total, a.store.currency)
	a.tx.Defer(`INSERT INTO carts (id, store_id, connection_id, external_id, customer_id, state, total, currency, lines, url, order_ref, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (connection_id, external_id) DO UPDATE SET customer_id = excluded.customer_id, state = excluded.state, total = excluded.total, currency = excluded.currency,
    lines = excluded.lines, url = excluded.url, order_ref = excluded.order_ref, updated_at = excluded.updated_at`,
		k.local, a.conn.Store, a.conn.ID, it.ExternalID, who.Owner, state, c.Total.Amount, cur, asJSON(c.Lines), c.URL, c.Order, at)
	emit := func(kind string) {
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: kind, Subject: k.local, Payload: care.CartEvent{Cart: k.local, Customer: who.Customer, Connection: a.conn.ID, Total: care.Money{Amount: c.Total.Amount, Currency: cur}, Backfill: a.o.Backfill}})
	}
	if was.State == cartAbandoned && (state == cartActive || state == cartOrdered) {
		emit(care.EventCartRecovered)
	}
	emit(care.EventCartUpdated)
	if state == cartActive {
		a.tx.Enqueue(db.Job{Store: a.conn.Store, Kind: jobCart, Key: fmt.Sprint(k.local), Move: true, RunAt: due.Time(), Payload: k.local})
	} else {
		a.tx.CancelJob(jobCart, fmt.Sprint(k.local))
	}
	if who.Customer != 0 {
		a.m.hint(a.tx, a.conn.Store, map[string]any{"t": "customer", "customer_id": who.Customer})
	}
	return k.done(), nil
}

// abandon gives a cart up that nobody has touched for a while.
func (m *Commerce) abandon(ctx context.Context, tx *db.Tx, j job.Job) error {
	var id int64
	if err := j.Decode(&id); err != nil {
		return err
	}
	var e care.CartEvent
	var store int64
	err := tx.QueryRow(ctx, `UPDATE carts SET state = $1 WHERE id = $2 AND state = $3 AND updated_at <= $4 RETURNING store_id, customer_id, connection_id, total, currency`,
		cartAbandoned, id, cartActive, db.At(tx.Now.Add(-cartPatience))).Scan(&store, &e.Customer, &e.Connection, &e.Total.Amount, &e.Total.Currency)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	e.Cart = id
	tx.Emit(db.Event{Store: store, Type: care.EventCartAbandoned, Subject: id, Payload: e})
	return nil
}
