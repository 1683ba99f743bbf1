-- name: TagsOf :many
SELECT * FROM tags WHERE store_id = ANY(@stores::bigint[]) ORDER BY store_id, name;

-- name: EnsureTag :one
INSERT INTO tags (id, store_id, name, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (store_id, name) DO UPDATE SET name = excluded.name RETURNING id;

-- name: UntagAll :exec
DELETE FROM conversation_tags WHERE conversation_id = $1;

-- name: TagConversation :exec
INSERT INTO conversation_tags (conversation_id, tag_id) VALUES ($1, $2) ON CONFLICT (tag_id, conversation_id) DO NOTHING;
