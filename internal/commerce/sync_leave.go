package commerce

import (
	"context"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/find"
	"opeka/internal/job"
)

// Left is how a shop was left.
type Left struct {
	HooksRemoved bool   `json:"hooks_removed"`
	Reason       string `json:"reason" doc:"Why the hooks are still there: they will fail and die in the shop."`
}

// Disconnect ends the upkeep of a connection: its hooks are taken out of the shop, nothing is asked any more. What was read
// stays, unless erase is set; then it goes, step by step.
func (s *Sync) Disconnect(ctx context.Context, scope care.Scope, actor db.Actor, id int64, erase bool) (Left, error) {
	c, err := s.managed(ctx, scope, id)
	if err != nil {
		return Left{}, err
	}
	left := Left{HooksRemoved: true}
	if ses, err := s.session(c); err == nil && c.HookURL != "" {
		if receiver, ok := ses.shop.(care.HookReceiver); ok {
			brief, cancel := context.WithTimeout(ctx, 30*time.Second)
			err := receiver.UnregisterHooks(brief, c.HookURL)
			cancel()
			if err != nil {
				left = Left{Reason: reason(err)}
			}
		}
	}
	err = s.db.Write(ctx, actor, func(tx *db.Tx) error {
		if err := drop(ctx, query.New(tx), id); err != nil {
			return err
		}
		for _, kind := range []string{jobImport, jobPoll, jobRescan, jobHints, jobHooks} {
			tx.CancelJob(kind, work(kind, c.Store, id, time.Time{}).Key)
		}
		if erase {
			tx.Enqueue(work(jobErase, c.Store, id, tx.Now))
		}
		return nil
	})
	s.mu.Lock()
	delete(s.sessions, id)
	s.mu.Unlock()
	return left, err
}

// perErase is how many things one transaction erases: a shop's years of orders mustn't stop everybody else.
const perErase = 500

// eraseSteps delete what was read of a connection, the parts before the whole; each at most perErase rows at a time.
var eraseSteps = []string{
	`DELETE FROM payment_steps WHERE payment_id IN (SELECT s.payment_id FROM payment_steps s JOIN payments p ON p.id = s.payment_id JOIN orders o ON o.id = p.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM checkpoints WHERE shipment_id IN (SELECT c.shipment_id FROM checkpoints c JOIN shipments s ON s.id = c.shipment_id JOIN orders o ON o.id = s.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM payments WHERE id IN (SELECT x.id FROM payments x JOIN orders o ON o.id = x.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM shipments WHERE id IN (SELECT x.id FROM shipments x JOIN orders o ON o.id = x.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM refunds WHERE id IN (SELECT x.id FROM refunds x JOIN orders o ON o.id = x.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM returns WHERE id IN (SELECT x.id FROM returns x JOIN orders o ON o.id = x.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM order_history WHERE id IN (SELECT x.id FROM order_history x JOIN orders o ON o.id = x.order_id WHERE o.connection_id = $1 LIMIT $2)`,
	`DELETE FROM order_lines WHERE id IN (SELECT x.id FROM order_lines x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM invoices WHERE id IN (SELECT x.id FROM invoices x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM shop_actions WHERE id IN (SELECT x.id FROM shop_actions x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM carts WHERE id IN (SELECT x.id FROM carts x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM stock_levels WHERE variant_id IN (SELECT l.variant_id FROM stock_levels l JOIN variants v ON v.id = l.variant_id WHERE v.connection_id = $1 LIMIT $2)`,
	`DELETE FROM variants WHERE id IN (SELECT x.id FROM variants x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM locations WHERE id IN (SELECT x.id FROM locations x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM pickup_points WHERE id IN (SELECT x.id FROM pickup_points x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM status_maps WHERE connection_id = $1 AND raw IN (SELECT x.raw FROM status_maps x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM parked WHERE connection_id = $1 AND external_id IN (SELECT x.external_id FROM parked x WHERE x.connection_id = $1 LIMIT $2)`,
	`DELETE FROM mirror WHERE connection_id = $1 AND external_id IN (SELECT x.external_id FROM mirror x WHERE x.connection_id = $1 LIMIT $2)`,
}

// runErase erases one portion and comes back for the next.
func (s *Sync) runErase(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		for _, step := range eraseSteps {
			tag, err := tx.Exec(ctx, step, p.Connection, int64(perErase))
			if err != nil {
				return err
			}
			if tag.RowsAffected() > 0 {
				tx.Enqueue(work(jobErase, j.Store, p.Connection, tx.Now))
				return nil
			}
		}
		for _, of := range []struct{ kind, table string }{{"order", "orders"}, {"product", "products"}} {
			n, err := s.eraseFound(ctx, tx, j.Store, p.Connection, of.kind, of.table)
			if err != nil {
				return err
			}
			if n > 0 {
				tx.Enqueue(work(jobErase, j.Store, p.Connection, tx.Now))
				return nil
			}
		}
		return nil
	}, nil
}

// eraseFound erases orders or products together with their entries in the index.
func (s *Sync) eraseFound(ctx context.Context, tx *db.Tx, store, connection int64, kind, table string) (int, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM `+table+` WHERE connection_id = $1 ORDER BY id LIMIT $2`, connection, int64(perErase))
	if err != nil {
		return 0, err
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return 0, err
		}
		ids = append(ids, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return 0, err
	}
	if s.o.Index != nil {
		for _, id := range ids {
			if err := s.o.Index.Remove(ctx, tx, store, find.Kind(kind), id); err != nil {
				return 0, err
			}
		}
	}
	_, err = tx.Exec(ctx, `DELETE FROM `+table+` WHERE id = ANY($1::bigint[])`, ids)
	return len(ids), err
}
