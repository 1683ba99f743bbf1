-- +goose Up
-- Links that open a shop's bot for one customer: who comes by one is he. Written by internal/post alone.
CREATE TABLE post_starts (
    token         TEXT   PRIMARY KEY, -- its SHA-256
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    customer_id   BIGINT NOT NULL,
    order_id      BIGINT NOT NULL, -- 0: about none
    address       TEXT   NOT NULL, -- who has used it; empty: nobody yet
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    used_at       BIGINT NOT NULL
);
CREATE INDEX post_starts_expires ON post_starts (expires_at);
