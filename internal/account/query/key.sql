-- name: InsertKey :exec
INSERT INTO api_keys (id, store_id, name, hint, hash, scopes, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: KeyByHash :one
SELECT k.id, k.store_id, k.scopes, k.last_used_at, s.language FROM api_keys k JOIN stores s ON s.id = k.store_id WHERE k.hash = $1 AND k.revoked_at = 0 AND s.archived_at = 0;

-- name: Key :one
SELECT * FROM api_keys WHERE id = $1;

-- name: Keys :many
SELECT * FROM api_keys WHERE store_id = ANY(@stores::bigint[]) AND revoked_at = 0 AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: RevokeKey :execrows
UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0;

-- name: KeyUsed :exec
UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1;
