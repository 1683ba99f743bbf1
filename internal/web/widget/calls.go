package widget

import (
	"context"
	"net/http"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
)

// Telephone is what the door asks of the room of calls.
type Telephone interface {
	Offering(ctx context.Context, store int64) (phone.Offering, error)
	Goods(ctx context.Context, store int64, ref string) (phone.Goods, error)
	AskByHimself(ctx context.Context, in phone.ByHimself) (phone.Asking, error)
	Askings(ctx context.Context, store int64, asker string) ([]phone.Asking, error)
	Withdraw(ctx context.Context, store int64, asker string, id int64) error
}

// callOrder is an order that a call may be about.
type callOrder struct {
	Number string `json:"number"`
}

type callsOutput struct {
	Offer   phone.Offering `json:"offer"`
	Askings []phone.Asking `json:"askings"`
	Goods   *phone.Goods   `json:"goods,omitempty"`
	Orders  []callOrder    `json:"orders"`
	Number  string         `json:"number"` // that the shop vouches for
	Name    string         `json:"name"`
}

// calls says what the store can promise to somebody who wants to be rung, how the goods that he asks about stand, and what he has asked for already.
func (d *Door) calls(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	out := callsOutput{Orders: []callOrder{}, Name: r.claims.Name}
	var err error
	if out.Offer, err = d.o.Phone.Offering(ctx, r.store.ID); err != nil {
		return nil, err
	}
	if out.Askings, err = d.o.Phone.Askings(ctx, r.store.ID, asker(r)); err != nil {
		return nil, err
	}
	if ref := r.URL.Query().Get("ref"); ref != "" {
		g, err := d.o.Phone.Goods(ctx, r.store.ID, ref)
		if err != nil {
			return nil, err
		}
		out.Goods = &g
	}
	if !r.claims.verified(r.now) {
		return out, nil
	}
	out.Number = r.claims.Phone
	ids, err := d.family(r)
	if err != nil || len(ids) == 0 {
		return out, err
	}
	rows, err := d.db.Read().Query(ctx, `SELECT number FROM orders WHERE store_id = $1 AND customer_id = ANY($2::bigint[]) ORDER BY placed_at DESC, id DESC LIMIT $3`, r.store.ID, ids, int64(maxOrders))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o callOrder
		if err := rows.Scan(&o.Number); err != nil {
			return nil, err
		}
		out.Orders = append(out.Orders, o)
	}
	return out, rows.Err()
}

// asker names a visitor's browser to the room.
func asker(r *request) string { return "visitor:" + r.claims.Visitor }

type askInput struct {
	ClientID string  `json:"client_id"`
	Number   string  `json:"number"`
	Name     string  `json:"name"`
	Email    string  `json:"email"`
	Note     string  `json:"note"`
	At       db.Time `json:"at"`    // a slot; 0: as soon as may be
	Order    string  `json:"order"` // number of one of his own
	Variant  int64   `json:"variant_id"`
	How      string  `json:"how"`
	Quantity int64   `json:"quantity"`
}

// ask takes the wish to be rung, or to hear when goods are there.
func (d *Door) ask(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	var in askInput
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if in.ClientID == "" || len(in.ClientID) > 60 {
		return nil, care.Invalid("client_id", "widget.client_id_invalid")
	}
	if err := d.limits.asks.Check(r.claims.Visitor, r.now); err != nil {
		return nil, err
	}
	if a := d.address(r.Request); a != "" {
		if err := d.limits.asksFrom.Check(a, r.now); err != nil {
			return nil, err
		}
	}
	by := phone.ByHimself{Store: r.store.ID, Asker: asker(r), Key: in.ClientID, From: r.claims.identities(r.now), Number: strings.TrimSpace(in.Number), Country: r.store.region(),
		Name: clip(strings.TrimSpace(in.Name), 200), Language: r.language, Note: clip(strings.TrimSpace(in.Note), 1000), Variant: in.Variant, How: in.How, Quantity: in.Quantity}
	if by.Name == "" {
		by.Name = r.claims.Name
	}
	if v := strings.TrimSpace(in.Email); v != "" {
		ids, err := (&contact{Email: v}).identities("")
		if err != nil {
			return nil, care.Invalid("email", "widget.contact_invalid")
		}
		by.From = append(by.From, ids...)
	}
	if in.At != 0 {
		by.At = in.At.Time()
	}
	var err error
	if by.Order, err = d.orderOf(r, in.Order); err != nil {
		return nil, err
	}
	return d.o.Phone.AskByHimself(r.Context(), by)
}

// orderOf finds one of the visitor's own orders by its number.
func (d *Door) orderOf(r *request, number string) (id int64, err error) {
	if number == "" || !r.claims.verified(r.now) {
		return 0, nil
	}
	family, err := d.family(r)
	if err != nil || len(family) == 0 {
		return 0, err
	}
	rows, err := d.db.Read().Query(r.Context(), `SELECT id, number FROM orders WHERE store_id = $1 AND customer_id = ANY($2::bigint[]) ORDER BY placed_at DESC, id DESC LIMIT $3`, r.store.ID, family, int64(maxOrders))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var one int64
		var n string
		if err := rows.Scan(&one, &n); err != nil {
			return 0, err
		}
		if n == number {
			id = one
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if id == 0 {
		return 0, care.Invalid("order", "value_invalid")
	}
	return id, nil
}

// withdraw takes back what the visitor asked for.
func (d *Door) withdraw(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	var in struct {
		ID int64 `json:"id"`
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	return nil, d.o.Phone.Withdraw(r.Context(), r.store.ID, asker(r), in.ID)
}
