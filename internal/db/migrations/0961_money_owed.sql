-- +goose Up
-- Since when the shop has owed the money of an order that was called off or given back, as it was first seen: its record's own time moves on. Written by internal/notify alone.
CREATE TABLE money_owed (
    order_id BIGINT PRIMARY KEY,
    store_id BIGINT NOT NULL,
    since_at BIGINT NOT NULL
);
