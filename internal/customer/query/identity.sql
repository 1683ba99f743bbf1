-- name: HoldersOf :many
-- Who holds any of the values, under whatever kind; the caller sorts the kinds out.
SELECT i.id, i.kind, i.value, i.trust, i.customer_id, c.merged_into
FROM identities i JOIN customers c ON c.id = i.customer_id
WHERE i.store_id = $1 AND i.value = ANY($2::text[])
ORDER BY i.id;

-- name: IdentitiesOfFamilies :many
-- The condition on merged_into lets SQLite use its partial index; without it every customer is read.
SELECT i.id, i.kind, i.value, i.display, i.trust, i.customer_id, c.merged_into, i.created_at
FROM customers c JOIN identities i ON i.customer_id = c.id
WHERE c.id = ANY($1::bigint[]) OR c.merged_into <> 0 AND c.merged_into = ANY($1::bigint[])
ORDER BY i.id;

-- name: AddIdentity :execrows
INSERT INTO identities (id, store_id, customer_id, kind, value, display, trust, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING;

-- name: RaiseTrust :exec
UPDATE identities SET trust = $2 WHERE id = $1 AND trust < $2;

-- name: MoveIdentity :exec
UPDATE identities SET customer_id = $2 WHERE id = $1;

-- name: RemoveIdentitiesOf :exec
DELETE FROM identities WHERE customer_id = $1;

-- name: Identity :one
SELECT * FROM identities WHERE id = $1;

-- name: RemoveIdentity :exec
DELETE FROM identities WHERE id = $1;
