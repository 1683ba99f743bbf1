-- +goose Up
-- Electronic goods: what is given to customers as soon as it is paid for. Written by internal/digital alone; every room may read.

-- Variants that are delivered electronically, and how.
CREATE TABLE digital_goods (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    variant_id    BIGINT NOT NULL,
    kind          TEXT   NOT NULL, -- key, file, action
    instructions  TEXT   NOT NULL, -- for the customer, beside what he gets
    low_water     BIGINT NOT NULL,
    max_downloads BIGINT NOT NULL,
    link_days     BIGINT NOT NULL,
    file_name     TEXT   NOT NULL DEFAULT '',
    file_type     TEXT   NOT NULL DEFAULT '',
    file_size     BIGINT NOT NULL DEFAULT 0,
    blob_key      TEXT   NOT NULL DEFAULT '',
    action_url    TEXT   NOT NULL DEFAULT '', -- of the shop's own delivery
    action_secret BYTEA  NOT NULL,            -- sealed
    created_at    BIGINT NOT NULL,            -- orders placed before aren't delivered by themselves
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX digital_goods_variant ON digital_goods (variant_id);
CREATE INDEX digital_goods_store ON digital_goods (store_id, id);

-- Keys and codes, each given to one piece of one order at most, ever.
CREATE TABLE digital_keys (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    goods_id   BIGINT NOT NULL,
    seal       BYTEA  NOT NULL, -- the key, sealed for this row
    hash       TEXT   NOT NULL, -- keyed: tells that a key is known without opening any
    hint       TEXT   NOT NULL, -- its end
    state      TEXT   NOT NULL, -- free, given, withdrawn
    piece_id   BIGINT NOT NULL,
    given_at   BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX digital_keys_hash ON digital_keys (goods_id, hash);
CREATE UNIQUE INDEX digital_keys_piece ON digital_keys (piece_id) WHERE piece_id <> 0;
CREATE INDEX digital_keys_free ON digital_keys (goods_id, id) WHERE state = 'free';
CREATE INDEX digital_keys_goods ON digital_keys (goods_id, id);

-- What an order's customer is owed, piece by piece.
CREATE TABLE digital_pieces (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    order_id     BIGINT NOT NULL,
    goods_id     BIGINT NOT NULL,
    variant_id   BIGINT NOT NULL,
    unit         BIGINT NOT NULL, -- which of the ordered pieces of the variant
    name         TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- waiting, short, delivered, failed, withdrawn
    key_id       BIGINT NOT NULL,
    content      BYTEA  NOT NULL, -- what the shop's own delivery gave, sealed
    hint         TEXT   NOT NULL,
    batch        BIGINT NOT NULL, -- those that the customer was told of together
    downloads    BIGINT NOT NULL,
    problem      TEXT   NOT NULL,
    seen_at      BIGINT NOT NULL, -- when the customer first looked at it on our page
    short_at     BIGINT NOT NULL,
    delivered_at BIGINT NOT NULL,
    withdrawn_at BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX digital_pieces_unit ON digital_pieces (order_id, variant_id, unit);
CREATE INDEX digital_pieces_short ON digital_pieces (goods_id, id) WHERE state = 'short';
