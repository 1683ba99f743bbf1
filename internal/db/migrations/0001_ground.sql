-- +goose Up
CREATE TABLE nodes (
    id             BIGINT PRIMARY KEY,
    since_at       BIGINT NOT NULL,
    lease_until_at BIGINT NOT NULL,
    ids_until_at   BIGINT NOT NULL
);

-- What happened, in the transaction in which it happened.
CREATE TABLE events (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    type       TEXT   NOT NULL,
    subject_id BIGINT NOT NULL,
    actor_kind TEXT   NOT NULL,
    actor_id   BIGINT NOT NULL,
    payload    JSONB  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX events_subject ON events (subject_id, id);
CREATE INDEX events_store ON events (store_id, id);

-- Work to do: a row is deleted in the transaction that has its effect.
CREATE TABLE jobs (
    id             BIGINT PRIMARY KEY,
    store_id       BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    event_id       BIGINT NOT NULL,
    payload        JSONB  NOT NULL,
    state          TEXT   NOT NULL DEFAULT 'ready', -- ready, running, dead
    run_at         BIGINT NOT NULL,
    attempt        BIGINT NOT NULL DEFAULT 0,
    max_attempts   BIGINT NOT NULL,
    node_id        BIGINT NOT NULL DEFAULT 0,
    lease_until_at BIGINT NOT NULL DEFAULT 0,
    last_error     TEXT   NOT NULL DEFAULT '',
    created_at     BIGINT NOT NULL
);
CREATE INDEX jobs_ready ON jobs (run_at, id) WHERE state = 'ready';
CREATE INDEX jobs_running ON jobs (lease_until_at) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
CREATE UNIQUE INDEX jobs_key ON jobs (kind, key) WHERE key <> '' AND state = 'ready';
