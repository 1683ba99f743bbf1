-- +goose Up
-- How the program stands with a shop: what was read, what it pushed, since when it fails.
CREATE TABLE shop_syncs (
    connection_id     BIGINT  PRIMARY KEY,
    store_id          BIGINT  NOT NULL,
    phase             TEXT    NOT NULL, -- importing, live, paused, leaving
    shop              JSONB   NOT NULL, -- what the last connection test found
    import_started_at BIGINT  NOT NULL DEFAULT 0,
    import_ended_at   BIGINT  NOT NULL DEFAULT 0,
    polled_at         BIGINT  NOT NULL DEFAULT 0,
    found_at          BIGINT  NOT NULL DEFAULT 0, -- a poll last brought something new
    rescanned_at      BIGINT  NOT NULL DEFAULT 0,
    hook_at           BIGINT  NOT NULL DEFAULT 0, -- a hook with a right signature last came
    refused_hooks     BIGINT  NOT NULL DEFAULT 0,
    refused_at        BIGINT  NOT NULL DEFAULT 0,
    hooks             JSONB   NOT NULL, -- how each stood when last asked
    hooks_checked_at  BIGINT  NOT NULL DEFAULT 0,
    hooks_revived     BIGINT  NOT NULL DEFAULT 0,
    missed            BIGINT  NOT NULL DEFAULT 0, -- polls in a row that found what no hook had told
    failures          BIGINT  NOT NULL DEFAULT 0, -- in a row
    failing_since_at  BIGINT  NOT NULL DEFAULT 0,
    state             TEXT    NOT NULL, -- ok, degraded, auth_failed
    reason            TEXT    NOT NULL DEFAULT ''
);

-- How far each kind of record has been read.
CREATE TABLE shop_cursors (
    connection_id BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    position      BIGINT  NOT NULL, -- the order in which kinds are read
    cursor        TEXT    NOT NULL DEFAULT '',
    imported      BOOLEAN NOT NULL DEFAULT FALSE,
    records       BIGINT  NOT NULL DEFAULT 0,
    total         BIGINT  NOT NULL DEFAULT 0, -- as the shop counted it when the import began; 0: it didn't say
    updated_at    BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (connection_id, kind)
);

-- Hooks as they came, kept for a while.
CREATE TABLE hook_deliveries (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    delivery      TEXT   NOT NULL, -- the shop's id of the delivery, or the hash of the body
    verdict       TEXT   NOT NULL, -- accepted, ping, ignored
    topic         TEXT   NOT NULL,
    hints         BIGINT NOT NULL,
    body          BYTEA  NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX hook_deliveries_once ON hook_deliveries (connection_id, delivery);
CREATE INDEX hook_deliveries_received ON hook_deliveries (received_at);
