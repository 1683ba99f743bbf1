package commerce

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Product is a product with the live stock of its variants.
type Product struct {
	ID       int64     `json:"id"`
	Store    int64     `json:"store_id"`
	Name     string    `json:"name"`
	ImageURL string    `json:"image_url"`
	URL      string    `json:"url"`
	Variants []Variant `json:"variants"`
}

// Variant is what can be bought.
type Variant struct {
	ID        int64       `json:"id"`
	SKU       string      `json:"sku"`
	Barcode   string      `json:"barcode"`
	Name      string      `json:"name"`
	Price     care.Money  `json:"price"`
	OldPrice  *care.Money `json:"old_price"`
	Untracked bool        `json:"untracked" doc:"The shop doesn't count it: there is always some."`
	Backorder bool        `json:"backorder" doc:"Can be ordered when there is none."`
	Stock     []Stock     `json:"stock"`
}

// Stock is how much of a variant there is at a place, and when that was true.
type Stock struct {
	LocationID int64   `json:"location_id"`
	Location   string  `json:"location"`
	OnHand     int64   `json:"on_hand"`
	Reserved   int64   `json:"reserved"`
	Available  int64   `json:"available"`
	Incoming   int64   `json:"incoming"`
	IncomingAt db.Time `json:"incoming_at"`
	AsOf       db.Time `json:"as_of_at"`
}

// Products finds products by words of the name, SKU or barcode, in the stores that the caller may read; location narrows
// the stock shown to one place. Exact SKUs and barcodes come first.
func (m *Commerce) Products(ctx context.Context, s care.Scope, store, location int64, words string, after int64, limit int64) ([]Product, error) {
	stores := s.StoresWith(care.PermCommerceRead, store)
	sql := `SELECT p.id, p.store_id, p.name, p.image_url, p.url FROM products p WHERE p.store_id = ANY($1::bigint[]) AND NOT p.archived AND p.id > $2`
	args := []any{stores, after}
	words = strings.TrimSpace(words)
	if words != "" && after == 0 {
		exact, err := m.productList(ctx, `SELECT p.id, p.store_id, p.name, p.image_url, p.url FROM products p WHERE p.id IN
(SELECT product_id FROM variants WHERE store_id = ANY($1::bigint[]) AND sku = $2 AND sku <> '' UNION SELECT product_id FROM variants WHERE store_id = ANY($1::bigint[]) AND barcode = $2 AND barcode <> '')
AND NOT p.archived ORDER BY p.id LIMIT $3`, []any{stores, words, limit})
		if err != nil {
			return nil, err
		}
		if len(exact) > 0 {
			return exact, m.stockOf(ctx, exact, location)
		}
	}
	for _, w := range firstWords(words) {
		args = append(args, "%"+escapeLike(w)+"%")
		sql += ` AND p.folded LIKE ` + placeholder(len(args)) + ` ESCAPE '!'`
	}
	args = append(args, limit)
	list, err := m.productList(ctx, sql+` ORDER BY p.id LIMIT `+placeholder(len(args)), args)
	if err != nil {
		return nil, err
	}
	return list, m.stockOf(ctx, list, location)
}

const maxWords = 6

func firstWords(q string) []string {
	words := strings.Fields(text.Fold(q))
	return words[:min(len(words), maxWords)]
}

func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

func placeholder(n int) string { return "$" + string(rune('0'+n)) }

func (m *Commerce) productList(ctx context.Context, sql string, args []any) ([]Product, error) {
	list := []Product{}
	err := each(ctx, m.db.Read(), sql, args, func(rows pgx.Rows) error {
		p := Product{Variants: []Variant{}}
		err := rows.Scan(&p.ID, &p.Store, &p.Name, &p.ImageURL, &p.URL)
		list = append(list, p)
		return err
	})
	return list, err
}

// A level that the shop was asked about again without a change is as fresh as that asking.
const stockSQL = `SELECT v.product_id, v.id, v.sku, v.barcode, v.name, v.price, v.old_price, v.currency, v.untracked, v.backorder,
  coalesce(k.location_id, 0), coalesce(l.name, ''), coalesce(k.on_hand, 0), coalesce(k.reserved, 0), coalesce(k.available, 0), coalesce(k.incoming, 0), coalesce(k.incoming_at, 0),
  CASE WHEN l.external_id = '' AND m.fetched_at > k.as_of_at THEN m.fetched_at ELSE coalesce(k.as_of_at, 0) END
FROM variants v JOIN products p ON p.id = v.product_id
LEFT JOIN stock_levels k ON k.variant_id = v.id AND ($2 = 0 OR k.location_id = $2)
LEFT JOIN locations l ON l.id = k.location_id
LEFT JOIN mirror m ON m.connection_id = p.connection_id AND m.kind = 'product' AND m.external_id = p.external_id
WHERE NOT v.archived AND `

func (m *Commerce) stockOf(ctx context.Context, list []Product, location int64) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]int64, len(list))
	by := map[int64]*Product{}
	for i := range list {
		ids[i] = list[i].ID
		by[list[i].ID] = &list[i]
	}
	return m.variants(ctx, stockSQL+`v.product_id = ANY($1::bigint[]) ORDER BY v.product_id, v.position, v.id, l.name`, []any{ids, location}, func(product int64) *[]Variant { return &by[product].Variants })
}

func (m *Commerce) variants(ctx context.Context, sql string, args []any, into func(product int64) *[]Variant) error {
	return each(ctx, m.db.Read(), sql, args, func(rows pgx.Rows) error {
		var product, old int64
		var v Variant
		var k Stock
		err := rows.Scan(&product, &v.ID, &v.SKU, &v.Barcode, &v.Name, &v.Price.Amount, &old, &v.Price.Currency, &v.Untracked, &v.Backorder,
			&k.LocationID, &k.Location, &k.OnHand, &k.Reserved, &k.Available, &k.Incoming, &k.IncomingAt, &k.AsOf)
		if err != nil {
			return err
		}
		list := into(product)
		if n := len(*list); n == 0 || (*list)[n-1].ID != v.ID {
			if old != 0 {
				v.OldPrice = &care.Money{Amount: old, Currency: v.Price.Currency}
			}
			v.Stock = []Stock{}
			*list = append(*list, v)
		}
		if last := &(*list)[len(*list)-1]; k.LocationID != 0 {
			last.Stock = append(last.Stock, k)
		}
		return nil
	})
}

// StockOf returns where a variant is and how much of it.
func (m *Commerce) StockOf(ctx context.Context, s care.Scope, variant int64) ([]Stock, error) {
	var store int64
	err := m.db.Read().QueryRow(ctx, `SELECT store_id FROM variants WHERE id = $1`, variant).Scan(&store)
	if err == db.ErrNoRows {
		return nil, care.NotFound("variant")
	}
	if err != nil {
		return nil, err
	}
	if err := allow(s, store, care.PermCommerceRead, "variant"); err != nil {
		return nil, err
	}
	var list []Variant
	err = m.variants(ctx, stockSQL+`v.id = $1 ORDER BY l.name`, []any{variant, int64(0)}, func(int64) *[]Variant { return &list })
	if err != nil || len(list) == 0 {
		return []Stock{}, err
	}
	return list[0].Stock, nil
}

// PlaceRow is a place that holds stock.
type PlaceRow struct {
	ID    int64  `json:"id"`
	Store int64  `json:"store_id"`
	Name  string `json:"name"`
}

// Places lists the places that hold stock.
func (m *Commerce) Places(ctx context.Context, s care.Scope, store int64) ([]PlaceRow, error) {
	out := []PlaceRow{}
	err := each(ctx, m.db.Read(), `SELECT id, store_id, name FROM locations WHERE store_id = ANY($1::bigint[]) AND NOT archived ORDER BY name, id LIMIT 500`,
		[]any{s.StoresWith(care.PermCommerceRead, store)}, func(rows pgx.Rows) error {
			var p PlaceRow
			err := rows.Scan(&p.ID, &p.Store, &p.Name)
			out = append(out, p)
			return err
		})
	return out, err
}
