-- name: Seen :one
SELECT local_id, hash, source_at, deleted, raw_status, data FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = $3;
