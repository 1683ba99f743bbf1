-- name: InsertEndpoint :exec
INSERT INTO webhook_endpoints (id, store_id, url, description, events, secret, old_secret, active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE, $8, $8);

-- name: Endpoints :many
SELECT * FROM webhook_endpoints WHERE store_id = ANY(@stores::bigint[]) AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: Endpoint :one
SELECT * FROM webhook_endpoints WHERE id = $1;

-- name: ActiveEndpoints :many
SELECT * FROM webhook_endpoints WHERE store_id = $1 AND active ORDER BY id;

-- name: StoresWithEndpoints :many
SELECT DISTINCT store_id FROM webhook_endpoints WHERE active;

-- name: UpdateEndpoint :execrows
UPDATE webhook_endpoints SET url = $1, description = $2, events = $3, active = $4, disabled = '', failing_since_at = 0, updated_at = $5 WHERE id = $6;

-- name: RotateEndpoint :execrows
UPDATE webhook_endpoints SET old_secret = secret, old_until_at = $1, secret = $2, updated_at = $3 WHERE id = $4;

-- name: DeleteEndpoint :execrows
DELETE FROM webhook_endpoints WHERE id = $1;

-- name: EndpointWorks :exec
UPDATE webhook_endpoints SET failing_since_at = 0 WHERE id = $1 AND failing_since_at <> 0;

-- name: EndpointFails :one
UPDATE webhook_endpoints SET failing_since_at = CASE WHEN failing_since_at = 0 THEN $1 ELSE failing_since_at END WHERE id = $2 RETURNING failing_since_at;

-- name: DisableEndpoint :exec
UPDATE webhook_endpoints SET active = FALSE, disabled = $1, updated_at = $2 WHERE id = $3;
