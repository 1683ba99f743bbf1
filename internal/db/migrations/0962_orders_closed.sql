-- +goose Up
-- Finished orders by when they were last looked at: those that a shop deletes for good send no word. Of internal/commerce.
CREATE INDEX orders_closed ON orders (connection_id, fetched_at) WHERE NOT open AND NOT deleted;
