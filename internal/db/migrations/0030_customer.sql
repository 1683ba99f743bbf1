-- +goose Up
-- Who is cared for. Written by internal/customer alone; every room may read.

-- A merged customer keeps all of its rows and points at the one it became part of: nothing moves, so that
-- a merge can be undone whole. Readers go through merged_into; it never points at a merged one.
CREATE TABLE customers (
    id               BIGINT PRIMARY KEY,
    store_id         BIGINT NOT NULL,
    merged_into      BIGINT NOT NULL DEFAULT 0,
    name             TEXT   NOT NULL DEFAULT '',
    language         TEXT   NOT NULL DEFAULT '',
    birthday         TEXT   NOT NULL DEFAULT '',      -- YYYY-MM-DD
    note             TEXT   NOT NULL DEFAULT '',
    named_by         TEXT   NOT NULL DEFAULT '',      -- who gave the name: hint, shop, agent; the later ones aren't overwritten by the earlier
    preferred_channel TEXT  NOT NULL DEFAULT '',
    quiet_from       TEXT   NOT NULL DEFAULT '',      -- HH:MM in the customer's own time
    quiet_to         TEXT   NOT NULL DEFAULT '',
    version          BIGINT NOT NULL DEFAULT 1,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX customers_store ON customers (store_id, id);
CREATE INDEX customers_merged ON customers (merged_into) WHERE merged_into <> 0;

-- The ways in which a customer is recognised. trust: 0 claimed, 1 vouched for by a shop's record, 2 proven.
CREATE TABLE identities (
    id          BIGINT PRIMARY KEY,
    store_id    BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    display     TEXT   NOT NULL DEFAULT '',
    trust       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX identities_own ON identities (customer_id, kind, value);
CREATE UNIQUE INDEX identities_proven ON identities (store_id, kind, value) WHERE trust = 2;
CREATE INDEX identities_value ON identities (store_id, value, kind);

-- Every answer to "may we?", oldest first; the latest of a subject counts. subject: a channel, or do_not_call.
CREATE TABLE consents (
    id          BIGINT  PRIMARY KEY,
    store_id    BIGINT  NOT NULL,
    customer_id BIGINT  NOT NULL,
    subject     TEXT    NOT NULL,
    given       BOOLEAN NOT NULL,
    source      TEXT    NOT NULL,                     -- agent, customer, shop, import
    actor_kind  TEXT    NOT NULL,
    actor_id    BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL
);
CREATE INDEX consents_customer ON consents (customer_id, id);

CREATE TABLE merges (
    id          BIGINT  PRIMARY KEY,
    store_id    BIGINT  NOT NULL,
    winner_id   BIGINT  NOT NULL,
    loser_id    BIGINT  NOT NULL,
    automatic   BOOLEAN NOT NULL,
    reason      TEXT    NOT NULL,                     -- the identity that proved it, or "agent"
    actor_kind  TEXT    NOT NULL,
    actor_id    BIGINT  NOT NULL,
    repointed   JSONB   NOT NULL,                     -- customers that had been merged into the loser
    before      JSONB   NOT NULL,                     -- what the winner took over from the loser, as it was
    created_at  BIGINT  NOT NULL,
    undone_at   BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX merges_winner ON merges (winner_id, id);
CREATE INDEX merges_loser ON merges (loser_id, id);
