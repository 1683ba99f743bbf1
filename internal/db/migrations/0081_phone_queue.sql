-- +goose Up
-- Where callers wait. Written by internal/phone alone.
CREATE TABLE phone_queues (
    id          BIGINT  PRIMARY KEY,
    store_id    BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    numbers     JSONB   NOT NULL,              -- ["+380..."]: what was called; empty: whatever else rings in
    skills      JSONB   NOT NULL,              -- [{"kind", "value"}]
    team_id     BIGINT  NOT NULL DEFAULT 0,
    max_length  BIGINT  NOT NULL DEFAULT 0,    -- callers; 0: no limit
    max_wait_s  BIGINT  NOT NULL DEFAULT 0,
    overflow    TEXT    NOT NULL DEFAULT 'callback' CHECK (overflow IN ('callback', 'hangup', 'queue')),
    overflow_id BIGINT  NOT NULL DEFAULT 0,    -- the other queue
    announce_s  BIGINT  NOT NULL DEFAULT 45,
    position    BIGINT  NOT NULL DEFAULT 0,
    wait_ms     BIGINT  NOT NULL DEFAULT 0,    -- expected: half of what it was and of the last caller's
    active      BOOLEAN NOT NULL DEFAULT TRUE,
    created_at  BIGINT  NOT NULL
);
CREATE INDEX phone_queues_store ON phone_queues (store_id, position, id) WHERE active;
CREATE INDEX calls_waiting ON calls (store_id, queued_at, id) WHERE state = 'waiting';
CREATE INDEX calls_day ON calls (store_id, created_at);
