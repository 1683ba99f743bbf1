-- name: Look :one
-- Writes a record seen for the first time, or gives what is kept of it and locks it.
INSERT INTO mirror (connection_id, kind, external_id, store_id, local_id, raw_status, hash, source_at, fetched_at, deleted, data, raw)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (connection_id, kind, external_id) DO UPDATE SET fetched_at = excluded.fetched_at
RETURNING local_id, hash, source_at, deleted, data;

-- name: Kept :many
SELECT external_id, local_id, source_at, deleted, data FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = ANY($3::text[]);

-- name: Original :one
SELECT raw, data, source_at, fetched_at FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = $3;

-- name: LocalID :one
SELECT local_id FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = $3 AND NOT deleted;

-- name: StatusFor :one
SELECT order_state, payment_state, fulfilment_state, source FROM status_maps WHERE connection_id = $1 AND raw = $2;

-- name: Statuses :many
SELECT * FROM status_maps WHERE connection_id = $1 ORDER BY source DESC, seen DESC, raw;

-- name: MapStatus :exec
INSERT INTO status_maps (connection_id, raw, store_id, order_state, payment_state, fulfilment_state, source, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (connection_id, raw) DO UPDATE SET order_state = excluded.order_state, payment_state = excluded.payment_state,
    fulfilment_state = excluded.fulfilment_state, source = excluded.source, updated_at = excluded.updated_at;

-- name: OrdersWithStatus :many
SELECT o.id, o.external_id FROM orders o WHERE o.connection_id = $1 AND o.raw_status = $2 AND o.id > $3 ORDER BY o.id LIMIT $4;

-- name: Place :one
SELECT id FROM locations WHERE connection_id = $1 AND external_id = $2;

-- name: AddPlace :exec
INSERT INTO locations (id, store_id, connection_id, external_id, name, address) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING;

-- name: SavePlace :exec
INSERT INTO locations (id, store_id, connection_id, external_id, name, address, archived) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (connection_id, external_id) DO UPDATE SET name = excluded.name, address = excluded.address, archived = excluded.archived;

-- name: VariantsOf :many
SELECT v.id, v.external_id, v.sku, v.product_id, v.untracked FROM variants v WHERE v.product_id = $1
UNION
SELECT w.id, w.external_id, w.sku, w.product_id, w.untracked FROM variants w WHERE w.connection_id = $2 AND w.external_id = ANY($3::text[]);

-- name: VariantByRef :one
SELECT id, untracked FROM variants WHERE connection_id = $1 AND external_id = $2;

-- name: VariantBySKU :many
SELECT id, untracked FROM variants WHERE store_id = $1 AND connection_id = $2 AND sku = $3 ORDER BY id LIMIT 1;

-- name: VariantRefs :many
SELECT id, external_id, sku FROM variants WHERE connection_id = $1 AND external_id = ANY($2::text[]);

-- name: VariantSKUs :many
SELECT id, external_id, sku FROM variants WHERE store_id = $1 AND connection_id = $2 AND sku <> '' AND sku = ANY($3::text[]) ORDER BY id;

-- name: LevelsOf :many
SELECT variant_id, location_id, on_hand, reserved, available, incoming, incoming_at FROM stock_levels
WHERE variant_id = ANY($1::bigint[]) ORDER BY variant_id, location_id FOR UPDATE;

-- name: Park :exec
INSERT INTO parked (connection_id, kind, external_id, store_id, wants_kind, wants_ref, data, source_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (connection_id, kind, external_id) DO UPDATE SET wants_kind = excluded.wants_kind, wants_ref = excluded.wants_ref, data = excluded.data, source_at = excluded.source_at
WHERE parked.source_at <= excluded.source_at;

-- name: Waiting :many
SELECT * FROM parked WHERE connection_id = $1 AND wants_kind = $2 AND wants_ref = ANY($3::text[]) ORDER BY kind, external_id LIMIT 500;

-- name: Unpark :exec
DELETE FROM parked WHERE connection_id = $1 AND kind = $2 AND external_id = $3 AND source_at <= $4;

-- name: ParkedCount :one
SELECT count(*) FROM parked WHERE connection_id = $1;
