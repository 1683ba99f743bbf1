package commerce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
)

// outcome is what became of one record.
type outcome int

const (
	created outcome = iota + 1
	updated
	unchanged
	older
	deleted
	parkedNow
)

const perBatch = 20 // records in a transaction: short enough not to hold up other writers

// kindRank is the order in which records are applied: what others refer to comes first.
var kindRank = map[care.RecordKind]int{
	care.KindLocation: 1, care.KindPickup: 2, care.KindProduct: 3, care.KindStock: 4, care.KindCustomer: 5, care.KindOrder: 6, care.KindInvoice: 7, care.KindCart: 8,
}

// Apply takes what a shop tells into the mirror and emits what has happened. Records may come late, twice and in any order: one
// that is older than what is kept (by the shop's time) or the same (by content) changes nothing. A record
// that can't be kept doesn't hold up the others. An error is the database's, and means: again.
func (m *Commerce) Apply(ctx context.Context, conn care.Connection, records []care.Record, o ApplyOptions) (Applied, error) {
	results, err := m.applyAll(ctx, conn, records, o)
	out := Applied{Errors: map[int]error{}}
	for i, r := range results {
		switch {
		case r.err != nil:
			out.Errors[i] = r.err
		case r.outcome == created:
			out.Created++
		case r.outcome == updated:
			out.Updated++
		case r.outcome == unchanged:
			out.Unchanged++
		case r.outcome == older:
			out.Older++
		case r.outcome == deleted:
			out.Deleted++
		case r.outcome == parkedNow:
			out.Parked++
		}
	}
	return out, err
}

type result struct {
	outcome outcome
	err     error
}

func (m *Commerce) applyAll(ctx context.Context, conn care.Connection, records []care.Record, o ApplyOptions) ([]result, error) {
	results := make([]result, len(records))
	items := make([]item, 0, len(records))
	for i, r := range records {
		it, err := canonical(r)
		if err != nil {
			results[i].err = err
			continue
		}
		it.index = i
		items = append(items, it)
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(kindRank[a.Kind], kindRank[b.Kind]) })
	st, err := m.storeOf(ctx, conn.Store)
	if err != nil {
		return results, err
	}
	for batch := range batches(items) {
		done, err := m.applyBatch(ctx, conn, st, batch, o)
		var refused *care.Error
		if errors.As(err, &refused) { // one of them doesn't fit: each by itself
			done, err = map[int]outcome{}, nil
			for _, it := range batch {
				one, oneErr := m.applyBatch(ctx, conn, st, []item{it}, o)
				if errors.As(oneErr, &refused) {
					results[it.index].err = refused
				} else if oneErr != nil {
					return results, oneErr
				}
				maps.Copy(done, one)
			}
		}
		if err != nil {
			return results, err
		}
		for i, oc := range done {
			results[i].outcome = oc
		}
	}
	return results, nil
}

// batches groups records of one kind, none of them twice.
func batches(items []item) func(yield func([]item) bool) {
	return func(yield func([]item) bool) {
		for from := 0; from < len(items); {
			to := from + 1
			for to < len(items) && to-from < perBatch && items[to].Kind == items[from].Kind &&
				!slices.ContainsFunc(items[from:to], func(i item) bool { return i.ExternalID == items[to].ExternalID }) {
				to++
			}
			if !yield(items[from:to]) {
				return
			}
			from = to
		}
	}
}

// applier is one transaction's worth of applying.
type applier struct {
	m     *Commerce
	tx    *db.Tx
	q     *query.Queries
	conn  care.Connection
	store storeFacts
	o     ApplyOptions
}

func (m *Commerce) applyBatch(ctx context.Context, conn care.Connection, st storeFacts, batch []item, o ApplyOptions) (done map[int]outcome, err error) {
	err = m.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: conn.ID}, func(tx *db.Tx) error {
		done = map[int]outcome{}
		a := &applier{m: m, tx: tx, q: query.New(tx), conn: conn, store: st, o: o}
		for _, it := range batch {
			oc, err := a.apply(ctx, it)
			if err != nil {
				return fmt.Errorf("%s %s: %w", it.Kind, it.ExternalID, err)
			}
			done[it.index] = oc
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func (a *applier) apply(ctx context.Context, it item) (outcome, error) {
	if _, partial := it.Data.(Patch); partial {
		var err error
		if it, err = a.complete(ctx, it); err != nil {
			return 0, err
		}
	}
	switch it.Kind {
	case care.KindOrder:
		return a.order(ctx, it)
	case care.KindProduct:
		return a.product(ctx, it)
	case care.KindStock:
		return a.stock(ctx, it)
	case care.KindCustomer:
		return a.customer(ctx, it)
	case care.KindCart:
		return a.cart(ctx, it)
	case care.KindInvoice:
		return a.invoice(ctx, it)
	case care.KindLocation:
		return a.location(ctx, it)
	}
	return a.pickupPoint(ctx, it)
}

// storeFacts is what reading a shop's records needs to know of the store.
type storeFacts struct {
	currency string
	region   string
}

func (m *Commerce) storeOf(ctx context.Context, store int64) (storeFacts, error) {
	var f storeFacts
	err := m.db.Read().QueryRow(ctx, `SELECT currency FROM stores WHERE id = $1`, store).Scan(&f.currency)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	f.region = regions[f.currency]
	return f, err
}

// regions tells in which country a store most likely is, to read phone numbers without a country.
var regions = map[string]string{
	"UAH": "UA", "PLN": "PL", "RUB": "RU", "KZT": "KZ", "BYN": "BY", "MDL": "MD", "CZK": "CZ", "RON": "RO", "HUF": "HU", "BGN": "BG", "GBP": "GB", "USD": "US",
	"TRY": "TR", "GEL": "GE", "AMD": "AM", "AZN": "AZ", "UZS": "UZ", "SEK": "SE", "NOK": "NO", "DKK": "DK", "CHF": "CH", "ILS": "IL",
}
