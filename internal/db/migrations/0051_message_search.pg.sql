-- +goose Up
-- The words of each message, already analysed, with marks for its store and for the stretch of
-- messages that it came in: a search walks the newest stretches first instead of collecting every hit.
CREATE TABLE message_search (
    message_id BIGINT   PRIMARY KEY,
    position   BIGINT   NOT NULL,
    terms      TSVECTOR NOT NULL
);
CREATE INDEX message_search_position ON message_search (position);
CREATE INDEX message_search_terms ON message_search USING gin (terms) WITH (fastupdate = off);

-- How many messages have been made searchable: one indexer at a time adds to it.
CREATE TABLE message_search_head (
    id   BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO message_search_head (id, last) VALUES (1, 0);
