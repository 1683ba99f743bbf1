package customer

import (
	"context"
	"fmt"
	"slices"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Stats is what a customer has been to the store so far.
type Stats struct {
	Conversations int64      `json:"conversations"`
	LastContactAt db.Time    `json:"last_contact_at"`
	Orders        int64      `json:"orders"`
	Spent         care.Money `json:"spent" doc:"Of orders that weren't cancelled, in the currency that most of it is in."`
	Returns       int64      `json:"returns"`
}

const statsSQL = `SELECT o.currency, count(*), CAST(sum(CASE WHEN o.order_state IN ('cancelled', 'failed', 'draft') OR o.payment_state IN ('refunded', 'charged_back') THEN 0 ELSE o.total END) AS BIGINT),
  (SELECT count(*) FROM conversations v WHERE v.customer_id = ANY($1::bigint[])),
  (SELECT coalesce(max(v.last_message_at), 0) FROM conversations v WHERE v.customer_id = ANY($1::bigint[])),
  (SELECT count(*) FROM orders x JOIN returns r ON r.order_id = x.id WHERE x.customer_id = ANY($1::bigint[]))
FROM (SELECT '' AS currency, '' AS order_state, '' AS payment_state, CAST(0 AS BIGINT) AS total
  UNION ALL SELECT currency, order_state, payment_state, total FROM orders WHERE customer_id = ANY($1::bigint[]) AND NOT deleted AND order_state <> 'draft') AS o
GROUP BY o.currency ORDER BY 3 DESC, 2 DESC`

// Stats counts what a customer has been to the store; id may be a merged one.
func (c *Customers) Stats(ctx context.Context, s care.Scope, id int64) (Stats, error) {
	q := query.New(c.db.Read())
	row, err := c.current(ctx, q, s, id, care.PermCustomerRead)
	if err != nil {
		return Stats{}, err
	}
	family, err := q.FamilyOf(ctx, row.ID)
	if err != nil {
		return Stats{}, err
	}
	rows, err := c.db.Read().Query(ctx, statsSQL, family)
	if err != nil {
		return Stats{}, fmt.Errorf("customer stats: %w", err)
	}
	defer rows.Close()
	var st Stats
	for rows.Next() {
		var currency string
		var orders, spent int64
		if err := rows.Scan(&currency, &orders, &spent, &st.Conversations, &st.LastContactAt, &st.Returns); err != nil {
			return st, fmt.Errorf("customer stats: %w", err)
		}
		if currency == "" {
			continue // the row that is there when there are no orders
		}
		st.Orders += orders
		if st.Spent.Currency == "" {
			st.Spent = care.Money{Amount: spent, Currency: currency}
		}
	}
	return st, rows.Err()
}

// Duplicate is a customer who may be the same person.
type Duplicate struct {
	Profile
	Shared []string `json:"shared" doc:"What both have: phone and e-mail values, or 'name'."`
}

// Duplicates suggests who may be the same person: whoever shares a phone or e-mail, those with a like name first.
func (c *Customers) Duplicates(ctx context.Context, s care.Scope, id int64) ([]Duplicate, error) {
	q := query.New(c.db.Read())
	row, err := c.current(ctx, q, s, id, care.PermCustomerRead)
	if err != nil {
		return nil, err
	}
	rows, err := q.SharingIdentities(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	out, ids := []Duplicate{}, []int64{}
	for _, r := range rows {
		other := head(r.CustomerID, r.MergedInto)
		i := slices.Index(ids, other)
		if i < 0 {
			i = len(ids)
			ids, out = append(ids, other), append(out, Duplicate{})
		}
		if !slices.Contains(out[i].Shared, r.Value) {
			out[i].Shared = append(out[i].Shared, r.Value)
		}
	}
	customers, err := q.CustomersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, other := range customers {
		i := slices.Index(ids, other.ID)
		if out[i].Profile, err = c.profile(ctx, q, other); err != nil {
			return nil, err
		}
		if row.Name != "" && other.Name != "" && text.NameSimilarity(row.Name, other.Name) > likeName {
			out[i].Shared = append(out[i].Shared, "name")
		}
	}
	slices.SortStableFunc(out, func(a, b Duplicate) int { return len(b.Shared) - len(a.Shared) })
	return out, nil
}

const likeName = 0.8
