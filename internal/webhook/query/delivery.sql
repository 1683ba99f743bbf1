-- name: InsertDelivery :execrows
INSERT INTO webhook_deliveries (id, endpoint_id, store_id, event_id, event_type, body, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7) ON CONFLICT (endpoint_id, event_id) DO NOTHING;

-- name: Delivery :one
SELECT * FROM webhook_deliveries WHERE id = $1;

-- name: Deliveries :many
SELECT * FROM webhook_deliveries WHERE endpoint_id = @endpoint AND id < @before ORDER BY id DESC LIMIT CAST(@lim AS BIGINT);

-- name: Attempted :exec
UPDATE webhook_deliveries SET state = $1, attempts = attempts + 1, status = $2, answer = $3, took_ms = $4, attempted_at = $5 WHERE id = $6;

-- name: Again :exec
UPDATE webhook_deliveries SET state = 'waiting' WHERE id = $1;

-- name: DeleteDeliveries :exec
DELETE FROM webhook_deliveries WHERE endpoint_id = $1;

-- name: ForgetDeliveries :execrows
DELETE FROM webhook_deliveries WHERE created_at < $1 AND state <> 'waiting';
