-- name: InsertConnection :exec
INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8);

-- name: Connection :one
SELECT * FROM connections WHERE id = $1;

-- name: ConnectionByHook :one
SELECT * FROM connections WHERE hook_token = $1;

-- name: Connections :many
SELECT * FROM connections WHERE store_id = ANY(@stores::bigint[]) AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: AllConnections :many
SELECT c.* FROM connections c JOIN stores s ON s.id = c.store_id WHERE s.archived_at = 0 ORDER BY c.id;

-- name: UpdateConnection :execrows
UPDATE connections SET name = $1, settings = $2, secrets = $3, version = version + 1, updated_at = $4 WHERE id = $5;

-- name: RotateHookToken :execrows
UPDATE connections SET hook_token = $1, version = version + 1, updated_at = $2 WHERE id = $3;

-- name: SetConnectionState :execrows
UPDATE connections SET state = $1, state_reason = $2, state_at = $3 WHERE id = $4 AND (state <> $1 OR state_reason <> $2);

-- name: DeleteConnection :execrows
DELETE FROM connections WHERE id = $1;
