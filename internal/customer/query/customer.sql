-- name: AddCustomer :exec
INSERT INTO customers (id, store_id, name, language, named_by, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6);

-- name: Customer :one
SELECT * FROM customers WHERE id = $1;

-- name: LockCustomer :one
SELECT * FROM customers WHERE id = $1 FOR UPDATE;

-- name: CustomersByID :many
SELECT * FROM customers WHERE id = ANY($1::bigint[]) ORDER BY id;

-- name: SaveCustomer :exec
UPDATE customers SET name = $2, language = $3, birthday = $4, note = $5, named_by = $6, preferred_channel = $7,
    quiet_from = $8, quiet_to = $9, version = version + 1, updated_at = $10
WHERE id = $1;

-- name: FamilyOf :many
SELECT id FROM customers WHERE id = $1 OR merged_into = $1 AND merged_into <> 0 ORDER BY id;

-- name: Repoint :exec
UPDATE customers SET merged_into = $2, updated_at = $3 WHERE id = $1;

-- name: RepointMany :exec
UPDATE customers SET merged_into = $2, updated_at = $3 WHERE id = ANY($1::bigint[]) AND merged_into = $4;

-- name: FollowersOf :many
SELECT id FROM customers WHERE merged_into = $1 AND merged_into <> 0 ORDER BY id;

-- name: AddConsent :exec
INSERT INTO consents (id, store_id, customer_id, subject, given, source, actor_kind, actor_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: ConsentsOfFamily :many
SELECT k.subject, k.given, k.source, k.customer_id, k.created_at
FROM customers c JOIN consents k ON k.customer_id = c.id
WHERE c.id = $1 OR c.merged_into = $1 AND c.merged_into <> 0
ORDER BY k.id;

-- name: AddMerge :exec
INSERT INTO merges (id, store_id, winner_id, loser_id, automatic, reason, actor_kind, actor_id, repointed, before, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: Merge :one
SELECT * FROM merges WHERE id = $1;

-- name: LockMerge :one
SELECT * FROM merges WHERE id = $1 FOR UPDATE;

-- name: UndoneMerge :exec
UPDATE merges SET undone_at = $2 WHERE id = $1;

-- name: MergesInto :many
SELECT m.id, m.winner_id, m.loser_id, m.automatic, m.reason, m.created_at, c.name AS loser_name
FROM merges m JOIN customers c ON c.id = m.loser_id
WHERE m.winner_id = ANY($1::bigint[]) AND m.undone_at = 0
ORDER BY m.id DESC;

-- name: SharingIdentities :many
-- Customers who hold, at whatever trust, an identity that the family holds too.
SELECT o.customer_id, c.merged_into, o.kind, o.value
FROM customers m JOIN identities mine ON mine.customer_id = m.id
JOIN identities o ON o.store_id = mine.store_id AND o.value = mine.value AND o.kind = mine.kind AND o.customer_id <> mine.customer_id
JOIN customers c ON c.id = o.customer_id
WHERE (m.id = $1 OR m.merged_into = $1 AND m.merged_into <> 0) AND c.id <> $1 AND c.merged_into <> $1
ORDER BY o.id
LIMIT 50;

-- name: ListCustomers :many
SELECT * FROM customers WHERE store_id = ANY($1::bigint[]) AND merged_into = 0 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: CustomersAfter :many
SELECT * FROM customers WHERE store_id = $1 AND merged_into = 0 AND id > $2 ORDER BY id LIMIT $3;
