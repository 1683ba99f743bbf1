-- name: OrderAsKept :one
SELECT customer_id, customer_ref, order_state, payment_state, fulfilment_state, shipment_state, stage, raw_status, deleted FROM orders WHERE id = $1;

-- name: PartsOf :many
SELECT 'payment' AS kind, p.id, p.external_id FROM payments p WHERE p.order_id = $1
UNION ALL SELECT 'shipment' AS kind, s.id, s.external_id FROM shipments s WHERE s.order_id = $1
UNION ALL SELECT 'refund' AS kind, r.id, r.external_id FROM refunds r WHERE r.order_id = $1
UNION ALL SELECT 'return' AS kind, t.id, t.external_id FROM returns t WHERE t.order_id = $1;

-- name: OrderByKey :one
SELECT id, customer_id, number FROM orders WHERE connection_id = $1 AND external_id = $2;

-- name: CartAsKept :one
SELECT customer_id, state FROM carts WHERE id = $1;
