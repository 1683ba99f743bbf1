-- name: InsertPresence :exec
INSERT INTO presences (agent_id, state, since_at, seen_at) VALUES ($1, 'offline', $2, $2) ON CONFLICT (agent_id) DO NOTHING;

-- name: Presence :one
SELECT * FROM presences WHERE agent_id = $1;

-- name: PresencesOf :many
SELECT * FROM presences WHERE agent_id = ANY(@agents::bigint[]) ORDER BY agent_id;

-- name: Seen :execrows
UPDATE presences SET seen_at = $1 WHERE agent_id = $2;

-- name: SetPresence :execrows
UPDATE presences SET state = $1, resume = '', since_at = $2, seen_at = $2 WHERE agent_id = $3 AND (state <> $1 OR resume <> '');

-- name: Unseen :many
SELECT agent_id FROM presences WHERE state <> 'offline' AND seen_at < $1 ORDER BY agent_id LIMIT 100;

-- name: DropOut :one
UPDATE presences SET resume = state, state = 'offline', since_at = $1 WHERE agent_id = $2 AND state <> 'offline' AND seen_at < $3 RETURNING resume;

-- name: StoresOf :many
SELECT m.store_id FROM memberships m JOIN stores s ON s.id = m.store_id WHERE m.agent_id = $1 AND s.archived_at = 0 ORDER BY m.store_id;
