package notify

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
)

// watch raises what has come due, closes what is gone, and comes back when the next one may be due. fresh tells that something has just
// been heard of the order: what has been wrong with it for longer than anybody tells of isn't raised by that.
func (n *Notify) watch(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, fresh bool) error {
	found, next := Detect(&l.State, &p.Policy, tx.Now)
	open := map[string]int64{}
	err := each(ctx, tx, `SELECT id, kind, part FROM exceptions WHERE order_id = $1 AND closed_at = 0`, []any{l.Order.ID}, func(rows pgx.Rows) error {
		var id int64
		var kind, part string
		if err := rows.Scan(&id, &kind, &part); err != nil {
			return err
		}
		open[kind+"/"+part] = id
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range found {
		key := string(e.Kind) + "/" + e.Part
		if _, known := open[key]; known {
			delete(open, key)
			continue
		}
		if !e.Open || fresh && tx.Now.Sub(e.Due) > time.Duration(p.MaxAgeS)*time.Second {
			continue
		}
		if err := n.raise(ctx, tx, l, p, e); err != nil {
			return err
		}
	}
	for _, id := range open {
		if err := n.settle(ctx, tx, id); err != nil {
			return err
		}
	}
	key := strconv.FormatInt(l.Order.ID, 10)
	if next.IsZero() {
		tx.CancelJob(jobWatch, key)
		return nil
	}
	tx.Enqueue(db.Job{Store: l.storeID, Kind: jobWatch, Key: key, Move: true, RunAt: next, Payload: look{Order: l.Order.ID}})
	return nil
}

// raise writes down an exception, tells the customer first, and says what is to be made of it.
func (n *Notify) raise(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, e Exception) error {
	id := tx.ID()
	work, why := callOf(e.Detector, &l.State)
	detector, _ := json.Marshal(e.Detector)
	tag, err := tx.Exec(ctx, `INSERT INTO exceptions (id, store_id, order_id, customer_id, kind, part, work, department_id, detector, due_at, raised_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) ON CONFLICT (order_id, kind, part) WHERE closed_at = 0 DO NOTHING`,
		id, l.storeID, l.Order.ID, l.head, string(e.Kind), e.Part, work, e.Detector.Department, json.RawMessage(detector), db.At(e.Due), db.At(tx.Now))
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	t := Trigger{Event: exceptionEvent(e.Kind), Part: e.Part}
	told, err := n.decide(ctx, tx, l, p, t, id)
	if err != nil {
		return err
	}
	if why != "" {
		call := Notice{Key: "call." + string(e.Kind), Moment: string(e.Kind)}
		if err := n.withhold(ctx, tx, l, p, Refusal{Notice: call, Moment: string(e.Kind), Part: e.Part, Once: call.Key + "/" + e.Part, Reason: why}, t, id); err != nil {
			return err
		}
	}
	tx.Emit(db.Event{Store: l.storeID, Type: care.EventExceptionRaised, Subject: id, Payload: care.ExceptionEvent{
		Exception: id, Kind: e.Kind, Order: l.Order.ID, Customer: l.head, Connection: l.Order.Connection, Number: l.Order.Number, Part: e.Part,
		Work: work, Department: e.Detector.Department, Deadline: e.Detector.deadline(tx.Now), Told: told,
	}})
	return nil
}

// settle closes an exception whose cause is gone.
func (n *Notify) settle(ctx context.Context, tx *db.Tx, id int64) error {
	e := care.ExceptionEvent{Exception: id}
	var store int64
	var kind string
	err := tx.QueryRow(ctx, `UPDATE exceptions SET closed_at = $1 WHERE id = $2 AND closed_at = 0
RETURNING store_id, kind, part, order_id, customer_id, work, department_id, (SELECT connection_id FROM orders WHERE orders.id = exceptions.order_id), (SELECT number FROM orders WHERE orders.id = exceptions.order_id)`,
		db.At(tx.Now), id).Scan(&store, &kind, &e.Part, &e.Order, &e.Customer, &e.Work, &e.Department, &e.Connection, &e.Number)
	if err != nil {
		return err
	}
	e.Kind = care.ExceptionKind(kind)
	tx.Emit(db.Event{Store: store, Type: care.EventExceptionClosed, Subject: id, Payload: e})
	return nil
}
