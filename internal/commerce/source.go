package commerce

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/find"
)

// Sources give orders and products to whoever makes the index again.
func (m *Commerce) Sources() []find.Source {
	return []find.Source{source(care.KindOrder, find.Order), source(care.KindProduct, find.Product)}
}

func source(kind care.RecordKind, as find.Kind) find.Source {
	return find.Source{Kind: as, Page: func(ctx context.Context, r db.Querier, store, after int64, limit int) ([]find.Thing, int64, error) {
		rows, err := query.New(r).MirrorAfter(ctx, query.MirrorAfterParams{StoreID: store, Kind: string(kind), LocalID: after, Limit: int32(limit)})
		if err != nil {
			return nil, 0, err
		}
		owners := make([]int64, len(rows))
		for i, row := range rows {
			owners[i] = row.CustomerID
		}
		heads, err := customer.Heads(ctx, r, owners)
		if err != nil {
			return nil, 0, err
		}
		things := make([]find.Thing, 0, len(rows))
		upto := int64(0)
		for _, row := range rows {
			t := find.Thing{Store: store, Kind: as, Ref: row.LocalID}
			if kind == care.KindOrder {
				var o care.ShopOrder
				if err := json.Unmarshal(row.Data, &o); err != nil {
					return nil, 0, fmt.Errorf("order %d: %w", row.LocalID, err)
				}
				t.Entry = orderEntry(cmp.Or(heads[row.CustomerID], row.CustomerID), db.Time(row.Placed), o)
			} else {
				var p care.ShopProduct
				if err := json.Unmarshal(row.Data, &p); err != nil {
					return nil, 0, fmt.Errorf("product %d: %w", row.LocalID, err)
				}
				at := row.SourceAt
				if at == 0 {
					at = row.FetchedAt
				}
				t.Entry = productEntry(p, at)
			}
			things = append(things, t)
			upto = row.LocalID
		}
		if len(rows) < limit {
			upto = 0
		}
		return things, upto, nil
	}}
}
