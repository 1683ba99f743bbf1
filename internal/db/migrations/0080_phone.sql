-- +goose Up
-- Calls, the callbacks that are owed, and who is at the telephone. Written by internal/phone alone; every room may read.

-- A process's life: calls name the one that holds them, and are lost with it.
CREATE TABLE phone_lives (
    id             BIGINT PRIMARY KEY,
    node_id        BIGINT NOT NULL,
    lease_until_at BIGINT NOT NULL
);

-- How a store rings people back; a store without a row has the defaults.
CREATE TABLE phone_policies (
    store_id   BIGINT PRIMARY KEY,
    policy     JSONB  NOT NULL,              -- phone.Policy
    rules      JSONB  NOT NULL,              -- [phone.Rule], those that differ from the defaults
    updated_at BIGINT NOT NULL
);

-- An agent at the telephone. reachable: his browser or telephone is there; state is what he does with it.
CREATE TABLE phone_agents (
    agent_id     BIGINT  PRIMARY KEY,
    reachable    BOOLEAN NOT NULL DEFAULT FALSE,
    device       TEXT    NOT NULL DEFAULT '',   -- empty: the browser; else a telephone's name or number
    reason       TEXT    NOT NULL DEFAULT '',   -- why he isn't reachable, when the system says so
    state        TEXT    NOT NULL DEFAULT 'free' CHECK (state IN ('free', 'offered', 'reserved', 'talking', 'wrapup')),
    call_id      BIGINT  NOT NULL DEFAULT 0,
    callback_id  BIGINT  NOT NULL DEFAULT 0,
    since_at     BIGINT  NOT NULL,
    until_at     BIGINT  NOT NULL DEFAULT 0     -- of an offer or of wrap-up
);

-- A call that the system owes a customer. What its rule said when it was made stands in the row.
CREATE TABLE callbacks (
    id              BIGINT  PRIMARY KEY,
    store_id        BIGINT  NOT NULL,
    version         BIGINT  NOT NULL DEFAULT 1,
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'due', 'offered', 'reserved', 'dialing', 'talking', 'wrapup', 'done', 'declined', 'written', 'expired', 'cancelled')),
    reason          TEXT    NOT NULL CHECK (reason <> ''),  -- why it is in that state
    customer_id     BIGINT  NOT NULL,
    conversation_id BIGINT  NOT NULL DEFAULT 0,
    number          TEXT    NOT NULL,                       -- E.164
    name            TEXT    NOT NULL DEFAULT '',
    language        TEXT    NOT NULL DEFAULT '',
    zone            TEXT    NOT NULL,                       -- the customer's
    class           TEXT    NOT NULL,                       -- requested, service
    mode            TEXT    NOT NULL,                       -- customer_first, agent_first
    priority        BIGINT  NOT NULL,
    max_attempts    BIGINT  NOT NULL,
    owner_id        BIGINT  NOT NULL DEFAULT 0,             -- the agent who promised
    agent_id        BIGINT  NOT NULL DEFAULT 0,             -- who has it now, or had it last
    call_id         BIGINT  NOT NULL DEFAULT 0,             -- under way, or the last one
    attempts        BIGINT  NOT NULL DEFAULT 0,             -- that count
    last_result     TEXT    NOT NULL DEFAULT '',
    disposition     TEXT    NOT NULL DEFAULT '',
    note            TEXT    NOT NULL DEFAULT '',
    passed          JSONB   NOT NULL,                       -- [{"agent_id", "until_at"}]: who declined it
    asked_at        BIGINT  NOT NULL,                       -- the place in the queue: of a caller, when he came
    earliest_at     BIGINT  NOT NULL,                       -- not before
    promised_at     BIGINT  NOT NULL DEFAULT 0,             -- the customer was told this time
    due_at          BIGINT  NOT NULL,                       -- since when it is due, or when it will be
    retry_at        BIGINT  NOT NULL DEFAULT 0,             -- after an attempt: not before
    late_at         BIGINT  NOT NULL,                       -- after this it is late
    late            TEXT    NOT NULL DEFAULT '',            -- why it was late
    expires_at      BIGINT  NOT NULL,
    closed_at       BIGINT  NOT NULL DEFAULT 0,
    told_at         BIGINT  NOT NULL DEFAULT 0,             -- when the customer was told in writing
    created_at      BIGINT  NOT NULL
);
CREATE INDEX callbacks_store ON callbacks (store_id, state, due_at, id);
CREATE INDEX callbacks_due ON callbacks (store_id, id) WHERE state = 'due';
CREATE INDEX callbacks_open ON callbacks (store_id, due_at, id) WHERE closed_at = 0;
CREATE INDEX callbacks_closed ON callbacks (store_id, closed_at, id) WHERE closed_at > 0;
CREATE INDEX callbacks_customer ON callbacks (customer_id, id);
CREATE INDEX callbacks_number ON callbacks (store_id, number, id);

-- Why it is owed: one call may have several reasons. source names what happened, so that the same thing never makes two.
CREATE TABLE callback_reasons (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    callback_id  BIGINT NOT NULL,
    trigger      TEXT   NOT NULL,
    subject_kind TEXT   NOT NULL DEFAULT '',   -- order, variant, inquiry, conversation, call
    subject_id   BIGINT NOT NULL DEFAULT 0,
    quantity     BIGINT NOT NULL DEFAULT 0,
    source       TEXT   NOT NULL,
    note         TEXT   NOT NULL DEFAULT '',
    asked_at     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX callback_reasons_source ON callback_reasons (store_id, source);
CREATE INDEX callback_reasons_callback ON callback_reasons (callback_id, id);

-- What was decided and why; callback_id 0: that no call is owed.
CREATE TABLE callback_decisions (
    id          BIGINT PRIMARY KEY,
    store_id    BIGINT NOT NULL,
    callback_id BIGINT NOT NULL,
    trigger     TEXT   NOT NULL DEFAULT '',
    customer_id BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    reasons     JSONB  NOT NULL,               -- [phone.Why]
    next_at     BIGINT NOT NULL DEFAULT 0,
    actor_kind  TEXT   NOT NULL,
    actor_id    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX callback_decisions_callback ON callback_decisions (callback_id, id) WHERE callback_id <> 0;
CREATE INDEX callback_decisions_refused ON callback_decisions (store_id, id) WHERE callback_id = 0;

-- "Tell me, ring me, when it is there." Ordered by asked_at within a variant: that is who gets the pieces.
CREATE TABLE stock_subscriptions (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    variant_id   BIGINT NOT NULL,
    customer_id  BIGINT NOT NULL,
    number       TEXT   NOT NULL DEFAULT '',
    name         TEXT   NOT NULL DEFAULT '',
    language     TEXT   NOT NULL DEFAULT '',
    how          TEXT   NOT NULL CHECK (how IN ('call', 'message')),
    quantity     BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('waiting', 'allotted', 'told', 'closed', 'cancelled')),
    reason       TEXT   NOT NULL,
    callback_id  BIGINT NOT NULL DEFAULT 0,
    held_until_at BIGINT NOT NULL DEFAULT 0,   -- told: the pieces are kept for him so long
    made_by      TEXT   NOT NULL,              -- agent, customer, key
    asked_at     BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL
);
CREATE INDEX stock_subscriptions_variant ON stock_subscriptions (variant_id, asked_at, id) WHERE state IN ('waiting', 'allotted', 'told');
CREATE INDEX stock_subscriptions_store ON stock_subscriptions (store_id, id);
CREATE INDEX stock_subscriptions_customer ON stock_subscriptions (customer_id, id);
CREATE INDEX stock_subscriptions_callback ON stock_subscriptions (callback_id) WHERE callback_id <> 0;

-- A call in either direction; of a callback, one attempt. The row is written before the network is asked for anything.
CREATE TABLE calls (
    id              BIGINT  PRIMARY KEY,
    store_id        BIGINT  NOT NULL,
    direction       TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    state           TEXT    NOT NULL CHECK (state IN ('written', 'dialing', 'ringing', 'announcing', 'waiting', 'offered', 'talking', 'held', 'wrapup', 'ended')),
    life_id         BIGINT  NOT NULL DEFAULT 0,  -- the process that holds it
    number          TEXT    NOT NULL,            -- the customer's
    own_number      TEXT    NOT NULL DEFAULT '',
    display         TEXT    NOT NULL DEFAULT '',
    connection_id   BIGINT  NOT NULL DEFAULT 0,  -- the trunk
    line            TEXT    NOT NULL DEFAULT '', -- the network's own id
    customer_id     BIGINT  NOT NULL DEFAULT 0,
    conversation_id BIGINT  NOT NULL DEFAULT 0,
    callback_id     BIGINT  NOT NULL DEFAULT 0,
    queue_id        BIGINT  NOT NULL DEFAULT 0,
    agent_id        BIGINT  NOT NULL DEFAULT 0,
    language        TEXT    NOT NULL DEFAULT '',
    priority        BIGINT  NOT NULL DEFAULT 0,
    result          TEXT    NOT NULL DEFAULT '', -- answered, busy, no_answer, rejected, wrong_number, network, unknown, abandoned, ...
    counts          BOOLEAN NOT NULL DEFAULT FALSE, -- as an attempt to reach the customer
    code            BIGINT  NOT NULL DEFAULT 0,
    disposition     TEXT    NOT NULL DEFAULT '',
    note            TEXT    NOT NULL DEFAULT '',
    recording       TEXT    NOT NULL DEFAULT '', -- where it is kept, while it is
    hold_ms         BIGINT  NOT NULL DEFAULT 0,
    wrap_ms         BIGINT  NOT NULL DEFAULT 0,
    created_at      BIGINT  NOT NULL,
    rang_at         BIGINT  NOT NULL DEFAULT 0,
    picked_at       BIGINT  NOT NULL DEFAULT 0,  -- the line stands: the customer answered, or we did
    queued_at       BIGINT  NOT NULL DEFAULT 0,
    answered_at     BIGINT  NOT NULL DEFAULT 0,  -- an agent and the customer hear each other
    held_at         BIGINT  NOT NULL DEFAULT 0,
    ended_at        BIGINT  NOT NULL DEFAULT 0,
    wrapped_at      BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX calls_store ON calls (store_id, id);
CREATE INDEX calls_open ON calls (life_id, id) WHERE state NOT IN ('ended', 'wrapup');
CREATE INDEX calls_wrapping ON calls (agent_id, id) WHERE state = 'wrapup';
CREATE INDEX calls_callback ON calls (callback_id, id) WHERE callback_id <> 0;
CREATE INDEX calls_number ON calls (store_id, number, created_at);
CREATE INDEX calls_customer ON calls (customer_id, id);
CREATE INDEX calls_conversation ON calls (conversation_id, id);
