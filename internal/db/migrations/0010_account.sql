-- +goose Up
-- Who is served and who serves. Written by internal/account alone; every room may read.

-- One row, made by the first-run set-up: its key is what lets set-up happen only once.
CREATE TABLE installation (
    id         BIGINT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE stores (
    id                  BIGINT PRIMARY KEY,
    name                TEXT   NOT NULL,
    slug                TEXT   NOT NULL,
    language            TEXT   NOT NULL,             -- en, uk, ru, pl
    currency            TEXT   NOT NULL,             -- ISO 4217
    time_zone           TEXT   NOT NULL,             -- IANA
    color               TEXT   NOT NULL DEFAULT '',
    calendar            JSONB  NOT NULL,             -- cal.Settings
    widget              JSONB  NOT NULL,             -- account.WidgetSettings
    identity_secret     BYTEA  NOT NULL,             -- sealed; read through account.IdentitySecrets
    identity_secret_old BYTEA  NOT NULL,             -- sealed; still accepted after a rotation
    version             BIGINT NOT NULL DEFAULT 1,
    archived_at         BIGINT NOT NULL DEFAULT 0,   -- a removed store keeps its rows and leaves every scope
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX stores_slug ON stores (slug);

CREATE TABLE agents (
    id            BIGINT  PRIMARY KEY,
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL,                  -- lower case
    password      TEXT    NOT NULL DEFAULT '',       -- argon2id; empty until an invitation is accepted
    language      TEXT    NOT NULL,
    theme         TEXT    NOT NULL DEFAULT 'system', -- system, light, dark
    avatar_color  TEXT    NOT NULL DEFAULT '',
    keymap        JSONB   NOT NULL,
    owner         BOOLEAN NOT NULL DEFAULT FALSE,    -- of the installation: may make stores and joins each new one
    active        BOOLEAN NOT NULL DEFAULT TRUE,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX agents_email ON agents (email);

CREATE TABLE departments (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX departments_name ON departments (store_id, name);

-- Who belongs to which store and as what; an owner of the installation has a row in every store.
CREATE TABLE memberships (
    agent_id      BIGINT NOT NULL,
    store_id      BIGINT NOT NULL,
    role          TEXT   NOT NULL,                   -- administrator, supervisor, agent, clerk, client
    department_id BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (agent_id, store_id)
);
CREATE INDEX memberships_store ON memberships (store_id, agent_id);

CREATE TABLE teams (
    id            BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    department_id BIGINT NOT NULL DEFAULT 0,
    name          TEXT   NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX teams_name ON teams (store_id, name);

CREATE TABLE team_members (
    team_id  BIGINT NOT NULL,
    agent_id BIGINT NOT NULL,
    PRIMARY KEY (team_id, agent_id)
);
CREATE INDEX team_members_agent ON team_members (agent_id, team_id);

CREATE TABLE skills (
    agent_id BIGINT NOT NULL,
    kind     TEXT   NOT NULL,                        -- channel, language, topic, store
    value    TEXT   NOT NULL,
    PRIMARY KEY (agent_id, kind, value)
);

-- How many open conversations of a channel an agent takes at a time; no row: account.DefaultCapacity.
CREATE TABLE capacities (
    agent_id BIGINT NOT NULL,
    channel  TEXT   NOT NULL,
    max_open BIGINT NOT NULL,
    PRIMARY KEY (agent_id, channel)
);

-- Every agent has a row from the day he is made.
CREATE TABLE presences (
    agent_id BIGINT PRIMARY KEY,
    state    TEXT   NOT NULL,                        -- ready, busy, away, offline
    resume   TEXT   NOT NULL DEFAULT '',             -- the state that an agent who dropped out comes back to
    since_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL                         -- last heartbeat
);
CREATE INDEX presences_seen ON presences (seen_at) WHERE state <> 'offline';

CREATE TABLE sessions (
    id         BIGINT PRIMARY KEY,
    token_hash TEXT   NOT NULL,                      -- SHA-256 of the cookie, hex
    agent_id   BIGINT NOT NULL,
    csrf       TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    user_agent TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL                       -- slides with use, up to 60 days after created_at
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_agent ON sessions (agent_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- One-time links by which an agent sets his first or a new password.
CREATE TABLE invitations (
    id         BIGINT PRIMARY KEY,
    token_hash TEXT   NOT NULL,
    agent_id   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE INDEX invitations_agent ON invitations (agent_id);

CREATE TABLE api_keys (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    hint         TEXT   NOT NULL,                    -- the first characters, to recognise it by
    hash         TEXT   NOT NULL,                    -- SHA-256, hex
    scopes       JSONB  NOT NULL,                    -- permissions
    created_by   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL DEFAULT 0,
    revoked_at   BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_store ON api_keys (store_id, id);

CREATE TABLE audit (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,                    -- 0: of the installation
    actor_kind   TEXT   NOT NULL,
    actor_id     BIGINT NOT NULL,
    action       TEXT   NOT NULL,                    -- "team.updated", "session.opened"
    subject_id   BIGINT NOT NULL,
    subject_name TEXT   NOT NULL,
    before       JSONB  NOT NULL,                    -- without secrets
    after        JSONB  NOT NULL,
    ip           TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX audit_store ON audit (store_id, id);

CREATE TABLE connections (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    plug         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    settings     JSONB  NOT NULL,
    secrets      BYTEA  NOT NULL,                    -- sealed; read through account.Connection
    hook_token   TEXT   NOT NULL,                    -- random, in the address to which the outside pushes
    state        TEXT   NOT NULL DEFAULT 'ok',       -- ok, degraded, auth_failed, paused
    state_reason TEXT   NOT NULL DEFAULT '',
    state_at     BIGINT NOT NULL,                    -- since when
    version      BIGINT NOT NULL DEFAULT 1,          -- grows with every change of settings or secrets
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX connections_store ON connections (store_id, id);
CREATE UNIQUE INDEX connections_hook ON connections (hook_token);

-- What a POST with an Idempotency-Key did. The row commits with the effect; the answer follows it.
CREATE TABLE idempotency (
    caller       TEXT   NOT NULL,                    -- whose key it is: "agent:7", "key:9"
    key          TEXT   NOT NULL,
    request_hash TEXT   NOT NULL,
    status       BIGINT NOT NULL,                    -- 0: done, but not yet answered
    content_type TEXT   NOT NULL DEFAULT '',
    response     BYTEA  NOT NULL,                    -- sealed
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
