-- name: InsertTopic :exec
INSERT INTO topics (id, store_id, name, department_id, position, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: UpdateTopic :execrows
UPDATE topics SET name = $1, department_id = $2, position = $3, active = $4 WHERE id = $5 AND store_id = $6;

-- name: Topic :one
SELECT * FROM topics WHERE id = $1;

-- name: TopicByName :one
SELECT * FROM topics WHERE store_id = $1 AND name = $2;

-- name: TopicsOf :many
SELECT * FROM topics WHERE store_id = ANY(@stores::bigint[]) AND active ORDER BY store_id, position, name, id;
