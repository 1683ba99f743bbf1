-- name: Install :execrows
INSERT INTO installation (id, created_at) VALUES (1, $1) ON CONFLICT (id) DO NOTHING;

-- name: Installed :one
SELECT count(*) FROM installation;

-- name: InsertStore :exec
INSERT INTO stores (id, name, slug, language, currency, time_zone, color, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12);

-- name: SlugTaken :one
SELECT count(*) FROM stores WHERE slug = $1 AND id <> $2;

-- name: Store :one
SELECT * FROM stores WHERE id = $1 AND archived_at = 0;

-- name: StoreBySlug :one
SELECT * FROM stores WHERE slug = $1 AND archived_at = 0;

-- name: Stores :many
SELECT * FROM stores WHERE id = ANY(@ids::bigint[]) AND archived_at = 0 AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: AllStores :many
SELECT * FROM stores WHERE archived_at = 0 ORDER BY id;

-- name: UpdateStore :execrows
UPDATE stores SET name = $1, slug = $2, language = $3, currency = $4, time_zone = $5, color = $6, calendar = $7, widget = $8, version = version + 1, updated_at = $9
WHERE id = $10 AND archived_at = 0 AND version = $11;

-- name: RotateIdentitySecret :execrows
UPDATE stores SET identity_secret_old = identity_secret, identity_secret = $1, version = version + 1, updated_at = $2 WHERE id = $3 AND archived_at = 0;

-- name: ForgetOldIdentitySecret :execrows
UPDATE stores SET identity_secret_old = $1, version = version + 1, updated_at = $2 WHERE id = $3 AND archived_at = 0;

-- name: ArchiveStore :execrows
UPDATE stores SET archived_at = $1, slug = $2 WHERE id = $3 AND archived_at = 0;

-- name: OtherStores :one
SELECT count(*) FROM stores WHERE archived_at = 0 AND id <> $1;
