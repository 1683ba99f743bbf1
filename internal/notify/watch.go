package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
)

// watch raises what has come due, closes what is gone, and comes back when the next one may be due. What has been wrong for longer than anybody
// tells of when the order is first looked at isn't raised; what came due while the program didn't run is: looked is when it was last looked at.
func (n *Notify) watch(ctx context.Context, tx *db.Tx, l *loaded, p *Compiled, looked time.Time) error {
	found, next := Detect(&l.State, &p.Policy, tx.Now)
	n.owed(tx, l)
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
		if !e.Open {
			continue
		}
		if old := time.Duration(p.MaxAgeS) * time.Second; tx.Now.Sub(e.Due) > old {
			if looked.IsZero() {
				if looked, err = lastLook(ctx, tx, l.Order.ID); err != nil {
					return err
				}
			}
			if looked.Sub(e.Due) > old {
				continue
			}
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
	tx.Enqueue(db.Job{Store: l.storeID, Kind: jobWatch, Key: key, Move: true, RunAt: next, Payload: look{Order: l.Order.ID, Looked: db.At(tx.Now)}})
	return nil
}

// owed keeps since when the shop has owed the order's money.
func (n *Notify) owed(tx *db.Tx, l *loaded) {
	switch owes := owesMoney(&l.State, ""); {
	case owes && l.Order.OwedSince.IsZero():
		tx.Defer(`INSERT INTO money_owed (order_id, store_id, since_at) VALUES ($1, $2, $3) ON CONFLICT (order_id) DO NOTHING`, l.Order.ID, l.storeID, db.At(owesSince(&l.State, "")))
	case !owes && !l.Order.OwedSince.IsZero():
		tx.Defer(`DELETE FROM money_owed WHERE order_id = $1`, l.Order.ID)
	}
}

// lastLook is when the watch that an order still has was set; without one, now.
func lastLook(ctx context.Context, tx *db.Tx, order int64) (time.Time, error) {
	var raw json.RawMessage
	err := tx.QueryRow(ctx, `SELECT payload FROM jobs WHERE kind = $1 AND key = $2 ORDER BY id LIMIT 1`, jobWatch, strconv.FormatInt(order, 10)).Scan(&raw)
	if errors.Is(err, db.ErrNoRows) {
		return tx.Now, nil
	}
	var l look
	if err != nil || json.Unmarshal(raw, &l) != nil || l.Looked == 0 {
		return tx.Now, err
	}
	return l.Looked.Time(), nil
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
		Work: work, Department: e.Detector.Department, Deadline: e.Detector.deadline(tx.Now), Told: told, NoCall: !mayCall(&l.State),
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
