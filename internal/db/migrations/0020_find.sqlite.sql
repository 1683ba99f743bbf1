-- +goose Up
-- Everything that can be found, with what a hit shows. facts are the names and numbers that it is
-- found by, as they were given; before are those of the last change, so that the keys to take away are known
-- in the statement that writes the new ones.
CREATE TABLE find_things (
    store_id        INTEGER NOT NULL,
    ref             INTEGER NOT NULL,
    customer_id     INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    recency_at      INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    title           TEXT    NOT NULL,
    subtitle        TEXT    NOT NULL,
    facts           TEXT    NOT NULL,
    before          TEXT    NOT NULL,
    PRIMARY KEY (store_id, kind, ref)
) WITHOUT ROWID;
CREATE INDEX find_things_orders ON find_things (store_id, customer_id, recency_at) WHERE kind = 2 AND customer_id > 0;

-- The keys of things. A key's newest things stand together, so that a name shared by thousands costs what a rare one does.
CREATE TABLE find_keys (
    store_id INTEGER NOT NULL,
    ref      INTEGER NOT NULL,
    day      INTEGER NOT NULL, -- of the thing's recency
    field    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    PRIMARY KEY (store_id, field, key, day, ref, kind)
) WITHOUT ROWID;

-- The distinct words of all names: by their letters (0), by how they sound (1), and sounds by what is left
-- of them when a letter is missing (2). Words are never taken out; they belong to nobody.
CREATE TABLE find_words (
    store_id INTEGER NOT NULL,
    form     INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    word     TEXT    NOT NULL,
    PRIMARY KEY (store_id, form, key, word)
) WITHOUT ROWID;
