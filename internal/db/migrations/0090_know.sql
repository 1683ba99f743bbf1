-- +goose Up
-- What operators are told to say. Written by internal/know alone.

CREATE TABLE scripts (
    id         BIGINT  PRIMARY KEY,
    store_id   BIGINT  NOT NULL,
    name       TEXT    NOT NULL,
    purpose    TEXT    NOT NULL, -- opens by itself for this reason; empty: by hand
    version    BIGINT  NOT NULL, -- the latest
    active     BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);
CREATE INDEX scripts_store ON scripts (store_id, id);
CREATE UNIQUE INDEX scripts_purpose ON scripts (store_id, purpose) WHERE purpose <> '' AND active;

-- Calls under way keep the version that they began with.
CREATE TABLE script_versions (
    script_id  BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    body       JSONB  NOT NULL, -- know.Body
    author_id  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (script_id, version)
);

CREATE TABLE script_runs (
    id              BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL,
    script_id       BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    customer_id     BIGINT NOT NULL, -- 0: nobody known
    order_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    call_id         BIGINT NOT NULL,
    callback_id     BIGINT NOT NULL,
    agent_id        BIGINT NOT NULL,
    language        TEXT   NOT NULL,
    step            TEXT   NOT NULL,
    seq             BIGINT NOT NULL, -- answers so far: writers compare and set it
    vals            JSONB  NOT NULL, -- what was written down, by field
    outcome         TEXT   NOT NULL, -- set at an end
    started_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL
);
CREATE INDEX script_runs_customer ON script_runs (customer_id, id);
CREATE INDEX script_runs_order ON script_runs (order_id, id);
CREATE INDEX script_runs_call ON script_runs (call_id, id) WHERE call_id > 0;
CREATE INDEX script_runs_store ON script_runs (store_id, id);

CREATE TABLE script_answers (
    run_id     BIGINT NOT NULL,
    seq        BIGINT NOT NULL, -- from 1
    step       TEXT   NOT NULL,
    answer     TEXT   NOT NULL,
    vals       JSONB  NOT NULL,
    agent_id   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

-- What answers lead to, and what came of it.
CREATE TABLE script_effects (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    run_id     BIGINT NOT NULL,
    seq        BIGINT NOT NULL, -- of the answer
    effect     JSONB  NOT NULL, -- know.Effect with its texts filled
    state      TEXT   NOT NULL, -- queued, done, refused
    reason     TEXT   NOT NULL, -- of a refusal: an error's code
    created_at BIGINT NOT NULL,
    done_at    BIGINT NOT NULL
);
CREATE INDEX script_effects_run ON script_effects (run_id, id);
