-- name: Sync :one
SELECT * FROM shop_syncs WHERE connection_id = $1;

-- name: Syncs :many
SELECT connection_id, store_id, phase FROM shop_syncs ORDER BY connection_id;

-- name: BeginSync :exec
INSERT INTO shop_syncs (connection_id, store_id, phase, import_started_at, hooks) VALUES ($1, $2, 'importing', $3, '[]')
ON CONFLICT (connection_id) DO UPDATE SET phase = 'importing', import_started_at = excluded.import_started_at, import_ended_at = 0;

-- name: BeginKind :exec
INSERT INTO shop_cursors (connection_id, kind, position) VALUES ($1, $2, $3)
ON CONFLICT (connection_id, kind) DO UPDATE SET position = excluded.position, cursor = '', imported = FALSE, records = 0, total = 0;

-- name: Cursors :many
SELECT * FROM shop_cursors WHERE connection_id = $1 ORDER BY position, kind;

-- name: CountKind :exec
UPDATE shop_cursors SET total = $1 WHERE connection_id = $2 AND kind = $3;

-- name: MoveCursor :execrows
UPDATE shop_cursors SET cursor = $1, imported = $2, records = records + $3, read_at = $4 WHERE connection_id = $5 AND kind = $6 AND cursor = $7;

-- name: EndImport :exec
UPDATE shop_syncs SET phase = 'live', import_ended_at = $1, polled_at = $1 WHERE connection_id = $2 AND phase = 'importing';

-- name: NotePoll :exec
UPDATE shop_syncs SET polled_at = $1, unhinted_at = $2 WHERE connection_id = $3;

-- name: NoteRescan :exec
UPDATE shop_syncs SET rescanned_at = $1 WHERE connection_id = $2;

-- name: NoteHooks :exec
UPDATE shop_syncs SET hooks = $1, hooks_at = $2, hooks_error = $3, hooks_revived = hooks_revived + $4, unhinted_at = 0 WHERE connection_id = $5;

-- name: NoteHealth :exec
UPDATE shop_syncs SET failures = $1, failing_since_at = $2 WHERE connection_id = $3;

-- name: NoteRefusedHook :exec
UPDATE shop_syncs SET refused_hooks = refused_hooks + 1, refused_at = $1 WHERE connection_id = $2;

-- name: DropSync :exec
DELETE FROM shop_syncs WHERE connection_id = $1;

-- name: DropCursors :exec
DELETE FROM shop_cursors WHERE connection_id = $1;

-- name: DropHints :exec
DELETE FROM shop_hints WHERE connection_id = $1;

-- name: DropDeliveries :exec
DELETE FROM hook_deliveries WHERE connection_id = $1;

-- name: Hints :many
SELECT kind, external_id, hinted_at FROM shop_hints WHERE connection_id = $1 ORDER BY hinted_at LIMIT $2;

-- name: ForgetHint :exec
DELETE FROM shop_hints WHERE connection_id = $1 AND kind = $2 AND external_id = $3 AND hinted_at <= $4;

-- name: LatestHook :one
SELECT received_at FROM hook_deliveries WHERE connection_id = $1 AND verdict <> 'ignored' AND hints > 0 ORDER BY received_at DESC LIMIT 1;

-- name: CountHooks :one
SELECT count(*) FROM hook_deliveries WHERE connection_id = $1 AND received_at > $2;

-- name: ForgetDeliveries :execrows
DELETE FROM hook_deliveries WHERE id IN (SELECT d.id FROM hook_deliveries d WHERE d.received_at < $1 ORDER BY d.received_at LIMIT 2000);

-- name: StaleOpenOrders :many
-- Orders that have been open for long seldom move: they are looked at by the second measure.
SELECT external_id FROM orders
WHERE connection_id = sqlc.arg(connection_id) AND open AND fetched_at < sqlc.arg(young_at) AND (placed_at > sqlc.arg(placed_at) OR fetched_at < sqlc.arg(old_at))
ORDER BY fetched_at LIMIT sqlc.arg(most);

-- name: ProductOfVariant :one
SELECT p.external_id FROM variants v JOIN products p ON p.id = v.product_id WHERE v.connection_id = $1 AND v.external_id = $2 LIMIT 1;

-- name: JobWaits :one
-- Waiting ones by their key, running ones among the few that run: all jobs of a busy installation are too many to look through.
SELECT CAST((SELECT count(*) FROM jobs w WHERE w.kind = $1 AND w.key = $2 AND w.key <> '' AND w.state = 'ready')
    + (SELECT count(*) FROM jobs r WHERE r.state = 'running' AND r.lease_until_at >= 0 AND r.kind = $1 AND r.key = $2) AS BIGINT);
