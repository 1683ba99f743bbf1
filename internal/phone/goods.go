package phone

import (
	"context"

	"opeka/internal/care"
)

// Goods is a product as somebody sees it who may wait for it.
type Goods struct {
	Product  string        `json:"product"`
	Variants []GoodsOption `json:"variants"`
	SoldOut  bool          `json:"sold_out"` // at least one of them is
}

// GoodsOption is one variant of it.
type GoodsOption struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"` // empty: the product has no variants
	There bool   `json:"there"`
	meant bool
}

const maxGoodsOptions = 100

// Goods finds a product by the shop's own id of it or of a variant, or by a SKU. What is archived can't be waited for.
func (p *Phone) Goods(ctx context.Context, store int64, ref string) (g Goods, err error) {
	if ref == "" || len(ref) > 200 {
		return g, care.NotFound("product")
	}
	q := p.db.Read()
	rows, err := q.Query(ctx, `SELECT p.name, v.id, v.name, v.external_id = $2 OR v.sku = $2, v.untracked OR v.backorder OR coalesce((SELECT sum(l.available) FROM stock_levels l WHERE l.variant_id = v.id), 0) > 0
FROM products p JOIN variants v ON v.product_id = p.id AND NOT v.archived
WHERE p.id = (SELECT coalesce(
  (SELECT x.id FROM products x WHERE x.connection_id IN (SELECT id FROM connections WHERE store_id = $1) AND x.external_id = $2 AND NOT x.archived ORDER BY x.id LIMIT 1),
  (SELECT x.product_id FROM variants x WHERE x.connection_id IN (SELECT id FROM connections WHERE store_id = $1) AND x.external_id = $2 AND NOT x.archived ORDER BY x.id LIMIT 1),
  (SELECT x.product_id FROM variants x WHERE x.store_id = $1 AND x.sku = $2 AND x.sku <> '' AND NOT x.archived ORDER BY x.id LIMIT 1)))
AND p.store_id = $1 AND NOT p.archived ORDER BY v.position, v.id LIMIT $3`, store, ref, int64(maxGoodsOptions))
	if err != nil {
		return g, err
	}
	defer rows.Close()
	g.Variants = []GoodsOption{}
	one := false
	for rows.Next() {
		var o GoodsOption
		if err := rows.Scan(&g.Product, &o.ID, &o.Name, &o.meant, &o.There); err != nil {
			return g, err
		}
		one = one || o.meant
		g.Variants = append(g.Variants, o)
	}
	if err := rows.Err(); err != nil {
		return g, err
	}
	if len(g.Variants) == 0 {
		return g, care.NotFound("product")
	}
	all := g.Variants
	if one { // a variant was named: it alone is meant
		g.Variants = nil
	}
	for _, o := range all {
		if one && o.meant {
			g.Variants = append(g.Variants, o)
		}
		g.SoldOut = g.SoldOut || !o.There && (!one || o.meant)
	}
	return g, nil
}
