-- +goose Up
-- Where a store wants to be told what happens.
CREATE TABLE webhook_endpoints (
    id             BIGINT  PRIMARY KEY,
    store_id       BIGINT  NOT NULL,
    url            TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    events         JSONB   NOT NULL, -- types; empty: all
    secret         BYTEA   NOT NULL, -- sealed
    old_secret     BYTEA   NOT NULL, -- sealed; signs too until old_until_at
    old_until_at   BIGINT  NOT NULL DEFAULT 0,
    active         BOOLEAN NOT NULL,
    disabled       TEXT    NOT NULL DEFAULT '', -- why it was switched off by the system
    failing_since_at BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL
);
CREATE INDEX webhook_endpoints_store ON webhook_endpoints (store_id, id);

-- One row per event and endpoint; its id is the webhook-id by which the receiver knows a repetition.
CREATE TABLE webhook_deliveries (
    id           BIGINT PRIMARY KEY,
    endpoint_id  BIGINT NOT NULL,
    store_id     BIGINT NOT NULL,
    event_id     BIGINT NOT NULL,
    event_type   TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- waiting, delivered, failed
    attempts     BIGINT NOT NULL DEFAULT 0,
    status       BIGINT NOT NULL DEFAULT 0, -- of the last answer
    answer       TEXT   NOT NULL DEFAULT '', -- its beginning, or the error
    took_ms      BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL,
    attempted_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (endpoint_id, event_id);
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (created_at);
