-- +goose Up
-- Who deleted a recording and what for, shown beside it; and recordings of a store in their order. Written by internal/phone alone.
ALTER TABLE recordings ADD COLUMN deleted_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN deleted_note TEXT NOT NULL DEFAULT '';
CREATE INDEX recordings_store ON recordings (store_id, id);
