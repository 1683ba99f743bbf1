-- +goose Up
-- What callers are told and where they go: hours and languages of queues, what becomes of those who can't be taken, recorded prompts, who comes first. Written by
-- internal/phone alone.

-- What may become of a caller has grown, which SQLite can't say of a table that is there.
CREATE TABLE phone_queues_new (
    id          BIGINT  PRIMARY KEY,
    store_id    BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    numbers     JSONB   NOT NULL,              -- ["+380..."]: what was called; empty: whatever else rings in
    skills      JSONB   NOT NULL,              -- [{"kind", "value"}]
    team_id     BIGINT  NOT NULL DEFAULT 0,    -- the queue's own agents
    widen_s     BIGINT  NOT NULL DEFAULT 0,    -- after so long others than the team's take too; 0: never
    ring_s      BIGINT  NOT NULL DEFAULT 0,    -- how long it rings at one agent before the next; 0: as the store's policy says
    max_length  BIGINT  NOT NULL DEFAULT 0,    -- callers; 0: no limit
    max_wait_s  BIGINT  NOT NULL DEFAULT 0,
    overflow    TEXT    NOT NULL DEFAULT 'callback' CHECK (overflow IN ('callback', 'hangup', 'queue', 'voicemail', 'number')),
    overflow_id BIGINT  NOT NULL DEFAULT 0,    -- the other queue
    overflow_number TEXT NOT NULL DEFAULT '',  -- E.164, outside
    hours       JSONB   NOT NULL DEFAULT 'null', -- cal.Settings; null: the store's
    closed      TEXT    NOT NULL DEFAULT 'callback' CHECK (closed IN ('callback', 'offer', 'message', 'voicemail')),
    languages   JSONB   NOT NULL DEFAULT '[]', -- that callers may choose from
    voicemail_s BIGINT  NOT NULL DEFAULT 180,  -- how long a message may be
    announce_s  BIGINT  NOT NULL DEFAULT 45,
    position    BIGINT  NOT NULL DEFAULT 0,
    wait_ms     BIGINT  NOT NULL DEFAULT 0,    -- expected: half of what it was and of the last caller's
    recording   TEXT    NOT NULL DEFAULT '',   -- empty: as the store; else off, all, on_demand
    active      BOOLEAN NOT NULL DEFAULT TRUE,
    created_at  BIGINT  NOT NULL
);
INSERT INTO phone_queues_new (id, store_id, name, numbers, skills, team_id, max_length, max_wait_s, overflow, overflow_id, announce_s, position, wait_ms, recording, active, created_at)
SELECT id, store_id, name, numbers, skills, team_id, max_length, max_wait_s, overflow, overflow_id, announce_s, position, wait_ms, recording, active, created_at FROM phone_queues;
DROP TABLE phone_queues;
ALTER TABLE phone_queues_new RENAME TO phone_queues;
CREATE INDEX phone_queues_store ON phone_queues (store_id, position, id) WHERE active;

-- What a store has recorded in the place of the built-in voice.
CREATE TABLE phone_prompts (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    kind       TEXT   NOT NULL,                -- phone.Kinds
    language   TEXT   NOT NULL,
    blob_key   TEXT   NOT NULL,
    length_ms  BIGINT NOT NULL,
    created_by BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX phone_prompts_of ON phone_prompts (store_id, kind, language);

-- Who is taken first; a store without a row has the defaults.
CREATE TABLE call_weights (
    store_id   BIGINT PRIMARY KEY,
    weights    JSONB  NOT NULL,                -- phone.Weights
    updated_at BIGINT NOT NULL
);

-- Why a caller has the priority that he has.
ALTER TABLE calls ADD COLUMN priority_why JSONB NOT NULL DEFAULT '[]';
