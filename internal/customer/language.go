package customer

import (
	"context"

	"opeka/internal/customer/query"
	"opeka/internal/db"
)

// Speaks notes which language a customer chose himself: that counts more than what a record said.
func (c *Customers) Speaks(ctx context.Context, tx *db.Tx, id int64, language string) error {
	q := query.New(tx)
	row, err := q.Customer(ctx, id)
	if err != nil || row.Language == language {
		return err
	}
	row.Language = language
	return c.save(ctx, tx, q, row)
}
