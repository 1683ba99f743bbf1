-- +goose Up
-- What stood in the places of an approved message when it was last sent: the next one begins with it. Written by internal/inbox alone.
CREATE TABLE template_fills (
    store_id   BIGINT NOT NULL,
    channel    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    fills      JSONB  NOT NULL, -- the names of variables; empty: the agent's own words
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, channel, name, language)
);
