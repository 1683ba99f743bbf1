-- +goose Up

-- The place in lists, which moves on only now and then (inbox, list.go): an update that touches no index leaves all of them alone, if the row's page has room for it.
ALTER TABLE conversations ADD COLUMN listed_at BIGINT NOT NULL DEFAULT 0;
DROP INDEX conversations_status;
DROP INDEX conversations_assignee;
DROP INDEX conversations_queue;
UPDATE conversations SET listed_at = last_message_at;
CREATE INDEX conversations_status ON conversations (store_id, status, listed_at, id);
CREATE INDEX conversations_assignee ON conversations (store_id, assignee_id, status, listed_at, id);
CREATE INDEX conversations_queue ON conversations (queue_id, status, listed_at, id);
ALTER TABLE conversations SET (fillfactor = 75);
