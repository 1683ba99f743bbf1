package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// loaded is a state as the database has it, with what the room needs to write down beside it.
type loaded struct {
	State
	storeID   int64
	head      int64   // the customer, merges followed; 0 when nobody is known
	family    []int64 // he and those merged into him
	emails    []string
	phones    []string
	handles   map[string][]string // his identities by kind
	forbidden map[string]bool     // what he doesn't allow, by consent's subject

	electronics int // lines that are delivered electronically
}

// load reads how an order stands. It knows no scope.
func (n *Notify) load(ctx context.Context, q db.Querier, order int64, now time.Time) (*loaded, error) {
	l := &loaded{}
	l.Told, l.Recent, l.Reach = map[string]Told{}, map[string][]time.Time{}, map[string]Reach{}
	if err := l.order(ctx, q, order); err != nil {
		return nil, err
	}
	p, err := n.policy(ctx, q, l.storeID, l.Store.Zone)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, db.Querier) error{
		func(ctx context.Context, q db.Querier) error { return l.goods(ctx, q, &p.Policy, now) },
		l.money, func(ctx context.Context, q db.Querier) error { return l.parcels(ctx, q, &p.Policy) }, l.whom, func(ctx context.Context, q db.Querier) error { return n.electronic(ctx, q, l, now) },

		func(ctx context.Context, q db.Querier) error { return n.reach(ctx, q, l) },
		func(ctx context.Context, q db.Querier) error { return l.told(ctx, q, now) },
	} {
		if err := part(ctx, q); err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
	}
	return l, nil
}

func (l *loaded) order(ctx context.Context, q db.Querier, id int64) error {
	var o OrderFacts
	var placed, promised, updated, connected, owed db.Time
	var total, items int64
	var calendar, tags, custom, shipTo, billTo json.RawMessage
	var zone, pickup string
	err := q.QueryRow(ctx, `SELECT o.id, o.store_id, o.connection_id, o.customer_id, o.number, o.stage, o.order_state, o.payment_state, o.fulfilment_state, o.raw_status, o.currency, o.total,
o.item_count, o.pay_method, o.ship_method, o.pickup_ref, o.tags, o.custom, o.ship_to, o.bill_to, o.deleted, o.placed_at, o.promised_at, o.updated_at,
coalesce((SELECT k.created_at FROM connections k WHERE k.id = o.connection_id), 0), coalesce((SELECT m.since_at FROM money_owed m WHERE m.order_id = o.id), 0),
s.name, s.language, s.color, s.time_zone, s.calendar FROM orders o JOIN stores s ON s.id = o.store_id WHERE o.id = $1`, id).
		Scan(&o.ID, &l.storeID, &o.Connection, &l.head, &o.Number, &o.Stage, &o.State, &o.PaymentAs, &o.Fulfilment, &o.Status, &o.Currency, &total,
			&items, &o.PayMethod, &o.ShipMethod, &pickup, &tags, &custom, &shipTo, &billTo, &o.Deleted, &placed, &promised, &updated, &connected, &owed,
			&l.Store.Name, &l.Store.Language, &l.Store.Color, &zone, &calendar)
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound("order")
	}
	if err != nil {
		return err
	}
	var ship, bill care.Address
	for _, j := range []struct {
		raw json.RawMessage
		to  any
	}{{tags, &o.Tags}, {custom, &o.Custom}, {shipTo, &ship}, {billTo, &bill}} {
		if err := json.Unmarshal(j.raw, j.to); err != nil {
			return err
		}
	}
	l.Store.ID = l.storeID
	if l.Store.Zone, err = time.LoadLocation(zone); err != nil {
		l.Store.Zone = time.UTC
	}
	var hours cal.Settings
	if json.Unmarshal(calendar, &hours) == nil {
		if hours.Zone == "" {
			hours.Zone = zone
		}
		if c, err := cal.New(hours); err == nil {
			l.Store.Calendar = c
		}
	}
	o.Items, o.Money = int(items), care.Money{Amount: total, Currency: o.Currency}
	o.Total = whole(o.Money)
	o.PlacedAt, o.PromisedAt, o.ChangedAt = placed.Time(), promised.Time(), updated.Time()
	l.Store.ConnectedAt, o.OwedSince = connected.Time(), owed.Time()
	o.Weekday = strings.ToLower(placed.Time().In(l.Store.Zone).Weekday().String()[:3])
	o.Country, o.City, o.Pickup = ship.Country, ship.City, pickup != ""
	o.DoNotCall = care.SaysNoCall(o.Tags, o.Custom)
	l.Order = o
	l.Customer.Name = firstOf(ship.Name, bill.Name)
	l.emails = filled(bill.Email, ship.Email)
	region := firstOf(ship.Country, bill.Country)
	for _, raw := range filled(ship.Phone, bill.Phone) {
		if p := text.ParsePhone(raw, region); p.Resolved() {
			l.phones = append(l.phones, p.E164)
		}
	}
	return nil
}

func (l *loaded) goods(ctx context.Context, q db.Querier, p *Policy, now time.Time) error {
	var lines []StockLine
	err := each(ctx, q, `SELECT l.name, l.sku, l.quantity, l.total, l.variant_id, coalesce(v.untracked, FALSE), coalesce(v.backorder, FALSE), coalesce(r.virtual, FALSE), coalesce(g.kind, ''),
CASE WHEN g.kind = 'key' THEN (SELECT count(*) FROM digital_keys k WHERE k.goods_id = g.id AND k.state = 'free') ELSE 0 END,
(SELECT CAST(sum(k.available) AS BIGINT) FROM stock_levels k WHERE k.variant_id = l.variant_id), (SELECT min(k.as_of_at) FROM stock_levels k WHERE k.variant_id = l.variant_id)
FROM order_lines l LEFT JOIN variants v ON v.id = l.variant_id LEFT JOIN products r ON r.id = v.product_id LEFT JOIN digital_goods g ON g.variant_id = l.variant_id AND l.variant_id <> 0 WHERE l.order_id = $1 ORDER BY l.position`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var f LineFacts
		var quantity, total, variant, keys int64
		var kind string
		var untracked, backorder, virtual bool
		var available, asOf *int64
		if err := rows.Scan(&f.Name, &f.SKU, &quantity, &total, &variant, &untracked, &backorder, &virtual, &kind, &keys, &available, &asOf); err != nil {
			return err
		}
		f.Quantity, f.Total = int(quantity), care.Money{Amount: total, Currency: l.Order.Currency}
		f.Electronic = kind != ""
		l.Order.Lines = append(l.Order.Lines, f)
		l.electronics += min(1, len(kind))
		s := StockLine{Name: f.Name, Quantity: quantity, Known: available != nil, Free: untracked || backorder || virtual}
		if f.Electronic { // counted by its own room, and never put aside: with too few keys nobody knows yet
			s.Free, available = kind != "key" || keys >= quantity, nil
			s.Known = false
		}
		if available != nil {
			s.Available, s.AsOf = *available, db.Time(*asOf).Time()
		}
		lines = append(lines, s)
		return nil
	})
	if err != nil {
		return err
	}
	var asked string
	err = q.QueryRow(ctx, `SELECT state FROM shop_actions WHERE order_id = $1 AND kind = 'reserve' ORDER BY id DESC LIMIT 1`, l.Order.ID).Scan(&asked)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	l.Stock = Reserve(lines, asked, l.Order.PlacedAt, now, time.Duration(p.ReservationS)*time.Second)
	return nil
}

// electronic reads what of the order is delivered electronically.
func (n *Notify) electronic(ctx context.Context, q db.Querier, l *loaded, now time.Time) error {
	l.Goods.All = l.electronics > 0 && l.electronics == len(l.Order.Lines)
	if l.electronics == 0 || n.o.Goods == nil {
		return nil
	}
	days := int64(1)
	err := each(ctx, q, `SELECT p.id, p.name, p.kind, p.state, p.hint, p.batch, p.short_at, p.delivered_at, coalesce(g.instructions, ''), coalesce(g.link_days, 30)
FROM digital_pieces p LEFT JOIN digital_goods g ON g.id = p.goods_id WHERE p.order_id = $1 ORDER BY p.id LIMIT 1000`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var i GoodsItem
		var id, batch, last int64
		var kind, hint string
		var short, given db.Time
		if err := rows.Scan(&id, &i.Name, &kind, &i.State, &hint, &batch, &short, &given, &i.Instructions, &last); err != nil {
			return err
		}
		days = max(days, last)
		switch i.State {
		case goodsDelivered:
			i.Batch, i.At = strconv.FormatInt(batch, 10), given.Time()
			l.Goods.Count++
			if kind != "file" {
				i.Key = n.o.Goods.Place(id, kind, hint)
			}
		case goodsShort, goodsFailed:
			i.At, l.Goods.Missing = short.Time(), true
		}
		l.Goods.Items = append(l.Goods.Items, i)
		return nil
	})
	l.Goods.Link = n.o.Goods.Link(l.Order.ID, now.AddDate(0, 0, int(days)))
	return err
}

func (l *loaded) money(ctx context.Context, q db.Querier) error {
	currency := l.Order.Currency
	l.Payment.State = l.Order.PaymentAs
	var received int64
	err := each(ctx, q, `SELECT state, amount, error, paid_at FROM payments WHERE order_id = $1 ORDER BY id`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var state, problem string
		var amount int64
		var at db.Time
		if err := rows.Scan(&state, &amount, &problem, &at); err != nil {
			return err
		}
		switch care.PaymentState(state) {
		case care.PaymentPaid, care.PaymentPartiallyPaid, care.PaymentPartiallyRefunded, care.PaymentRefunded:
			received += amount
			if t := at.Time(); t.After(l.Payment.At) {
				l.Payment.At = t
			}
		case care.PaymentFailed:
			l.Payment.Error = problem
		}
		return nil
	})
	if err != nil {
		return err
	}
	isPaid := slices.Contains([]care.PaymentState{care.PaymentPaid, care.PaymentPartiallyPaid}, care.PaymentState(l.Order.PaymentAs))
	if received == 0 && care.PaymentState(l.Order.PaymentAs) == care.PaymentPaid {
		received = l.Order.Money.Amount
	}
	l.Payment.Received = care.Money{Amount: received, Currency: currency}
	l.Payment.Paid = whole(l.Payment.Received)
	if isPaid && l.Payment.At.IsZero() {
		l.Payment.At = l.Order.ChangedAt
	}
	if !l.Payment.At.IsZero() {
		l.Payment.MinutesAfterOrder = int(l.Payment.At.Sub(l.Order.PlacedAt).Minutes())
	}
	switch care.Stage(l.Order.Stage) {
	case care.StageDelivered, care.StageCompleted, care.StageReturning, care.StageReturned:
	default:
		l.Payment.Prepaid = isPaid
	}
	err = each(ctx, q, `SELECT external_id, state, amount, currency, refunded_at FROM refunds WHERE order_id = $1 ORDER BY id`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var r RefundFacts
		var at db.Time
		if err := rows.Scan(&r.ID, &r.State, &r.Money.Amount, &r.Money.Currency, &at); err != nil {
			return err
		}
		r.At, r.Amount, r.Whole = at.Time(), whole(r.Money), r.Money.Amount >= received
		l.Refunds = append(l.Refunds, r)
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, q, `SELECT external_id, state, requested_at FROM returns WHERE order_id = $1 ORDER BY id`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var r ReturnFacts
		var at db.Time
		if err := rows.Scan(&r.ID, &r.State, &at); err != nil {
			return err
		}
		r.At = at.Time()
		l.Returns = append(l.Returns, r)
		return nil
	})
}

func (l *loaded) parcels(ctx context.Context, q db.Querier, p *Policy) error {
	type row struct {
		ShipmentFacts
		id int64
	}
	var list []row
	err := each(ctx, q, `SELECT s.id, s.external_id, s.carrier, s.tracking_number, s.tracking_url, s.state, s.eta_at, s.shipped_at,
coalesce(p.name, ''), coalesce(p.address, '{}'), coalesce(p.phone, ''), coalesce(p.hours, ''), coalesce(p.route, ''), coalesce(p.notice, '')
FROM shipments s JOIN orders o ON o.id = s.order_id
LEFT JOIN pickup_points p ON p.connection_id = o.connection_id AND p.external_id = CASE WHEN s.pickup_ref = '' THEN o.pickup_ref ELSE s.pickup_ref END AND p.external_id <> ''
WHERE s.order_id = $1 ORDER BY s.id`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var r row
		var eta, shipped db.Time
		var address json.RawMessage
		if err := rows.Scan(&r.id, &r.ID, &r.Carrier, &r.Number, &r.TrackingURL, &r.State, &eta, &shipped,
			&r.Point.Name, &address, &r.Point.Phone, &r.Point.Hours, &r.Point.Route, &r.Point.Notice); err != nil {
			return err
		}
		var a care.Address
		if err := json.Unmarshal(address, &a); err != nil {
			return err
		}
		r.Point.Address = strings.Join(filled(a.Line1, a.Line2, a.City), ", ")
		r.ETA, r.MovedAt = eta.Time(), shipped.Time()
		list = append(list, r)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range list {
		r := &list[i]
		err := each(ctx, q, `SELECT at, state, place FROM checkpoints WHERE shipment_id = $1 ORDER BY at`, []any{r.id}, func(rows pgx.Rows) error {
			var at db.Time
			var state, place string
			if err := rows.Scan(&at, &state, &place); err != nil {
				return err
			}
			if t := at.Time(); t.After(r.MovedAt) {
				r.MovedAt = t
			}
			if place != "" {
				r.Place = place
			}
			if state == string(care.ShipmentAtPickupPoint) && r.ArrivedAt.IsZero() {
				r.ArrivedAt = at.Time()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if r.MovedAt.IsZero() {
			r.MovedAt = l.Order.ChangedAt
		}
		if r.State == string(care.ShipmentAtPickupPoint) {
			if r.ArrivedAt.IsZero() {
				r.ArrivedAt = r.MovedAt
			}
			r.KeptUntil = r.ArrivedAt.AddDate(0, 0, int(p.StorageDays))
		}
		expected := l.Order.PromisedAt
		if expected.IsZero() {
			expected = r.ETA
		}
		r.Early = !r.ArrivedAt.IsZero() && !expected.IsZero() && expected.Sub(r.ArrivedAt) >= 24*time.Hour
		l.Shipments = append(l.Shipments, r.ShipmentFacts)
	}
	if len(list) == 0 {
		l.Shipments = impliedParcel(l.Order)
	}
	if len(l.Shipments) > 0 {
		l.Shipment = l.Shipments[len(l.Shipments)-1]
	}
	return nil
}

// impliedParcel is what the order itself tells of its goods where its shop tells no parcels.
func impliedParcel(o OrderFacts) []ShipmentFacts {
	state := care.ShipmentState("")
	switch care.FulfilmentState(o.Fulfilment) {
	case care.FulfilmentShipped, care.FulfilmentPartial, care.FulfilmentPartiallyDelivered:
		state = care.ShipmentInTransit
	case care.FulfilmentDelivered:
		state = care.ShipmentDelivered
	default:
		return nil
	}
	return []ShipmentFacts{{ID: wholeOrder, State: string(state), MovedAt: o.ChangedAt}}
}

func each(ctx context.Context, q db.Querier, sql string, args []any, scan func(pgx.Rows) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func whole(m care.Money) float64 {
	f := float64(m.Amount)
	for range care.Decimals(m.Currency) {
		f /= 10
	}
	return f
}

func firstOf(list ...string) string {
	for _, s := range list {
		if strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

func filled(list ...string) (out []string) {
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
