-- name: AddAction :exec
INSERT INTO shop_actions (id, store_id, connection_id, order_id, kind, params, state, actor_kind, actor_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9, $9);

-- name: Action :one
SELECT * FROM shop_actions WHERE id = $1;

-- name: ActionsOf :many
SELECT * FROM shop_actions WHERE order_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: ActionsUnderWay :one
SELECT count(*) FROM shop_actions WHERE order_id = $1 AND kind = $2 AND state IN ('queued', 'sent', 'pending');

-- name: MoveAction :exec
UPDATE shop_actions SET state = $1, reason = $2, attempts = attempts + $3, updated_at = $4 WHERE id = $5 AND state IN ('queued', 'sent', 'pending');

-- name: OrderForAction :one
SELECT store_id, connection_id, external_id, number, customer_id, raw_status, order_state, payment_state, fulfilment_state, currency, total, placed_total, shipping_total, deleted FROM orders WHERE id = $1;

-- name: LockOrder :one
SELECT id FROM orders WHERE id = $1 FOR UPDATE;

-- name: Refunded :one
SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM refunds WHERE order_id = $1 AND state <> 'failed';

-- name: LinesForAction :many
SELECT id, external_id, quantity, total FROM order_lines WHERE order_id = $1;

-- name: KindsUnderWay :many
SELECT DISTINCT kind FROM shop_actions WHERE order_id = $1 AND state IN ('queued', 'sent', 'pending') ORDER BY kind;
