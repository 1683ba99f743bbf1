package customer

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
)

// ReasonLink is why somebody was merged who has come by a link that was made for the customer.
const ReasonLink = "link"

// Prove gives identities to a customer who has proven that they are his, as by a link that was made for him alone. Whoever had them
// becomes part of him; that can be undone like any merge. It returns who he is now.
func (c *Customers) Prove(ctx context.Context, tx *db.Tx, store, id int64, ids []care.Identity, h Hint) (int64, error) {
	head, err := Head(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	r, err := c.Recognise(ctx, tx, store, ids, h)
	if err != nil || r.Customer == head {
		return head, err
	}
	_, err = c.merge(ctx, tx, query.New(tx), head, r.Customer, true, ReasonLink)
	return head, err
}
