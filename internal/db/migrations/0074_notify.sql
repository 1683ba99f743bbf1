-- +goose Up
-- What customers are told. Written by internal/notify alone; every room may read.

-- Policies in their versions: the highest one of a store is in force, a store without one has the policy that ships.
CREATE TABLE notice_policies (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    policy     JSONB  NOT NULL, -- notify.Policy
    comment    TEXT   NOT NULL,
    actor_id   BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX notice_policies_version ON notice_policies (store_id, version);

-- A store's own words for a moment, in their versions; a removed one leads back to the words that ship.
CREATE TABLE notice_templates (
    id         BIGINT  PRIMARY KEY,
    store_id   BIGINT  NOT NULL,
    moment     TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    version    BIGINT  NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    short      TEXT    NOT NULL,
    removed    BOOLEAN NOT NULL,
    actor_id   BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL
);
CREATE UNIQUE INDEX notice_templates_version ON notice_templates (store_id, moment, language, version);

-- The log of decisions: a row for every notice that was planned, sent or withheld, with the policy's values that it was decided by.
CREATE TABLE notices (
    id             BIGINT PRIMARY KEY,
    store_id       BIGINT NOT NULL,
    order_id       BIGINT NOT NULL,
    customer_id    BIGINT NOT NULL,
    event_type     TEXT   NOT NULL, -- what brought it
    event_id       BIGINT NOT NULL,
    notice_key     TEXT   NOT NULL,
    moment         TEXT   NOT NULL,
    part           TEXT   NOT NULL, -- external id of the parcel, refund or return
    once           TEXT   NOT NULL, -- what isn't told twice
    outcome        TEXT   NOT NULL, -- planned, sent, failed, withheld
    reason         TEXT   NOT NULL,
    passed         JSONB  NOT NULL, -- channels that weren't taken, and why
    channel        TEXT   NOT NULL,
    step           BIGINT NOT NULL,
    language       TEXT   NOT NULL,
    policy_version BIGINT NOT NULL,
    governs        JSONB  NOT NULL, -- notify.Notice, as it was
    due_at         BIGINT NOT NULL,
    sent_at        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX notices_once ON notices (store_id, once) WHERE outcome <> 'withheld';
CREATE UNIQUE INDEX notices_withheld ON notices (store_id, once, notice_key, reason) WHERE outcome = 'withheld';
CREATE INDEX notices_order ON notices (order_id, id);
CREATE INDEX notices_customer ON notices (customer_id, id);
CREATE INDEX notices_store ON notices (store_id, id);
CREATE INDEX notices_key ON notices (store_id, notice_key, id);

-- What went out for a notice: one row for each channel that was tried.
CREATE TABLE notice_sends (
    id          BIGINT PRIMARY KEY,
    notice_id   BIGINT NOT NULL,
    store_id    BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    channel     TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    send_id     BIGINT NOT NULL, -- of the post room
    state       TEXT   NOT NULL, -- of its delivery
    code        TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    body        TEXT   NOT NULL, -- as text
    sent_at     BIGINT NOT NULL
);
CREATE INDEX notice_sends_notice ON notice_sends (notice_id, id);
CREATE INDEX notice_sends_customer ON notice_sends (customer_id, sent_at);
CREATE INDEX notice_sends_send ON notice_sends (send_id);

-- What isn't as it should be with orders.
CREATE TABLE exceptions (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    order_id      BIGINT NOT NULL,
    customer_id   BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    part          TEXT   NOT NULL,
    work          TEXT   NOT NULL, -- task, callback, none
    department_id BIGINT NOT NULL,
    detector      JSONB  NOT NULL, -- notify.Detector, as it was
    due_at        BIGINT NOT NULL, -- from when on it was one
    raised_at     BIGINT NOT NULL,
    closed_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX exceptions_open ON exceptions (order_id, kind, part) WHERE closed_at = 0;
CREATE INDEX exceptions_order ON exceptions (order_id, id);
CREATE INDEX exceptions_store ON exceptions (store_id, id);
CREATE INDEX exceptions_pending ON exceptions (store_id, id) WHERE closed_at = 0;
