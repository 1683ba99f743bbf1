-- +goose Up
-- How the program stands with a shop: what was read, what it pushed, since when it fails.
CREATE TABLE shop_syncs (
    connection_id     BIGINT PRIMARY KEY,
    store_id          BIGINT NOT NULL,
    phase             TEXT   NOT NULL,           -- importing, live
    import_started_at BIGINT NOT NULL DEFAULT 0,
    import_ended_at   BIGINT NOT NULL DEFAULT 0,
    polled_at         BIGINT NOT NULL DEFAULT 0,
    unhinted_at       BIGINT NOT NULL DEFAULT 0, -- since when polls find what no hook has told; 0: they don't
    rescanned_at      BIGINT NOT NULL DEFAULT 0,
    refused_hooks     BIGINT NOT NULL DEFAULT 0,
    refused_at        BIGINT NOT NULL DEFAULT 0,
    hooks             JSONB  NOT NULL,           -- []care.HookStatus as last seen, [] before
    hooks_at          BIGINT NOT NULL DEFAULT 0, -- when that was
    hooks_error       TEXT   NOT NULL DEFAULT '',
    hooks_revived     BIGINT NOT NULL DEFAULT 0,
    failures          BIGINT NOT NULL DEFAULT 0, -- in a row
    failing_since_at  BIGINT NOT NULL DEFAULT 0
);

-- How far each kind of record has been read.
CREATE TABLE shop_cursors (
    connection_id BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    position      BIGINT  NOT NULL,              -- the order in which kinds are read
    cursor        TEXT    NOT NULL DEFAULT '',
    imported      BOOLEAN NOT NULL DEFAULT FALSE,
    records       BIGINT  NOT NULL DEFAULT 0,
    total         BIGINT  NOT NULL DEFAULT 0,    -- as the shop counted it when the import began; 0: it didn't say
    read_at       BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (connection_id, kind)
);

-- What the shop says has changed and hasn't been fetched yet: each thing once, however often it was said.
CREATE TABLE shop_hints (
    connection_id BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    hinted_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, external_id)
);

-- Hooks as they came, kept for a while.
CREATE TABLE hook_deliveries (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    delivery      TEXT   NOT NULL,               -- the shop's name of the delivery, else the hash of the body
    verdict       TEXT   NOT NULL,               -- accepted, ping, ignored
    topic         TEXT   NOT NULL,
    hints         BIGINT NOT NULL,
    body          BYTEA  NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX hook_deliveries_once ON hook_deliveries (connection_id, delivery);
CREATE INDEX hook_deliveries_latest ON hook_deliveries (connection_id, received_at);
CREATE INDEX hook_deliveries_received ON hook_deliveries (received_at);
