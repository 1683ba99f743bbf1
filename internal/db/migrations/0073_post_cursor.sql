-- +goose Up

-- How far a listener has read, in the plug's own words.
ALTER TABLE post_channels ADD COLUMN cursor TEXT NOT NULL DEFAULT '';
CREATE INDEX post_sends_address ON post_sends (connection_id, address, id) WHERE sent_at > 0;
