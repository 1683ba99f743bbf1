-- name: MacrosOf :many
SELECT * FROM macros WHERE store_id = ANY(@stores::bigint[]) ORDER BY store_id, name, id;

-- name: Macro :one
SELECT * FROM macros WHERE id = $1;

-- name: InsertMacro :exec
INSERT INTO macros (id, store_id, name, bodies, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5);

-- name: UpdateMacro :execrows
UPDATE macros SET name = $1, bodies = $2, updated_at = $3 WHERE id = $4;

-- name: DeleteMacro :exec
DELETE FROM macros WHERE id = $1;

-- name: CountMacros :one
SELECT count(*) FROM macros WHERE store_id = $1;
