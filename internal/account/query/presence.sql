-- name: InsertPresence :exec
INSERT INTO presences (agent_id, state, since_at, seen_at) VALUES ($1, 'offline', $2, $2) ON CONFLICT (agent_id) DO NOTHING;

-- name: PresencesOf :many
SELECT * FROM presences WHERE agent_id = ANY(@agents::bigint[]) ORDER BY agent_id;

-- name: Seen :execrows
UPDATE presences SET seen_at = $1 WHERE agent_id = $2;

-- name: SetPresence :execrows
UPDATE presences SET state = $1, since_at = $2, seen_at = $2 WHERE agent_id = $3 AND state <> $1;

-- name: Unseen :many
SELECT agent_id FROM presences WHERE state <> 'offline' AND seen_at < $1 ORDER BY agent_id LIMIT 100;

-- name: SetOffline :execrows
UPDATE presences SET state = 'offline', since_at = $1 WHERE agent_id = $2 AND state <> 'offline' AND seen_at < $3;
