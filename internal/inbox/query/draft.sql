-- name: Draft :one
SELECT * FROM drafts WHERE conversation_id = $1 AND agent_id = $2;

-- name: SaveDraft :exec
INSERT INTO drafts (agent_id, conversation_id, body, mode, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (conversation_id, agent_id) DO UPDATE SET body = excluded.body, mode = excluded.mode, updated_at = excluded.updated_at;

-- name: DropDraft :exec
DELETE FROM drafts WHERE conversation_id = $1 AND agent_id = $2;
