-- name: Idempotent :one
SELECT request_hash, status, content_type, response FROM idempotency WHERE caller = $1 AND key = $2 AND created_at > $3;

-- name: ClaimIdempotency :execrows
INSERT INTO idempotency (caller, key, request_hash, status, response, created_at) VALUES ($1, $2, $3, 0, $4, $5)
ON CONFLICT (caller, key) DO UPDATE SET request_hash = excluded.request_hash, status = 0, response = excluded.response, created_at = excluded.created_at
WHERE idempotency.created_at <= $6;

-- name: AnswerIdempotency :exec
INSERT INTO idempotency (caller, key, request_hash, status, content_type, response, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (caller, key) DO UPDATE SET status = excluded.status, content_type = excluded.content_type, response = excluded.response WHERE idempotency.request_hash = excluded.request_hash;

-- name: DeleteOldIdempotency :execrows
DELETE FROM idempotency WHERE created_at <= $1;
