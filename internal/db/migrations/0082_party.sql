-- +goose Up
-- Who else is in a call beside its customer and its agent, what happened in it, and agents' own telephones. Written by internal/phone alone.

-- The agent of a call may be muted; who handed it over gets it back when nobody takes it.
ALTER TABLE calls ADD COLUMN muted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE calls ADD COLUMN passed_by BIGINT NOT NULL DEFAULT 0;

-- A colleague, a supervisor or an outside number in a call. The row is written before anybody is rung.
CREATE TABLE call_parties (
    id         BIGINT  PRIMARY KEY,
    store_id   BIGINT  NOT NULL,
    call_id    BIGINT  NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('agent', 'guest', 'consult', 'listen', 'whisper', 'barge')),
    state      TEXT    NOT NULL CHECK (state IN ('written', 'ringing', 'talking', 'left')),
    agent_id   BIGINT  NOT NULL DEFAULT 0,     -- 0: an outside number
    number     TEXT    NOT NULL DEFAULT '',    -- E.164, of an outside number
    asked_by   BIGINT  NOT NULL DEFAULT 0,     -- the agent who asked him in
    held       BOOLEAN NOT NULL DEFAULT FALSE, -- hears music while the agent talks with the customer
    muted      BOOLEAN NOT NULL DEFAULT FALSE,
    result     TEXT    NOT NULL DEFAULT '',    -- how it ended
    line       TEXT    NOT NULL DEFAULT '',    -- the network's own id
    created_at BIGINT  NOT NULL,
    joined_at  BIGINT  NOT NULL DEFAULT 0,
    left_at    BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX call_parties_call ON call_parties (call_id, id);
CREATE INDEX call_parties_agent ON call_parties (agent_id, id) WHERE left_at = 0 AND agent_id <> 0;

-- The course of a call, step by step, for people.
CREATE TABLE call_steps (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    call_id    BIGINT NOT NULL,
    code       TEXT   NOT NULL,                -- phone.step.<code> of the catalogue
    actor_id   BIGINT NOT NULL DEFAULT 0,      -- the agent who did it
    params     JSONB  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX call_steps_call ON call_steps (call_id, id);

-- What an agent's own SIP telephone registers with.
CREATE TABLE handsets (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,             -- whose calls it makes
    agent_id      BIGINT NOT NULL,
    name          TEXT   NOT NULL,             -- the user it registers as
    label         TEXT   NOT NULL DEFAULT '',
    secret        BYTEA  NOT NULL,             -- sealed
    registered_at BIGINT NOT NULL DEFAULT 0,   -- since when it is there; 0: it isn't
    seen_at       BIGINT NOT NULL DEFAULT 0,
    created_by    BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX handsets_name ON handsets (name);
CREATE INDEX handsets_agent ON handsets (agent_id, id) WHERE revoked_at = 0;
