package customer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
)

// Item is one thing that happened with a customer. TitleCode and Params make its line in the reader's language.
type Item struct {
	At        db.Time        `json:"at"`
	Kind      string         `json:"kind" enum:"order,status,note,payment,shipment,refund,return,cart,conversation,merge,consent,created,notice,call"`
	Icon      string         `json:"icon"`
	TitleCode string         `json:"title_code"`
	Params    map[string]any `json:"params"`
	Ref       Ref            `json:"ref"`
}

// Ref is what an item is about.
type Ref struct {
	Kind string `json:"kind" enum:"order,conversation,customer,cart"`
	ID   int64  `json:"id"`
}

// Each branch gives (at, rank, id, sub) as the place in the list, ref_id, three texts and a number for the line.
// What the shops tell comes from their own journals and times, never from when we heard of it.
const timelineSQL = `SELECT at, rank, id, sub, ref_id, a, b, c, n FROM (
SELECT o.placed_at AS at, 1 AS rank, o.id AS id, '' AS sub, o.id AS ref_id, o.number AS a, o.currency AS b, o.stage AS c, o.placed_total AS n
  FROM orders o WHERE o.customer_id = ANY($1::bigint[]) AND o.placed_at <= $2
UNION ALL SELECT h.at, 2, h.id, '', o.id, o.number, h.status, h.text, 0
  FROM orders o JOIN order_history h ON h.order_id = o.id WHERE o.customer_id = ANY($1::bigint[]) AND h.at <= $2
UNION ALL SELECT s.at, 3, p.id, s.state, o.id, o.number, s.state, p.currency, p.amount
  FROM orders o JOIN payments p ON p.order_id = o.id JOIN payment_steps s ON s.payment_id = p.id WHERE o.customer_id = ANY($1::bigint[]) AND s.at <= $2
UNION ALL SELECT k.at, 4, h.id, k.state, o.id, CASE WHEN h.tracking_number = '' THEN o.number ELSE h.tracking_number END, k.state, CASE WHEN k.place = '' THEN k.text ELSE k.place END, 0
  FROM orders o JOIN shipments h ON h.order_id = o.id JOIN checkpoints k ON k.shipment_id = h.id WHERE o.customer_id = ANY($1::bigint[]) AND k.at <= $2
UNION ALL SELECT r.refunded_at, 5, r.id, '', o.id, o.number, r.state, r.currency, r.amount
  FROM orders o JOIN refunds r ON r.order_id = o.id WHERE o.customer_id = ANY($1::bigint[]) AND r.refunded_at > 0 AND r.refunded_at <= $2
UNION ALL SELECT r.requested_at, 6, r.id, '', o.id, o.number, r.state, r.reason, 0
  FROM orders o JOIN returns r ON r.order_id = o.id WHERE o.customer_id = ANY($1::bigint[]) AND r.requested_at > 0 AND r.requested_at <= $2
UNION ALL SELECT t.updated_at, 7, t.id, '', t.id, t.state, t.currency, '', t.total
  FROM carts t WHERE t.customer_id = ANY($1::bigint[]) AND t.state IN ('active', 'abandoned') AND t.updated_at <= $2
UNION ALL SELECT v.created_at, 8, v.id, '', v.id, v.channel, v.subject, v.status, v.last_seq
  FROM conversations v WHERE v.customer_id = ANY($1::bigint[]) AND v.created_at <= $2
UNION ALL SELECT m.created_at, 9, m.id, '', m.loser_id, l.name, m.reason, '', m.id
  FROM merges m JOIN customers l ON l.id = m.loser_id WHERE m.winner_id = ANY($1::bigint[]) AND m.undone_at = 0 AND m.created_at <= $2
UNION ALL SELECT k.created_at, 10, k.id, '', k.customer_id, k.subject, k.source, '', CASE WHEN k.given THEN 1 ELSE 0 END
  FROM consents k WHERE k.customer_id = ANY($1::bigint[]) AND k.created_at <= $2
UNION ALL SELECT c.created_at, 11, c.id, '', c.id, c.name, '', '', 0
  FROM customers c WHERE c.id = $3 AND c.created_at <= $2
UNION ALL SELECT n.sent_at, 12, n.id, '', n.order_id, o.number, n.moment, n.channel, 0
  FROM notices n JOIN orders o ON o.id = n.order_id WHERE n.customer_id = ANY($1::bigint[]) AND n.outcome = 'sent' AND n.sent_at <= $2
UNION ALL SELECT l.created_at, 13, l.id, '', CASE WHEN l.conversation_id = 0 THEN l.customer_id ELSE l.conversation_id END, l.direction, l.result, CASE WHEN l.conversation_id = 0 THEN 'customer' ELSE 'conversation' END, CASE WHEN l.answered_at > 0 AND l.ended_at > l.answered_at THEN (l.ended_at - l.answered_at) / 1000000 ELSE 0 END
  FROM calls l WHERE l.customer_id = ANY($1::bigint[]) AND l.ended_at > 0 AND l.created_at <= $2
) AS t
WHERE (at, rank, id, sub) < ($2, $4, $5, $6)
ORDER BY at DESC, rank DESC, id DESC, sub DESC LIMIT $7`

// Timeline returns what happened with a customer, the latest first, and the cursor of the next page ("" at the end).
func (c *Customers) Timeline(ctx context.Context, s care.Scope, id int64, cursor string, limit int) ([]Item, string, error) {
	q := query.New(c.db.Read())
	row, err := c.current(ctx, q, s, id, care.PermCustomerRead)
	if err != nil {
		return nil, "", err
	}
	family, err := q.FamilyOf(ctx, row.ID)
	if err != nil {
		return nil, "", err
	}
	from, err := readPlace(cursor)
	if err != nil {
		return nil, "", err
	}
	rows, err := c.db.Read().Query(ctx, timelineSQL, family, from.at, row.ID, from.rank, from.id, from.sub, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("timeline: %w", err)
	}
	defer rows.Close()
	items, next := []Item{}, ""
	var last place
	for rows.Next() {
		var p place
		var ref, n int64
		var a, b, t string
		if err := rows.Scan(&p.at, &p.rank, &p.id, &p.sub, &ref, &a, &b, &t, &n); err != nil {
			return nil, "", fmt.Errorf("timeline: %w", err)
		}
		if len(items) == limit {
			next = last.String()
			break
		}
		last = p
		items = append(items, itemOf(p, ref, a, b, t, n))
	}
	return items, next, rows.Err()
}

func itemOf(p place, ref int64, a, b, c string, n int64) Item {
	it := Item{At: db.Time(p.at), Ref: Ref{"order", ref}}
	line := func(kind, icon, title string, params map[string]any) Item {
		it.Kind, it.Icon, it.TitleCode, it.Params = kind, icon, "timeline."+title, params
		return it
	}
	switch p.rank {
	case 1:
		return line("order", "cart", "order.placed", map[string]any{"number": a, "total": care.Money{Amount: n, Currency: b}, "stage": c})
	case 2:
		if b != "" {
			return line("status", "flag", "order.status", map[string]any{"number": a, "stage": b, "text": c})
		}
		return line("note", "note", "note", map[string]any{"number": a, "text": c})
	case 3:
		return line("payment", "card", "payment.state", map[string]any{"number": a, "state": b, "amount": care.Money{Amount: n, Currency: c}})
	case 4:
		return line("shipment", "truck", "shipment.state", map[string]any{"tracking": a, "state": b, "place": c})
	case 5:
		return line("refund", "refund", "refund.state", map[string]any{"number": a, "state": b, "amount": care.Money{Amount: n, Currency: c}})
	case 6:
		return line("return", "return", "return.state", map[string]any{"number": a, "state": b, "reason": c})
	case 7:
		it.Ref.Kind = "cart"
		return line("cart", "cart", "cart.changed", map[string]any{"state": a, "total": care.Money{Amount: n, Currency: b}})
	case 8:
		it.Ref.Kind = "conversation"
		return line("conversation", "chat", "conversation.started", map[string]any{"channel": a, "subject": b, "status": c, "messages": n})
	case 9:
		it.Ref.Kind = "customer"
		return line("merge", "merge", "customer.merged", map[string]any{"name": a, "reason": b, "merge_id": n})
	case 10:
		it.Ref.Kind = "customer"
		return line("consent", "shield", "customer.consent", map[string]any{"subject": a, "given": n == 1, "source": b})
	}
	if p.rank == 13 {
		it.Ref.Kind = c
		return line("call", "phone", "call."+a, map[string]any{"result": b, "seconds": n, "call_id": p.id})
	}
	if p.rank == 12 {
		return line("notice", "bell", "notice.sent", map[string]any{"number": a, "moment": b, "channel": c})
	}
	it.Ref.Kind = "customer"
	return line("created", "person", "customer.created", map[string]any{"name": a})
}

// place is where an item stands in a timeline.
type place struct {
	at, rank, id int64
	sub          string
}

func (p place) String() string { return fmt.Sprintf("%d.%d.%d.%s", p.at, p.rank, p.id, p.sub) }

func readPlace(cursor string) (place, error) {
	if cursor == "" {
		return place{at: 1 << 62, rank: 1 << 30}, nil
	}
	parts := strings.SplitN(cursor, ".", 4)
	if len(parts) != 4 {
		return place{}, care.Invalid("cursor", "cursor_invalid")
	}
	p := place{sub: parts[3]}
	for i, to := range []*int64{&p.at, &p.rank, &p.id} {
		n, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil {
			return p, care.Invalid("cursor", "cursor_invalid")
		}
		*to = n
	}
	return p, nil
}
