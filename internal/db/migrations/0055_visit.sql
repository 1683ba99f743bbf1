-- +goose Up

-- What a chat's visitor did in the shop; the last fifty acts of each.
CREATE TABLE visits (
    id       BIGINT PRIMARY KEY,
    store_id BIGINT NOT NULL,
    visitor  TEXT   NOT NULL,
    kind     TEXT   NOT NULL, -- product, cart, search, page, order
    data     JSONB  NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX visits_visitor ON visits (store_id, visitor, id);

-- A thread's earlier conversations, for its customer's history. The latest has an index of its own.
CREATE INDEX conversations_earlier ON conversations (store_id, channel, thread, id) WHERE NOT latest;
