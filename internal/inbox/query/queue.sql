-- name: InsertQueue :exec
INSERT INTO queues (id, store_id, name, channels, skills, team_id, first_response_s, position, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: UpdateQueue :execrows
UPDATE queues SET name = $1, channels = $2, skills = $3, team_id = $4, first_response_s = $5, position = $6 WHERE id = $7 AND store_id = $8 AND active;

-- name: RetireQueue :execrows
UPDATE queues SET active = FALSE WHERE id = $1 AND store_id = $2 AND active;

-- name: Queue :one
SELECT * FROM queues WHERE id = $1;

-- name: QueuesOf :many
SELECT * FROM queues WHERE store_id = ANY(@stores::bigint[]) AND active ORDER BY store_id, position, id;

-- name: AllQueuesOf :many
SELECT * FROM queues WHERE store_id = $1 ORDER BY position, id;
