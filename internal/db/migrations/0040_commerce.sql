-- +goose Up
-- What the shops know, mirrored. Written by internal/commerce alone; every room may read.

-- One row per thing of a shop: what it was when last looked at. data is the canonical snapshot (a care.Shop...
-- struct), against which the next one is compared; raw is what the shop sent.
CREATE TABLE mirror (
    connection_id BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    external_id   TEXT    NOT NULL,
    store_id      BIGINT  NOT NULL,
    local_id      BIGINT  NOT NULL,
    raw_status    TEXT    NOT NULL DEFAULT '',
    hash          TEXT    NOT NULL,
    source_at     BIGINT  NOT NULL,
    fetched_at    BIGINT  NOT NULL,
    deleted       BOOLEAN NOT NULL DEFAULT FALSE,
    data          JSONB   NOT NULL,
    raw           TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (connection_id, kind, external_id)
);

CREATE INDEX mirror_local ON mirror (store_id, kind, local_id);

CREATE TABLE locations (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    external_id   TEXT    NOT NULL,                    -- empty: the connection's default location
    name          TEXT    NOT NULL,
    address       JSONB   NOT NULL,
    archived      BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX locations_key ON locations (connection_id, external_id);
CREATE INDEX locations_store ON locations (store_id, id);

CREATE TABLE products (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    external_id   TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    folded        TEXT    NOT NULL,                    -- name, SKUs and barcodes, folded for "contains"
    url           TEXT    NOT NULL DEFAULT '',
    image_url     TEXT    NOT NULL DEFAULT '',
    categories    JSONB   NOT NULL,
    archived      BOOLEAN NOT NULL DEFAULT FALSE,
    virtual       BOOLEAN NOT NULL DEFAULT FALSE,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX products_key ON products (connection_id, external_id);
CREATE INDEX products_store ON products (store_id, id);

CREATE TABLE variants (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    product_id    BIGINT  NOT NULL,
    external_id   TEXT    NOT NULL,
    sku           TEXT    NOT NULL DEFAULT '',
    barcode       TEXT    NOT NULL DEFAULT '',
    name          TEXT    NOT NULL DEFAULT '',
    options       JSONB   NOT NULL,
    price         BIGINT  NOT NULL,
    old_price     BIGINT  NOT NULL DEFAULT 0,
    currency      TEXT    NOT NULL,
    backorder     BOOLEAN NOT NULL DEFAULT FALSE,
    untracked     BOOLEAN NOT NULL DEFAULT FALSE,      -- the shop doesn't count it
    position      BIGINT  NOT NULL DEFAULT 0,
    archived      BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX variants_key ON variants (connection_id, external_id);
CREATE INDEX variants_product ON variants (product_id, position);
CREATE INDEX variants_sku ON variants (store_id, sku) WHERE sku <> '';
CREATE INDEX variants_barcode ON variants (store_id, barcode) WHERE barcode <> '';

CREATE TABLE stock_levels (
    variant_id  BIGINT NOT NULL,
    location_id BIGINT NOT NULL,
    store_id    BIGINT NOT NULL,
    on_hand     BIGINT NOT NULL,
    reserved    BIGINT NOT NULL,
    available   BIGINT NOT NULL,
    incoming    BIGINT NOT NULL,
    incoming_at BIGINT NOT NULL DEFAULT 0,
    as_of_at    BIGINT NOT NULL,
    PRIMARY KEY (variant_id, location_id)
);
CREATE INDEX stock_levels_location ON stock_levels (location_id, variant_id);

CREATE TABLE pickup_points (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    external_id   TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    address       JSONB   NOT NULL,
    phone         TEXT    NOT NULL DEFAULT '',
    hours         TEXT    NOT NULL DEFAULT '',
    route         TEXT    NOT NULL DEFAULT '',
    notice        TEXT    NOT NULL DEFAULT '',
    lat           DOUBLE PRECISION NOT NULL DEFAULT 0,
    lon           DOUBLE PRECISION NOT NULL DEFAULT 0,
    location_ref  TEXT    NOT NULL DEFAULT '',
    archived      BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX pickup_points_key ON pickup_points (connection_id, external_id);
CREATE INDEX pickup_points_store ON pickup_points (store_id, id);

CREATE TABLE carts (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    external_id   TEXT   NOT NULL,
    customer_id   BIGINT NOT NULL DEFAULT 0,
    state         TEXT   NOT NULL,                     -- active, abandoned, ordered, emptied
    total         BIGINT NOT NULL,
    currency      TEXT   NOT NULL,
    lines         JSONB  NOT NULL,
    url           TEXT   NOT NULL DEFAULT '',
    order_ref     TEXT   NOT NULL DEFAULT '',
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX carts_key ON carts (connection_id, external_id);
CREATE INDEX carts_customer ON carts (customer_id, updated_at) WHERE customer_id <> 0;

CREATE TABLE orders (
    id             BIGINT  PRIMARY KEY,
    store_id       BIGINT  NOT NULL,
    connection_id  BIGINT  NOT NULL,
    external_id    TEXT    NOT NULL,
    customer_id    BIGINT  NOT NULL,
    customer_ref   TEXT    NOT NULL DEFAULT '',        -- external id of the shop's account
    number         TEXT    NOT NULL,
    external_url   TEXT    NOT NULL DEFAULT '',
    raw_status     TEXT    NOT NULL DEFAULT '',
    order_state    TEXT    NOT NULL,
    payment_state  TEXT    NOT NULL,
    fulfilment_state TEXT  NOT NULL,
    shipment_state TEXT    NOT NULL DEFAULT '',
    stage          TEXT    NOT NULL,
    open           BOOLEAN NOT NULL,
    currency       TEXT    NOT NULL,
    total          BIGINT  NOT NULL,
    shipping_total BIGINT  NOT NULL DEFAULT 0,
    discount_total BIGINT  NOT NULL DEFAULT 0,
    tax_total      BIGINT  NOT NULL DEFAULT 0,
    placed_total   BIGINT  NOT NULL DEFAULT 0,         -- as it was when placed; some shops shrink total with every refund
    item_count     BIGINT  NOT NULL DEFAULT 0,
    ship_to        JSONB   NOT NULL,
    bill_to        JSONB   NOT NULL,
    ship_method    TEXT    NOT NULL DEFAULT '',
    pay_method     TEXT    NOT NULL DEFAULT '',
    pickup_ref     TEXT    NOT NULL DEFAULT '',
    note           TEXT    NOT NULL DEFAULT '',
    tags           JSONB   NOT NULL,
    custom         JSONB   NOT NULL,
    deleted        BOOLEAN NOT NULL DEFAULT FALSE,     -- gone from the shop; kept for its history
    placed_at      BIGINT  NOT NULL,
    promised_at    BIGINT  NOT NULL DEFAULT 0,
    updated_at     BIGINT  NOT NULL,                   -- the shop's time of change
    fetched_at     BIGINT  NOT NULL
);
CREATE UNIQUE INDEX orders_key ON orders (connection_id, external_id);
CREATE INDEX orders_customer ON orders (customer_id, placed_at);
CREATE INDEX orders_store ON orders (store_id, placed_at, id);
CREATE INDEX orders_open ON orders (connection_id, fetched_at) WHERE open;
CREATE INDEX orders_number ON orders (store_id, number);
CREATE INDEX orders_status ON orders (connection_id, raw_status, id);

CREATE TABLE order_lines (
    id              BIGINT PRIMARY KEY,
    order_id        BIGINT NOT NULL,
    store_id        BIGINT NOT NULL,
    connection_id   BIGINT NOT NULL,
    position        BIGINT NOT NULL,
    external_id     TEXT   NOT NULL DEFAULT '',
    variant_ref     TEXT   NOT NULL DEFAULT '',        -- the shop's id of the variant
    variant_id      BIGINT NOT NULL DEFAULT 0,         -- 0 until the variant is known
    sku             TEXT   NOT NULL DEFAULT '',
    name            TEXT   NOT NULL,
    quantity        BIGINT NOT NULL,
    placed_quantity BIGINT NOT NULL,                   -- as it was when placed
    price           BIGINT NOT NULL,
    total           BIGINT NOT NULL
);
CREATE UNIQUE INDEX order_lines_order ON order_lines (order_id, position);
CREATE INDEX order_lines_variant ON order_lines (variant_id, order_id) WHERE variant_id <> 0;
CREATE INDEX order_lines_parked ON order_lines (connection_id, variant_ref) WHERE variant_id = 0;
CREATE INDEX order_lines_parked_sku ON order_lines (connection_id, sku) WHERE variant_id = 0;

CREATE TABLE payments (
    id          BIGINT PRIMARY KEY,
    order_id    BIGINT NOT NULL,
    store_id    BIGINT NOT NULL,
    external_id TEXT   NOT NULL,
    method      TEXT   NOT NULL DEFAULT '',
    state       TEXT   NOT NULL,
    amount      BIGINT NOT NULL,
    currency    TEXT   NOT NULL,
    reference   TEXT   NOT NULL DEFAULT '',
    error       TEXT   NOT NULL DEFAULT '',
    paid_at     BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX payments_key ON payments (order_id, external_id);
CREATE INDEX payments_reference ON payments (store_id, reference) WHERE reference <> '';

-- The course of a payment: every state it was seen in.
CREATE TABLE payment_steps (
    payment_id BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    note       TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (payment_id, at, state)
);

CREATE TABLE shipments (
    id              BIGINT PRIMARY KEY,
    order_id        BIGINT NOT NULL,
    store_id        BIGINT NOT NULL,
    external_id     TEXT   NOT NULL,
    carrier         TEXT   NOT NULL DEFAULT '',
    tracking_number TEXT   NOT NULL DEFAULT '',
    tracking_url    TEXT   NOT NULL DEFAULT '',
    state           TEXT   NOT NULL,
    pickup_ref      TEXT   NOT NULL DEFAULT '',
    eta_at          BIGINT NOT NULL DEFAULT 0,
    shipped_at      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX shipments_key ON shipments (order_id, external_id);
CREATE INDEX shipments_tracking ON shipments (store_id, tracking_number) WHERE tracking_number <> '';

CREATE TABLE checkpoints (
    shipment_id BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    text        TEXT   NOT NULL DEFAULT '',
    place       TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (shipment_id, at, state, text)
);

CREATE TABLE refunds (
    id          BIGINT  PRIMARY KEY,
    order_id    BIGINT  NOT NULL,
    store_id    BIGINT  NOT NULL,
    external_id TEXT    NOT NULL,
    amount      BIGINT  NOT NULL,
    currency    TEXT    NOT NULL,
    reason      TEXT    NOT NULL DEFAULT '',
    state       TEXT    NOT NULL,                      -- pending, settled, failed
    refunded_at BIGINT  NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX refunds_key ON refunds (order_id, external_id);

CREATE TABLE returns (
    id           BIGINT PRIMARY KEY,
    order_id     BIGINT NOT NULL,
    store_id     BIGINT NOT NULL,
    external_id  TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    reason       TEXT   NOT NULL DEFAULT '',
    requested_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX returns_key ON returns (order_id, external_id);

-- The shop's own journal of an order: changes of status and notes, in the shop's order and at the shop's times.
CREATE TABLE order_history (
    id          BIGINT  PRIMARY KEY,
    order_id    BIGINT  NOT NULL,
    external_id TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    status      TEXT    NOT NULL DEFAULT '',
    text        TEXT    NOT NULL DEFAULT '',
    author      TEXT    NOT NULL DEFAULT '',
    to_customer BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX order_history_key ON order_history (order_id, external_id);

CREATE TABLE invoices (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    external_id   TEXT    NOT NULL,
    order_id      BIGINT  NOT NULL,
    number        TEXT    NOT NULL,
    total         BIGINT  NOT NULL,
    currency      TEXT    NOT NULL,
    url           TEXT    NOT NULL DEFAULT '',
    cancelled     BOOLEAN NOT NULL DEFAULT FALSE,
    issued_at     BIGINT  NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX invoices_key ON invoices (connection_id, external_id);
CREATE INDEX invoices_order ON invoices (order_id);

-- What a shop's named status means. source: plug (its defaults), admin (mapped by a person), unknown (met, to be mapped).
CREATE TABLE status_maps (
    connection_id    BIGINT NOT NULL,
    raw              TEXT   NOT NULL,
    store_id         BIGINT NOT NULL,
    label            TEXT   NOT NULL DEFAULT '',
    order_state      TEXT   NOT NULL DEFAULT '',
    payment_state    TEXT   NOT NULL DEFAULT '',
    fulfilment_state TEXT   NOT NULL DEFAULT '',
    source           TEXT   NOT NULL,
    seen             BIGINT NOT NULL DEFAULT 0,         -- orders met with it
    first_seen_at    BIGINT NOT NULL DEFAULT 0,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (connection_id, raw)
);

-- Records that refer to what isn't known yet; applied when it comes.
CREATE TABLE parked (
    connection_id BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    store_id      BIGINT NOT NULL,
    wants_kind    TEXT   NOT NULL,
    wants_ref     TEXT   NOT NULL,
    data          JSONB  NOT NULL,
    source_at     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, external_id)
);
CREATE INDEX parked_wants ON parked (connection_id, wants_kind, wants_ref);

-- Batches of the generic API whose answer must be repeated when they are sent again.
CREATE TABLE ingest_batches (
    connection_id   BIGINT NOT NULL,
    key             TEXT   NOT NULL,
    body_hash       TEXT   NOT NULL,
    answer          JSONB  NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (connection_id, key)
);
CREATE INDEX ingest_batches_age ON ingest_batches (created_at);

-- What was asked of a shop, and what came of it.
CREATE TABLE shop_actions (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    order_id      BIGINT NOT NULL,
    kind          TEXT   NOT NULL,                      -- cancel, status, refund, note, reserve
    params        JSONB  NOT NULL,
    state         TEXT   NOT NULL,                      -- queued, sent, pending, done, refused, failed
    reason        TEXT   NOT NULL DEFAULT '',
    attempts      BIGINT NOT NULL DEFAULT 0,
    actor_kind    TEXT   NOT NULL,
    actor_id      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX shop_actions_order ON shop_actions (order_id, id);

CREATE TABLE imports (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    connection_id BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,                     -- customer, product, stock, order
    file_name     TEXT    NOT NULL,
    blob_key      TEXT    NOT NULL,
    size          BIGINT  NOT NULL,
    format        JSONB   NOT NULL,                     -- encoding, separator, decimal, dates, header, as detected or chosen
    mapping       JSONB   NOT NULL,                     -- field -> column
    state         TEXT    NOT NULL,                     -- uploaded, checking, checked, running, done, failed
    row_count     BIGINT  NOT NULL DEFAULT 0,
    done_count    BIGINT  NOT NULL DEFAULT 0,
    created_count BIGINT  NOT NULL DEFAULT 0,
    updated_count BIGINT  NOT NULL DEFAULT 0,
    same_count    BIGINT  NOT NULL DEFAULT 0,
    error_count   BIGINT  NOT NULL DEFAULT 0,
    errors_key    TEXT    NOT NULL DEFAULT '',          -- blob of the row-level error file
    reason        TEXT    NOT NULL DEFAULT '',
    actor_id      BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE INDEX imports_store ON imports (store_id, id);

CREATE TABLE import_mappings (
    connection_id BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    header        TEXT   NOT NULL,                      -- hash of the file's header
    mapping       JSONB  NOT NULL,
    format        JSONB  NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, header)
);
