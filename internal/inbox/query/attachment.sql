-- name: InsertAttachment :exec
INSERT INTO attachments (id, store_id, conversation_id, message_id, owner_kind, owner, name, content_type, size, width, height, blob_key, thumb_key, created_at)
VALUES ($1, $2, 0, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: Attachment :one
SELECT * FROM attachments WHERE id = $1;

-- name: UnsentAttachments :many
SELECT * FROM attachments WHERE id = ANY(@ids::bigint[]) AND (store_id = 0 OR store_id = $1) AND owner_kind = $2 AND owner = $3 AND message_id = 0 ORDER BY id;

-- name: AttachmentsOfMessages :many
SELECT * FROM attachments WHERE message_id = ANY(@messages::bigint[]) AND message_id > 0 ORDER BY id;

-- name: AbandonedAttachments :many
SELECT * FROM attachments WHERE message_id = 0 AND created_at < $1 ORDER BY created_at LIMIT 100;

-- name: DropAttachment :execrows
DELETE FROM attachments WHERE id = $1 AND message_id = 0;
