package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/find"
	"opeka/internal/text"
)

const (
	upsertProduct = `INSERT INTO products (id, store_id, connection_id, external_id, name, folded, url, image_url, categories, archived, virtual, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded, url = excluded.url, image_url = excluded.image_url, categories = excluded.categories,
    archived = excluded.archived, virtual = excluded.virtual, updated_at = excluded.updated_at`
	upsertVariant = `INSERT INTO variants (id, store_id, connection_id, product_id, external_id, sku, barcode, name, options, price, old_price, currency, backorder, untracked, position, archived)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, FALSE)
ON CONFLICT (connection_id, external_id) DO UPDATE SET product_id = excluded.product_id, sku = excluded.sku, barcode = excluded.barcode, name = excluded.name,
    options = excluded.options, price = excluded.price, old_price = excluded.old_price, currency = excluded.currency, backorder = excluded.backorder,
    untracked = excluded.untracked, position = excluded.position, archived = FALSE`
	upsertLevel = `INSERT INTO stock_levels (variant_id, location_id, store_id, on_hand, reserved, available, incoming, incoming_at, as_of_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (variant_id, location_id) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved, available = excluded.available,
    incoming = excluded.incoming, incoming_at = excluded.incoming_at, as_of_at = excluded.as_of_at`
)

func (a *applier) product(ctx context.Context, it item) (outcome, error) {
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		return oc, err
	}
	if it.Deleted {
		return deleted, a.productGone(k)
	}
	p := *it.Data.(*care.ShopProduct)
	var old *care.ShopProduct
	if !k.first && string(k.data) != "null" {
		old = &care.ShopProduct{}
		if err := json.Unmarshal(k.data, old); err != nil {
			return 0, err
		}
	}
	words := []string{p.Name}
	for _, v := range p.Variants {
		words = append(words, v.SKU, v.Barcode, v.Name)
	}
	at := db.At(it.UpdatedAt)
	if at == 0 {
		at = db.At(a.tx.Now)
	}
	a.tx.Defer(upsertProduct, k.local, a.conn.Store, a.conn.ID, it.ExternalID, p.Name, text.Fold(strings.Join(words, " ")), p.URL, p.ImageURL, asJSON(p.Categories), p.Archived, p.Virtual, at)
	if err := a.saveVariants(ctx, k.local, p); err != nil {
		return 0, err
	}
	payload := care.ProductEvent{Product: k.local, Connection: a.conn.ID, Name: p.Name, Backfill: a.o.Backfill}
	emit := func(kind string) {
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: kind, Subject: k.local, Payload: payload})
	}
	switch {
	case old == nil:
		emit(care.EventProductCreated)
	case p.Archived && !old.Archived:
		emit(care.EventProductArchived)
	case !sameProduct(*old, p):
		emit(care.EventProductUpdated)
	}
	if a.m.index != nil {
		if err := a.m.index.Put(ctx, a.tx, a.conn.Store, find.Product, k.local, productEntry(p, at)); err != nil {
			return 0, err
		}
	}
	return k.done(), nil
}

// productEntry is what a product is found by: its name, SKUs and barcodes.
func productEntry(p care.ShopProduct, at db.Time) find.Entry {
	e := find.Entry{Title: p.Name, Names: []string{p.Name}, Recency: at}
	for _, v := range p.Variants {
		for _, code := range []string{v.SKU, v.Barcode} {
			if code != "" && len(e.Codes) < 100 {
				e.Codes = append(e.Codes, code)
			}
		}
	}
	if len(e.Codes) > 0 {
		e.Subtitle = e.Codes[0]
	}
	return e
}

func (a *applier) productGone(k kept) error {
	a.tx.Defer(`UPDATE products SET archived = TRUE WHERE id = $1`, k.local)
	a.tx.Defer(`UPDATE variants SET archived = TRUE WHERE product_id = $1`, k.local)
	var p care.ShopProduct
	if err := json.Unmarshal(k.data, &p); err != nil {
		return err
	}
	if !p.Archived {
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: care.EventProductArchived, Subject: k.local, Payload: care.ProductEvent{Product: k.local, Connection: a.conn.ID, Name: p.Name, Backfill: a.o.Backfill}})
	}
	return nil
}

// sameProduct compares products apart from their stock, which has events of its own.
func sameProduct(a, b care.ShopProduct) bool {
	strip := func(p care.ShopProduct) string {
		p.Variants = slices.Clone(p.Variants)
		for i := range p.Variants {
			p.Variants[i].Stock = nil
		}
		return string(asJSON(p))
	}
	return strip(a) == strip(b)
}

// saveVariants writes the variants with the stock that came with them; lines and levels that waited for a new one find it.
func (a *applier) saveVariants(ctx context.Context, product int64, p care.ShopProduct) error {
	refs := make([]string, len(p.Variants))
	for i, v := range p.Variants {
		refs[i] = v.ExternalID
	}
	rows, err := a.q.VariantsOf(ctx, query.VariantsOfParams{ProductID: product, ConnectionID: a.conn.ID, Column3: refs})
	if err != nil {
		return err
	}
	ids := map[string]int64{}
	for _, r := range rows {
		ids[r.ExternalID] = r.ID
		if r.ProductID == product && !slices.Contains(refs, r.ExternalID) {
			a.tx.Defer(`UPDATE variants SET archived = TRUE WHERE id = $1`, r.ID)
		}
	}
	var fresh []string
	stocked := map[int64]care.ShopVariant{}
	for i, v := range p.Variants {
		id := ids[v.ExternalID]
		if id == 0 {
			id = a.tx.ID()
			fresh = append(fresh, v.ExternalID)
			if v.SKU != "" {
				fresh = append(fresh, v.SKU)
			}
			a.tx.Defer(`UPDATE order_lines SET variant_id = $1 WHERE connection_id = $2 AND variant_ref = $3 AND variant_id = 0`, id, a.conn.ID, v.ExternalID)
			if v.SKU != "" {
				a.tx.Defer(`UPDATE order_lines SET variant_id = $1 WHERE connection_id = $2 AND sku = $3 AND variant_id = 0`, id, a.conn.ID, v.SKU)
			}
		}
		var oldPrice int64
		if v.OldPrice != nil {
			oldPrice = v.OldPrice.Amount
		}
		cur := currency(v.Price, a.store.currency)
		a.tx.Defer(upsertVariant, id, a.conn.Store, a.conn.ID, product, v.ExternalID, v.SKU, v.Barcode, v.Name, asJSON(v.Options), v.Price.Amount, oldPrice, cur, v.Backorder, v.Untracked, int64(i))
		if v.Stock != nil {
			stocked[id] = v
		}
	}
	if len(stocked) > 0 {
		if err := a.stockOfVariants(ctx, stocked); err != nil {
			return err
		}
	}
	return a.arrived(ctx, care.KindProduct, fresh)
}

// stockOfVariants applies stock that came inside of products: that of the connection's default location, unless it names another.
func (a *applier) stockOfVariants(ctx context.Context, variants map[int64]care.ShopVariant) error {
	ids := make([]int64, 0, len(variants))
	for id := range variants {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	levels, err := a.levels(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		v := variants[id]
		place, err := a.place(ctx, v.Stock.Location)
		if err != nil {
			return err
		}
		a.setLevel(id, levels[id], levelOf(*v.Stock, place), db.At(a.tx.Now), v.Untracked)
	}
	return nil
}

// stock applies the level of one variant at one location.
func (a *applier) stock(ctx context.Context, it item) (outcome, error) {
	var s care.ShopStock
	if it.Deleted {
		s.Variant, s.Location, _ = strings.Cut(it.ExternalID, "@")
	} else {
		s = *it.Data.(*care.ShopStock)
	}
	variant, untracked, err := a.variant(ctx, s.Variant)
	if err != nil {
		return 0, err
	}
	if variant == 0 && !it.Deleted {
		return parkedNow, a.park(ctx, it, care.KindProduct, s.Variant)
	}
	k, oc, err := a.look(ctx, it, "")
	if err != nil || oc != 0 {
		if oc == unchanged {
			// The same quantity, known anew.
			a.tx.Defer(`UPDATE stock_levels SET as_of_at = $1 WHERE variant_id = $2 AND as_of_at < $1 AND location_id IN (SELECT id FROM locations WHERE connection_id = $3 AND external_id = $4)`,
				a.asOf(it), variant, a.conn.ID, s.Location)
		}
		return oc, err
	}
	place, err := a.place(ctx, s.Location)
	if err != nil {
		return 0, err
	}
	levels, err := a.levels(ctx, []int64{variant})
	if err != nil {
		return 0, err
	}
	if it.Deleted {
		after := slices.DeleteFunc(slices.Clone(levels[variant]), func(l level) bool { return l.Location == place })
		a.tx.Defer(`DELETE FROM stock_levels WHERE variant_id = $1 AND location_id = $2`, variant, place)
		a.tellStock(variant, levels[variant], after, untracked)
		return deleted, nil
	}
	a.setLevel(variant, levels[variant], levelOf(s, place), a.asOf(it), untracked)
	return k.done(), nil
}

func (a *applier) asOf(it item) db.Time {
	if it.UpdatedAt.IsZero() {
		return db.At(a.tx.Now)
	}
	return db.At(it.UpdatedAt)
}

func levelOf(s care.ShopStock, place int64) level {
	l := level{Location: place, OnHand: s.OnHand, Reserved: s.Reserved, Available: s.OnHand - s.Reserved, Incoming: s.Incoming, IncomingAt: int64(db.At(s.IncomingAt))}
	if s.Available != nil {
		l.Available = *s.Available
	}
	return l
}

func (a *applier) setLevel(variant int64, before []level, l level, asOf db.Time, untracked bool) {
	a.tx.Defer(upsertLevel, variant, l.Location, a.conn.Store, l.OnHand, l.Reserved, l.Available, l.Incoming, l.IncomingAt, asOf)
	after := slices.DeleteFunc(slices.Clone(before), func(o level) bool { return o.Location == l.Location })
	a.tellStock(variant, before, append(after, l), untracked)
}

// tellStock emits what changed. What a shop doesn't count can't be out.
func (a *applier) tellStock(variant int64, before, after []level, untracked bool) {
	if untracked {
		return
	}
	changes := diffStock(variant, before, after)
	for _, c := range changes {
		c.Event.Backfill = a.o.Backfill
		if a.o.Backfill && len(before) == 0 {
			continue // the first look at a whole catalogue is no news
		}
		a.tx.Emit(db.Event{Store: a.conn.Store, Type: c.Type, Subject: variant, Payload: c.Event})
	}
	if len(changes) > 0 {
		a.m.hint(a.tx, a.conn.Store, map[string]any{"t": "stock", "variant_id": variant})
	}
}

// levels loads and locks the stock of variants over all places.
func (a *applier) levels(ctx context.Context, variants []int64) (map[int64][]level, error) {
	rows, err := a.q.LevelsOf(ctx, variants)
	if err != nil {
		return nil, err
	}
	out := map[int64][]level{}
	for _, r := range rows {
		out[r.VariantID] = append(out[r.VariantID], level{r.LocationID, r.OnHand, r.Reserved, r.Available, r.Incoming, int64(r.IncomingAt)})
	}
	return out, nil
}

// variant finds what a stock record means: an external id, else a SKU; 0 when neither is known.
func (a *applier) variant(ctx context.Context, ref string) (id int64, untracked bool, err error) {
	v, err := a.q.VariantByRef(ctx, query.VariantByRefParams{ConnectionID: a.conn.ID, ExternalID: ref})
	if err == nil || !errors.Is(err, db.ErrNoRows) {
		return v.ID, v.Untracked, err
	}
	rows, err := a.q.VariantBySKU(ctx, query.VariantBySKUParams{StoreID: a.conn.Store, ConnectionID: a.conn.ID, Sku: ref})
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	return rows[0].ID, rows[0].Untracked, nil
}

// place finds a location by its external id, or makes it without a name: that comes with its own record.
func (a *applier) place(ctx context.Context, external string) (int64, error) {
	key := query.PlaceParams{ConnectionID: a.conn.ID, ExternalID: external}
	id, err := a.q.Place(ctx, key)
	if !errors.Is(err, db.ErrNoRows) {
		return id, err
	}
	name := external
	if name == "" {
		name = a.conn.Name
	}
	err = a.q.AddPlace(ctx, query.AddPlaceParams{ID: a.tx.ID(), StoreID: a.conn.Store, ConnectionID: a.conn.ID, ExternalID: external, Name: name, Address: asJSON(care.Address{})})
	if err != nil {
		return 0, err
	}
	return a.q.Place(ctx, key)
}
