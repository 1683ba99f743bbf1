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

-- name: MirrorAfter :many
SELECT m.local_id, m.data, m.source_at, m.fetched_at, coalesce(o.customer_id, 0) AS customer_id, coalesce(o.placed_at, 0) AS placed
FROM mirror m LEFT JOIN orders o ON o.id = m.local_id
WHERE m.store_id = $1 AND m.kind = $2 AND m.local_id > $3 AND NOT m.deleted ORDER BY m.local_id LIMIT $4;
