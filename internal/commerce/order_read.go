package commerce

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/customer"
	"opeka/internal/db"
)

// Order is an order as people see it, with the live stock of every line.
type Order struct {
	ID          int64          `json:"id"`
	Number      string         `json:"number"`
	Store       int64          `json:"store_id"`
	Customer    int64          `json:"customer_id"`
	Connection  int64          `json:"connection_id"`
	ExternalID  string         `json:"external_id"`
	ExternalURL string         `json:"external_url"`
	Stage       string         `json:"stage"`
	OrderState  string         `json:"order_state"`
	Payment     string         `json:"payment_state"`
	Fulfilment  string         `json:"fulfilment_state"`
	Shipment    string         `json:"shipment_state"`
	RawStatus   string         `json:"raw_status"`
	Currency    string         `json:"currency"`
	Total       care.Money     `json:"total"`
	Placed      care.Money     `json:"placed_total" doc:"As it was when the order was placed; some shops shrink the total with every refund."`
	Shipping    care.Money     `json:"shipping_total"`
	Discount    care.Money     `json:"discount_total"`
	Tax         care.Money     `json:"tax_total"`
	PlacedAt    db.Time        `json:"placed_at"`
	PromisedAt  db.Time        `json:"promised_at"`
	UpdatedAt   db.Time        `json:"updated_at"`
	FetchedAt   db.Time        `json:"fetched_at"`
	ShipMethod  string         `json:"shipping_method"`
	PayMethod   string         `json:"payment_method"`
	Note        string         `json:"note"`
	Deleted     bool           `json:"deleted" doc:"The shop no longer has it."`
	Lines       []OrderLine    `json:"lines"`
	Payments    []Payment      `json:"payments"`
	Shipments   []Shipment     `json:"shipments"`
	Refunds     []Refund       `json:"refunds"`
	Returns     []Return       `json:"returns"`
	Addresses   OrderAddresses `json:"addresses"`
	History     []HistoryLine  `json:"history"`
}

// OrderLine is a line of an order. Available is what can be sold now over all places; null when that isn't known or isn't counted.
type OrderLine struct {
	ID             int64      `json:"id"`
	SKU            string     `json:"sku"`
	Name           string     `json:"name"`
	Quantity       int64      `json:"quantity"`
	PlacedQuantity int64      `json:"placed_quantity"`
	Price          care.Money `json:"price"`
	Total          care.Money `json:"total"`
	Variant        int64      `json:"variant_id"`
	Available      *int64     `json:"available"`
}

// Payment is a payment with its course.
type Payment struct {
	ID        int64         `json:"id"`
	Method    string        `json:"method"`
	State     string        `json:"state"`
	Amount    care.Money    `json:"amount"`
	Reference string        `json:"reference"`
	At        db.Time       `json:"at"`
	Course    []PaymentStep `json:"course"`
}

// PaymentStep is a state that a payment was in.
type PaymentStep struct {
	State string  `json:"state"`
	At    db.Time `json:"at"`
	Note  string  `json:"note"`
}

// Shipment is a parcel with its way.
type Shipment struct {
	ID          int64        `json:"id"`
	Carrier     string       `json:"carrier"`
	Tracking    string       `json:"tracking_number"`
	TrackingURL string       `json:"tracking_url"`
	State       string       `json:"state"`
	ETA         db.Time      `json:"eta_at"`
	PickupPoint string       `json:"pickup_point"`
	Checkpoints []Checkpoint `json:"checkpoints"`
}

// Checkpoint is a step on the way of a parcel.
type Checkpoint struct {
	At    db.Time `json:"at"`
	State string  `json:"state"`
	Text  string  `json:"text"`
	Place string  `json:"place"`
}

// Refund is money given back.
type Refund struct {
	ID     int64      `json:"id"`
	Amount care.Money `json:"amount"`
	Reason string     `json:"reason"`
	State  string     `json:"state" enum:"pending,settled,failed"`
	At     db.Time    `json:"at"`
}

// Return is goods given back.
type Return struct {
	ID     int64   `json:"id"`
	State  string  `json:"state"`
	Reason string  `json:"reason"`
	At     db.Time `json:"at"`
}

// OrderAddresses says where an order goes and who pays.
type OrderAddresses struct {
	Shipping care.Address `json:"shipping"`
	Billing  care.Address `json:"billing"`
}

// HistoryLine is a line of the shop's own journal.
type HistoryLine struct {
	At         db.Time `json:"at"`
	Kind       string  `json:"kind" enum:"status,note"`
	Text       string  `json:"text"`
	Author     string  `json:"author"`
	ToCustomer bool    `json:"to_customer"`
}

const orderColumns = `o.id, o.number, o.store_id, o.customer_id, o.connection_id, o.external_id, o.external_url, o.stage, o.order_state, o.payment_state, o.fulfilment_state,
o.shipment_state, o.raw_status, o.currency, o.total, o.placed_total, o.shipping_total, o.discount_total, o.tax_total, o.placed_at, o.promised_at, o.updated_at, o.fetched_at,
o.ship_method, o.pay_method, o.note, o.deleted, o.ship_to, o.bill_to`

// Order returns an order.
func (m *Commerce) Order(ctx context.Context, s care.Scope, id int64) (Order, error) {
	list, err := m.orders(ctx, `SELECT `+orderColumns+` FROM orders o WHERE o.id = $1`, id)
	if err != nil {
		return Order{}, err
	}
	if len(list) == 0 {
		return Order{}, care.NotFound("order")
	}
	if err := allow(s, list[0].Store, care.PermCommerceRead, "order"); err != nil {
		return Order{}, err
	}
	return list[0], m.fill(ctx, list)
}

// OrdersOf returns a customer's orders, those of customers merged into him included, the latest first. before is the
// place to go on from: when and which the last one was.
func (m *Commerce) OrdersOf(ctx context.Context, s care.Scope, customerID int64, before OrderPlace, limit int64) ([]Order, error) {
	var store int64
	err := m.db.Read().QueryRow(ctx, `SELECT store_id FROM customers WHERE id = $1`, customerID).Scan(&store)
	if err == db.ErrNoRows {
		return nil, care.NotFound("customer")
	}
	if err != nil {
		return nil, err
	}
	if err := allow(s, store, care.PermCommerceRead, "customer"); err != nil {
		return nil, err
	}
	head, err := customer.Head(ctx, m.db.Read(), customerID)
	if err != nil {
		return nil, err
	}
	family, err := customer.Family(ctx, m.db.Read(), head)
	if err != nil {
		return nil, err
	}
	if before.At == 0 {
		before = OrderPlace{At: 1 << 62}
	}
	list, err := m.orders(ctx, `SELECT `+orderColumns+` FROM orders o WHERE o.customer_id = ANY($1::bigint[]) AND (o.placed_at, o.id) < ($2, $3) ORDER BY o.placed_at DESC, o.id DESC LIMIT $4`,
		family, before.At, before.ID, limit)
	if err != nil {
		return nil, err
	}
	return list, m.fill(ctx, list)
}

// OrderPlace is where an order stands in a list.
type OrderPlace struct {
	At db.Time `json:"at"`
	ID int64   `json:"id"`
}

// List returns orders of the stores, the latest first; only open ones if asked.
func (m *Commerce) List(ctx context.Context, s care.Scope, store int64, open bool, before OrderPlace, limit int64) ([]Order, error) {
	if before.At == 0 {
		before = OrderPlace{At: 1 << 62}
	}
	sql := `SELECT ` + orderColumns + ` FROM orders o WHERE o.store_id = ANY($1::bigint[]) AND (o.placed_at, o.id) < ($2, $3) AND NOT o.deleted`
	if open {
		sql += ` AND o.open`
	}
	list, err := m.orders(ctx, sql+` ORDER BY o.placed_at DESC, o.id DESC LIMIT $4`, s.StoresWith(care.PermCommerceRead, store), before.At, before.ID, limit)
	if err != nil {
		return nil, err
	}
	return list, m.fill(ctx, list)
}

func (m *Commerce) orders(ctx context.Context, sql string, args ...any) ([]Order, error) {
	list := []Order{}
	err := each(ctx, m.db.Read(), sql, args, func(rows pgx.Rows) error {
		var o Order
		var shipTo, billTo json.RawMessage
		err := rows.Scan(&o.ID, &o.Number, &o.Store, &o.Customer, &o.Connection, &o.ExternalID, &o.ExternalURL, &o.Stage, &o.OrderState, &o.Payment, &o.Fulfilment,
			&o.Shipment, &o.RawStatus, &o.Currency, &o.Total.Amount, &o.Placed.Amount, &o.Shipping.Amount, &o.Discount.Amount, &o.Tax.Amount, &o.PlacedAt, &o.PromisedAt, &o.UpdatedAt, &o.FetchedAt,
			&o.ShipMethod, &o.PayMethod, &o.Note, &o.Deleted, &shipTo, &billTo)
		if err != nil {
			return err
		}
		for _, sum := range []*care.Money{&o.Total, &o.Placed, &o.Shipping, &o.Discount, &o.Tax} {
			sum.Currency = o.Currency
		}
		o.Lines, o.Payments, o.Shipments, o.Refunds, o.Returns, o.History = []OrderLine{}, []Payment{}, []Shipment{}, []Refund{}, []Return{}, []HistoryLine{}
		if err := json.Unmarshal(shipTo, &o.Addresses.Shipping); err != nil {
			return err
		}
		if err := json.Unmarshal(billTo, &o.Addresses.Billing); err != nil {
			return err
		}
		list = append(list, o)
		return nil
	})
	return list, err
}

// each runs a query and gives every row to scan.
func each(ctx context.Context, q db.Querier, sql string, args []any, scan func(pgx.Rows) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("commerce: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("commerce: %w", err)
		}
	}
	return rows.Err()
}

const (
	linesSQL = `SELECT l.order_id, l.id, l.sku, l.name, l.quantity, l.placed_quantity, l.price, l.total, l.variant_id,
  CASE WHEN v.untracked THEN NULL ELSE (SELECT CAST(sum(k.available) AS BIGINT) FROM stock_levels k WHERE k.variant_id = l.variant_id) END
FROM order_lines l LEFT JOIN variants v ON v.id = l.variant_id WHERE l.order_id = ANY($1::bigint[]) ORDER BY l.order_id, l.position`
	paymentsSQL = `SELECT p.order_id, p.id, p.method, p.state, p.amount, p.currency, p.reference, p.paid_at, coalesce(s.state, ''), coalesce(s.at, 0), coalesce(s.note, '')
FROM payments p LEFT JOIN payment_steps s ON s.payment_id = p.id WHERE p.order_id = ANY($1::bigint[]) ORDER BY p.order_id, p.id, s.at`
	shipmentsSQL = `SELECT s.order_id, s.id, s.carrier, s.tracking_number, s.tracking_url, s.state, s.eta_at, coalesce(p.name, s.pickup_ref), coalesce(c.at, 0), coalesce(c.state, ''), coalesce(c.text, ''), coalesce(c.place, '')
FROM shipments s JOIN orders o ON o.id = s.order_id LEFT JOIN checkpoints c ON c.shipment_id = s.id
LEFT JOIN pickup_points p ON p.connection_id = o.connection_id AND p.external_id = s.pickup_ref
WHERE s.order_id = ANY($1::bigint[]) ORDER BY s.order_id, s.id, c.at`
	refundsSQL = `SELECT order_id, id, amount, currency, reason, state, refunded_at FROM refunds WHERE order_id = ANY($1::bigint[]) ORDER BY order_id, id`
	returnsSQL = `SELECT order_id, id, state, reason, requested_at FROM returns WHERE order_id = ANY($1::bigint[]) ORDER BY order_id, id`
	historySQL = `SELECT order_id, at, status, text, author, to_customer FROM order_history WHERE order_id = ANY($1::bigint[]) ORDER BY order_id, at, id`
)

// fill loads the parts of all the orders, a query for each kind of part.
func (m *Commerce) fill(ctx context.Context, list []Order) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]int64, len(list))
	by := make(map[int64]*Order, len(list))
	for i := range list {
		ids[i] = list[i].ID
		by[list[i].ID] = &list[i]
	}
	args := []any{ids}
	q := m.db.Read()
	err := each(ctx, q, linesSQL, args, func(rows pgx.Rows) error {
		var order int64
		var l OrderLine
		err := rows.Scan(&order, &l.ID, &l.SKU, &l.Name, &l.Quantity, &l.PlacedQuantity, &l.Price.Amount, &l.Total.Amount, &l.Variant, &l.Available)
		o := by[order]
		l.Price.Currency, l.Total.Currency = o.Currency, o.Currency
		o.Lines = append(o.Lines, l)
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, q, paymentsSQL, args, func(rows pgx.Rows) error {
		var order int64
		var p Payment
		var s PaymentStep
		err := rows.Scan(&order, &p.ID, &p.Method, &p.State, &p.Amount.Amount, &p.Amount.Currency, &p.Reference, &p.At, &s.State, &s.At, &s.Note)
		o := by[order]
		if n := len(o.Payments); n == 0 || o.Payments[n-1].ID != p.ID {
			p.Course = []PaymentStep{}
			o.Payments = append(o.Payments, p)
		}
		if last := &o.Payments[len(o.Payments)-1]; s.State != "" {
			last.Course = append(last.Course, s)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, q, shipmentsSQL, args, func(rows pgx.Rows) error {
		var order int64
		var s Shipment
		var c Checkpoint
		err := rows.Scan(&order, &s.ID, &s.Carrier, &s.Tracking, &s.TrackingURL, &s.State, &s.ETA, &s.PickupPoint, &c.At, &c.State, &c.Text, &c.Place)
		o := by[order]
		if n := len(o.Shipments); n == 0 || o.Shipments[n-1].ID != s.ID {
			s.Checkpoints = []Checkpoint{}
			o.Shipments = append(o.Shipments, s)
		}
		if last := &o.Shipments[len(o.Shipments)-1]; c.State != "" {
			last.Checkpoints = append(last.Checkpoints, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, q, refundsSQL, args, func(rows pgx.Rows) error {
		var order int64
		var r Refund
		err := rows.Scan(&order, &r.ID, &r.Amount.Amount, &r.Amount.Currency, &r.Reason, &r.State, &r.At)
		by[order].Refunds = append(by[order].Refunds, r)
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, q, returnsSQL, args, func(rows pgx.Rows) error {
		var order int64
		var r Return
		err := rows.Scan(&order, &r.ID, &r.State, &r.Reason, &r.At)
		by[order].Returns = append(by[order].Returns, r)
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, q, historySQL, args, func(rows pgx.Rows) error {
		var order int64
		var status string
		var h HistoryLine
		err := rows.Scan(&order, &h.At, &status, &h.Text, &h.Author, &h.ToCustomer)
		h.Kind = "note"
		if status != "" {
			h.Kind = "status"
			if h.Text == "" {
				h.Text = status
			}
		}
		by[order].History = append(by[order].History, h)
		return err
	})
}

// Original is what the shop itself sent of an order.
type Original struct {
	Raw       string  `json:"raw"`
	UpdatedAt db.Time `json:"updated_at"`
	FetchedAt db.Time `json:"fetched_at"`
}

// Original returns what the shop itself sent of an order, or else its canonical form.
func (m *Commerce) Original(ctx context.Context, s care.Scope, id int64) (Original, error) {
	var store, connection int64
	var external string
	err := m.db.Read().QueryRow(ctx, `SELECT store_id, connection_id, external_id FROM orders WHERE id = $1`, id).Scan(&store, &connection, &external)
	if err == db.ErrNoRows {
		return Original{}, care.NotFound("order")
	}
	if err != nil {
		return Original{}, err
	}
	if err := allow(s, store, care.PermCommerceRead, "order"); err != nil {
		return Original{}, err
	}
	row, err := query.New(m.db.Read()).Original(ctx, query.OriginalParams{ConnectionID: connection, Kind: string(care.KindOrder), ExternalID: external})
	if err != nil {
		return Original{}, err
	}
	if row.Raw == "" {
		row.Raw = string(row.Data)
	}
	return Original{row.Raw, row.SourceAt, row.FetchedAt}, nil
}
