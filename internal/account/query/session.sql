-- name: InsertSession :exec
INSERT INTO sessions (id, token_hash, agent_id, csrf, ip, user_agent, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8);

-- name: SessionScope :many
SELECT s.id, s.agent_id, s.csrf, s.created_at, s.seen_at, s.expires_at, a.language, a.owner, coalesce(m.store_id, 0)::bigint AS store_id, coalesce(m.role, '')::text AS role
FROM sessions s JOIN agents a ON a.id = s.agent_id
LEFT JOIN memberships m ON m.agent_id = a.id AND EXISTS (SELECT 1 FROM stores st WHERE st.id = m.store_id AND st.archived_at = 0)
WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.active ORDER BY m.store_id;

-- name: SlideSession :exec
UPDATE sessions SET seen_at = $1, expires_at = $2, ip = $3, user_agent = $4 WHERE id = $5;

-- name: SessionsOf :many
SELECT * FROM sessions WHERE agent_id = $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 100;

-- name: DeleteSession :execrows
DELETE FROM sessions WHERE id = $1 AND agent_id = $2;

-- name: DeleteSessionByToken :execrows
DELETE FROM sessions WHERE token_hash = $1;

-- name: DeleteSessionsOf :exec
DELETE FROM sessions WHERE agent_id = $1 AND id <> $2;

-- name: DeleteExpiredSessions :execrows
DELETE FROM sessions WHERE expires_at <= $1;

-- name: DeleteExpiredInvitations :execrows
DELETE FROM invitations WHERE expires_at <= $1;
