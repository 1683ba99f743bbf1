-- +goose Up

-- How a connection of a written channel fares, beside the state that administrators see.
CREATE TABLE post_channels (
    connection_id     BIGINT PRIMARY KEY,
    store_id          BIGINT NOT NULL,
    failures          BIGINT NOT NULL DEFAULT 0, -- in a row
    failing_since_at  BIGINT NOT NULL DEFAULT 0,
    held_until_at     BIGINT NOT NULL DEFAULT 0, -- the service asked to be left alone until then
    listener_node     BIGINT NOT NULL DEFAULT 0, -- which node has it open
    listener_until_at BIGINT NOT NULL DEFAULT 0,
    push_at           BIGINT NOT NULL DEFAULT 0, -- when the service was last told where to push
    push_error        TEXT   NOT NULL DEFAULT ''
);

-- What services have pushed and listeners have read, as it came.
CREATE TABLE post_pushes (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    channel       TEXT   NOT NULL,
    delivery      TEXT   NOT NULL, -- the service's name for it, or the hash of its body
    verdict       TEXT   NOT NULL, -- accepted, empty, ignored
    raw           BYTEA  NOT NULL, -- empty when it is in a file
    raw_key       TEXT   NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX post_pushes_delivery ON post_pushes (connection_id, delivery);
CREATE INDEX post_pushes_received ON post_pushes (received_at) WHERE channel <> 'email'; -- letters are kept

-- What was in them: a message, a delivery report, somebody's yes or no to being written to.
CREATE TABLE post_arrivals (
    id              BIGINT PRIMARY KEY,
    push_id         BIGINT NOT NULL,
    store_id        BIGINT NOT NULL,
    connection_id   BIGINT NOT NULL,
    kind            TEXT   NOT NULL, -- message, report, opted
    thread          TEXT   NOT NULL,
    body            JSONB  NOT NULL,
    state           TEXT   NOT NULL, -- waiting, done, ignored, dead
    attempts        BIGINT NOT NULL DEFAULT 0,
    error           TEXT   NOT NULL DEFAULT '',
    next_at         BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL DEFAULT 0, -- where it went
    message_id      BIGINT NOT NULL DEFAULT 0,
    received_at     BIGINT NOT NULL
);
CREATE INDEX post_arrivals_waiting ON post_arrivals (connection_id, id) WHERE state = 'waiting';
CREATE INDEX post_arrivals_dead ON post_arrivals (store_id, id) WHERE state = 'dead';
CREATE INDEX post_arrivals_push ON post_arrivals (push_id);
CREATE INDEX post_arrivals_message ON post_arrivals (message_id) WHERE message_id > 0;

-- An exchange with one address over one connection.
CREATE TABLE post_threads (
    connection_id   BIGINT NOT NULL,
    thread          TEXT   NOT NULL,
    store_id        BIGINT NOT NULL,
    address         TEXT   NOT NULL, -- where an answer goes
    name            TEXT   NOT NULL,
    customer_id     BIGINT NOT NULL,
    external_id     TEXT   NOT NULL, -- of the customer's last message
    conversation_id BIGINT NOT NULL, -- from which we wrote to it first: its answers belong there
    received_at     BIGINT NOT NULL, -- the customer's last message: windows count from it
    PRIMARY KEY (connection_id, thread)
);
CREATE INDEX post_threads_customer ON post_threads (customer_id);

-- A message to one address. The row is what makes it go out once.
CREATE TABLE post_sends (
    id            BIGINT PRIMARY KEY, -- also the idempotency key for the service
    store_id      BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    channel       TEXT   NOT NULL,
    class         TEXT   NOT NULL, -- reply, notice, marketing
    kind          TEXT   NOT NULL, -- of what is sent: message, notice, ...
    ref_id        BIGINT NOT NULL, -- its id
    key           TEXT   NOT NULL, -- of the caller; the same one is sent once
    address       TEXT   NOT NULL,
    thread        TEXT   NOT NULL,
    body          JSONB  NOT NULL,
    state         TEXT   NOT NULL, -- queued, sending, sent, delivered, read, failed, cancelled, unknown
    code          TEXT   NOT NULL DEFAULT '', -- delivery.<code> of the catalogue
    detail        TEXT   NOT NULL DEFAULT '', -- the service's words
    external_id   TEXT   NOT NULL DEFAULT '',
    parts         BIGINT NOT NULL DEFAULT 0,
    attempts      BIGINT NOT NULL DEFAULT 0,
    run_at        BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    attempted_at  BIGINT NOT NULL DEFAULT 0,
    sent_at       BIGINT NOT NULL DEFAULT 0,
    delivered_at  BIGINT NOT NULL DEFAULT 0,
    read_at       BIGINT NOT NULL DEFAULT 0,
    ended_at      BIGINT NOT NULL DEFAULT 0  -- failed, cancelled, unknown
);
CREATE UNIQUE INDEX post_sends_key ON post_sends (store_id, key) WHERE key <> '';
CREATE INDEX post_sends_order ON post_sends (connection_id, address, id) WHERE state IN ('queued', 'sending');
CREATE INDEX post_sends_ref ON post_sends (kind, ref_id);

-- The ids by which the service speaks of a send; a long SMS has several.
CREATE TABLE post_receipts (
    connection_id BIGINT NOT NULL,
    external_id   TEXT   NOT NULL,
    send_id       BIGINT NOT NULL,
    state         TEXT   NOT NULL,
    PRIMARY KEY (connection_id, external_id)
);
CREATE INDEX post_receipts_send ON post_receipts (send_id);

-- Who must not be written to.
CREATE TABLE post_optouts (
    store_id   BIGINT NOT NULL,
    channel    TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    reason     TEXT   NOT NULL, -- stop, blocked, bounce, complaint, agent
    created_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, channel, address)
);

-- A conversation may go on over another channel; empty: the conversation's own.
ALTER TABLE messages ADD COLUMN channel TEXT NOT NULL DEFAULT '';
-- What the service said of a delivery, beside the reason.
ALTER TABLE messages ADD COLUMN delivery_detail TEXT NOT NULL DEFAULT '';
