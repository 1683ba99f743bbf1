-- +goose Up
-- Words for one channel, where the short ones that all share don't suit it: {"telegram": "..."}; and a line on what was changed.
ALTER TABLE notice_templates ADD COLUMN channels JSONB NOT NULL DEFAULT '{}';
ALTER TABLE notice_templates ADD COLUMN comment TEXT NOT NULL DEFAULT '';
