package widget

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/messages"
)

const (
	maxTracked   = 20   // events of a request
	maxTrackData = 2000 // bytes of JSON of an event
)

// track keeps what the visitor did in the shop: products viewed, carts changed, searches.
func (d *Door) track(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	var in struct {
		Events []struct {
			Kind string          `json:"kind"`
			Data json.RawMessage `json:"data"`
			At   db.Time         `json:"at"`
		} `json:"events"`
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if err := d.limits.tracks.Check(r.claims.Visitor, r.now); err != nil {
		return nil, err
	}
	if len(in.Events) > maxTracked {
		return nil, care.Invalid("events", "too_many_items", "max", maxTracked)
	}
	now := db.At(r.now)
	visits := make([]inbox.Visit, 0, len(in.Events))
	for _, e := range in.Events {
		if !slices.Contains(inbox.VisitKinds, e.Kind) || len(e.Data) > maxTrackData {
			return nil, care.Invalid("events", "widget.event_invalid")
		}
		// A browser's clock may be anything; what lies ahead, or long ago, happened now.
		if e.At > now || e.At < now-db.Time(24*3600*1e6) {
			e.At = now
		}
		visits = append(visits, inbox.Visit{Kind: e.Kind, Data: e.Data, At: e.At})
	}
	return nil, d.o.Inbox.KeepVisits(r.Context(), r.store.ID, r.claims.Visitor, visits)
}

type shopperOrder struct {
	Number      string     `json:"number"`
	Stage       string     `json:"stage"` // in words
	PlacedAt    db.Time    `json:"placed_at"`
	ETA         db.Time    `json:"eta_at"`
	Total       care.Money `json:"total"`
	Lines       []string   `json:"lines"`
	TrackingURL string     `json:"tracking_url"`
}

const maxOrders = 5

// orders shows the newest orders of a shopper for whom the shop has vouched, and of nobody else.
func (d *Door) orders(_ http.ResponseWriter, r *request) (any, error) {
	if err := d.known(r); err != nil {
		return nil, err
	}
	if !r.claims.verified(r.now) {
		return nil, &care.Error{Code: "widget.not_verified", Kind: care.KindForbidden}
	}
	ids, err := d.family(r)
	if err != nil {
		return nil, err
	}
	out := struct {
		Items []shopperOrder `json:"items"`
	}{[]shopperOrder{}}
	if len(ids) == 0 {
		return out, nil
	}
	q := d.db.Read()
	rows, err := q.Query(r.Context(), `SELECT o.id, o.number, o.stage, o.placed_at, o.total, o.currency,
coalesce((SELECT max(s.eta_at) FROM shipments s WHERE s.order_id = o.id), 0),
coalesce((SELECT max(s.tracking_url) FROM shipments s WHERE s.order_id = o.id), '')
FROM orders o WHERE o.store_id = $1 AND o.customer_id = ANY($2::bigint[]) ORDER BY o.placed_at DESC, o.id DESC LIMIT $3`, r.store.ID, ids, int64(maxOrders))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []int64
	at := map[int64]int{}
	for rows.Next() {
		var id int64
		var stage string
		var o shopperOrder
		if err := rows.Scan(&id, &o.Number, &stage, &o.PlacedAt, &o.Total.Amount, &o.Total.Currency, &o.ETA, &o.TrackingURL); err != nil {
			return nil, err
		}
		o.Stage, _ = messages.Find(r.language, "widget.stage."+stage, nil)
		if !slices.Contains(onTheWay, care.Stage(stage)) {
			o.ETA = 0
		}
		if !strings.HasPrefix(o.TrackingURL, "https://") && !strings.HasPrefix(o.TrackingURL, "http://") {
			o.TrackingURL = ""
		}
		o.Lines = []string{}
		at[id] = len(out.Items)
		orders = append(orders, id)
		out.Items = append(out.Items, o)
	}
	if err := rows.Err(); err != nil || len(orders) == 0 {
		return out, err
	}
	lines, err := q.Query(r.Context(), `SELECT order_id, name FROM order_lines WHERE order_id = ANY($1::bigint[]) ORDER BY order_id, position LIMIT 100`, orders)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	for lines.Next() {
		var id int64
		var name string
		if err := lines.Scan(&id, &name); err != nil {
			return nil, err
		}
		o := &out.Items[at[id]]
		o.Lines = append(o.Lines, name)
	}
	return out, lines.Err()
}

// onTheWay are the stages in which a parcel is still expected.
var onTheWay = []care.Stage{care.StagePaid, care.StageProcessing, care.StagePacked, care.StageShipped, care.StageOutForDelivery}

// family returns the customers that the shop's word proves the visitor to be: those who hold one of his identities by a
// shop's record or better, with all that were merged with them.
func (d *Door) family(r *request) ([]int64, error) {
	var kinds, values []string
	for _, id := range r.claims.identities(r.now)[1:] {
		kinds, values = append(kinds, string(id.Kind)), append(values, id.Value)
	}
	rows, err := d.db.Read().Query(r.Context(), `SELECT i.kind, i.value, i.customer_id, c.merged_into FROM identities i JOIN customers c ON c.id = i.customer_id
WHERE i.store_id = $1 AND i.value = ANY($2::text[]) AND i.trust >= 1`, r.store.ID, values)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var heads []int64
	for rows.Next() {
		var kind, value string
		var id, into int64
		if err := rows.Scan(&kind, &value, &id, &into); err != nil {
			return nil, err
		}
		for n := range values {
			if kinds[n] == kind && values[n] == value {
				heads = append(heads, id)
				if into != 0 {
					heads = append(heads, into)
				}
			}
		}
	}
	if err := rows.Err(); err != nil || len(heads) == 0 {
		return nil, err
	}
	return d.merged(r, heads)
}

func (d *Door) merged(r *request, heads []int64) ([]int64, error) {
	rows, err := d.db.Read().Query(r.Context(), `SELECT id FROM customers WHERE store_id = $1 AND merged_into <> 0 AND merged_into = ANY($2::bigint[])`, r.store.ID, heads)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		heads = append(heads, id)
	}
	slices.Sort(heads)
	return slices.Compact(heads), rows.Err()
}
