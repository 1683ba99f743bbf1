package commerce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Where the meaning of a raw status comes from.
const (
	fromPlug  = "plug"
	fromAdmin = "admin"
	unmapped  = "unknown"
)

const jobRemap = "commerce.remap"

// meaning looks up what a raw status means. One met for the first time is taken from the plug's defaults or noted as unknown, to be mapped by a
// person. newly tells that the order comes to the status now, which is counted.
func (a *applier) meaning(ctx context.Context, raw string, newly bool) (mapping, error) {
	if raw == "" {
		return mapping{}, nil
	}
	row, err := a.q.StatusFor(ctx, query.StatusForParams{ConnectionID: a.conn.ID, Raw: raw})
	if errors.Is(err, db.ErrNoRows) {
		source := unmapped
		axes, ok := a.m.defaults(a.conn.Plug, raw)
		if ok {
			source = fromPlug
		}
		a.tx.Defer(`INSERT INTO status_maps (connection_id, raw, store_id, order_state, payment_state, fulfilment_state, source, seen, first_seen_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) ON CONFLICT (connection_id, raw) DO UPDATE SET seen = status_maps.seen + 1`,
			a.conn.ID, raw, a.conn.Store, string(axes.Order), string(axes.Payment), string(axes.Fulfilment), source, db.At(a.tx.Now))
		return mapping{Axes: axes, Known: ok}, nil
	}
	if err != nil {
		return mapping{}, err
	}
	if newly {
		a.tx.Defer(`UPDATE status_maps SET seen = seen + 1, first_seen_at = CASE WHEN first_seen_at = 0 THEN $1 ELSE first_seen_at END WHERE connection_id = $2 AND raw = $3`, db.At(a.tx.Now), a.conn.ID, raw)
	}
	return mapping{
		Axes:  care.Axes{Order: care.OrderState(row.OrderState), Payment: care.PaymentState(row.PaymentState), Fulfilment: care.FulfilmentState(row.FulfilmentState)},
		Known: row.Source != unmapped, Admin: row.Source == fromAdmin,
	}, nil
}

func (m *Commerce) defaults(plug, raw string) (care.Axes, bool) {
	if m.statuses == nil {
		return care.Axes{}, false
	}
	axes, ok := m.statuses(plug)[raw]
	return axes, ok
}

// Status is the meaning of one raw status of a connection.
type Status struct {
	Raw         string  `json:"raw"`
	Order       string  `json:"order_state"`
	Payment     string  `json:"payment_state"`
	Fulfilment  string  `json:"fulfilment_state"`
	Source      string  `json:"source" enum:"plug,admin,unknown" doc:"Who says so: the plug's defaults, a person, or nobody yet."`
	Seen        int64   `json:"seen" doc:"How many times an order came to it."`
	FirstSeenAt db.Time `json:"first_seen_at"`
}

// Statuses lists the statuses of a connection: what nobody has mapped yet first.
func (m *Commerce) Statuses(ctx context.Context, s care.Scope, connection int64) ([]Status, error) {
	c, err := m.connection(ctx, s, connection, care.PermConnections)
	if err != nil {
		return nil, err
	}
	rows, err := query.New(m.db.Read()).Statuses(ctx, connection)
	if err != nil {
		return nil, err
	}
	out := []Status{}
	met := map[string]bool{}
	for _, r := range rows {
		met[r.Raw] = true
		out = append(out, Status{r.Raw, r.OrderState, r.PaymentState, r.FulfilmentState, r.Source, r.Seen, r.FirstSeenAt})
	}
	if m.statuses != nil {
		for raw, axes := range m.statuses(c.Plug) {
			if !met[raw] {
				out = append(out, Status{Raw: raw, Order: string(axes.Order), Payment: string(axes.Payment), Fulfilment: string(axes.Fulfilment), Source: fromPlug})
			}
		}
	}
	sortStatuses(out)
	return out, nil
}

// MapStatus says what a raw status means. Orders that have it are placed anew on their axes, and what that changes is told as if the shop had.
func (m *Commerce) MapStatus(ctx context.Context, s care.Scope, connection int64, raw string, axes care.Axes) error {
	c, err := m.connection(ctx, s, connection, care.PermConnections)
	if err != nil {
		return err
	}
	switch {
	case raw == "":
		return care.Invalid("raw", "required")
	case !known(axes.Order, orderStates):
		return care.Invalid("order_state", "value_invalid")
	case !known(axes.Payment, paymentStates):
		return care.Invalid("payment_state", "value_invalid")
	case !known(axes.Fulfilment, fulfilmentStates):
		return care.Invalid("fulfilment_state", "value_invalid")
	}
	return m.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		err := query.New(tx).MapStatus(ctx, query.MapStatusParams{
			ConnectionID: connection, Raw: raw, StoreID: c.Store, OrderState: string(axes.Order), PaymentState: string(axes.Payment), FulfilmentState: string(axes.Fulfilment),
			Source: fromAdmin, UpdatedAt: db.At(tx.Now),
		})
		if err != nil {
			return err
		}
		tx.Enqueue(db.Job{Store: c.Store, Kind: jobRemap, Key: fmt.Sprintf("%d:%s", connection, raw), Payload: remap{Connection: connection, Plug: c.Plug, Raw: raw}})
		return nil
	})
}

type remap struct {
	Connection int64  `json:"connection_id"`
	Plug       string `json:"plug"`
	Raw        string `json:"raw"`
	After      int64  `json:"after"`
}

// remap places a stretch of the orders with a status anew, and leaves the rest to the next job.
func (m *Commerce) remap(ctx context.Context, tx *db.Tx, j job.Job) error {
	var p remap
	if err := j.Decode(&p); err != nil {
		return err
	}
	q := query.New(tx)
	rows, err := q.OrdersWithStatus(ctx, query.OrdersWithStatusParams{ConnectionID: p.Connection, RawStatus: p.Raw, ID: p.After, Limit: perBatch})
	if err != nil {
		return err
	}
	a := &applier{m: m, tx: tx, q: q, conn: care.Connection{ID: p.Connection, Store: j.Store, Plug: p.Plug}}
	meaning, err := a.meaning(ctx, p.Raw, false)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := a.placeAnew(ctx, r.ID, r.ExternalID, meaning); err != nil {
			return err
		}
	}
	if len(rows) == perBatch {
		p.After = rows[len(rows)-1].ID
		tx.Enqueue(db.Job{Store: j.Store, Kind: jobRemap, Key: fmt.Sprintf("%d:%s:%d", p.Connection, p.Raw, p.After), Payload: p})
	}
	return nil
}

func (a *applier) placeAnew(ctx context.Context, id int64, external string, m mapping) error {
	var k kept
	k.local = id
	// The lock keeps an order that is being applied out until this is done.
	err := a.tx.QueryRow(ctx, `SELECT data FROM mirror WHERE connection_id = $1 AND kind = 'order' AND external_id = $2 FOR UPDATE`, a.conn.ID, external).Scan(&k.data)
	if err != nil {
		return err
	}
	before, customerID, err := a.orderBefore(ctx, k)
	if err != nil || before == nil {
		return err
	}
	after := orderState{Order: before.Order, Axes: axesOf(&before.Order, m)}
	if after.Axes == before.Axes {
		return nil
	}
	x := after.Axes
	a.tx.Defer(`UPDATE orders SET order_state = $1, payment_state = $2, fulfilment_state = $3, stage = $4, open = $5 WHERE id = $6`,
		string(x.Order), string(x.Payment), string(x.Fulfilment), string(x.Stage), stillOpen(after), id)
	rows, err := a.q.PartsOf(ctx, id)
	if err != nil {
		return err
	}
	ids := map[string]int64{}
	for _, r := range rows {
		ids[r.Kind+":"+r.ExternalID] = r.ID
	}
	a.emitOrder(id, customerID, before, after, ids)
	return nil
}

// connection loads a connection within the scope.
func (m *Commerce) connection(ctx context.Context, s care.Scope, id int64, p care.Permission) (care.Connection, error) {
	var c care.Connection
	err := m.db.Read().QueryRow(ctx, `SELECT id, store_id, plug, name FROM connections WHERE id = $1`, id).Scan(&c.ID, &c.Store, &c.Plug, &c.Name)
	if errors.Is(err, db.ErrNoRows) {
		return c, care.NotFound("connection")
	}
	if err != nil {
		return c, err
	}
	return c, allow(s, c.Store, p, "connection")
}

// hint tells open screens of the store to look again, once the change is on disk.
func (m *Commerce) hint(tx *db.Tx, store int64, v map[string]any) {
	if m.bus == nil {
		return
	}
	tx.AfterCommit(func() {
		data, _ := json.Marshal(v)
		m.bus.Publish(fmt.Sprintf("live.agents.%d", store), data)
	})
}

// allow checks a store's row against the scope: another store's row doesn't exist for the caller.
func allow(s care.Scope, store int64, p care.Permission, what string) error {
	if !s.In(store) {
		return care.NotFound(what)
	}
	if !s.May(store, p) {
		return care.Forbidden(p)
	}
	return nil
}

func actorOf(s care.Scope) db.Actor {
	switch {
	case s.Agent != 0:
		return db.Actor{Kind: care.ActorAgent, ID: s.Agent}
	case s.Key != 0:
		return db.Actor{Kind: care.ActorKey, ID: s.Key}
	}
	return db.System
}

// sortStatuses puts first what waits for a person, then what is met most.
func sortStatuses(list []Status) {
	slices.SortStableFunc(list, func(a, b Status) int {
		if (a.Source == unmapped) != (b.Source == unmapped) {
			if a.Source == unmapped {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Raw, b.Raw))
	})
}
