-- +goose Up
-- What shoppers asked of the telephone by themselves, in the widget or on a page: to be rung, or to hear when goods are there. Whoever asked sees it there and
-- takes it back. Written by internal/phone alone.
CREATE TABLE phone_askings (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    asker        TEXT   NOT NULL,             -- the browser or the page that asked
    key          TEXT   NOT NULL,             -- of the request: sent again it is the same asking
    kind         TEXT   NOT NULL CHECK (kind IN ('call', 'goods')),
    subject_id   BIGINT NOT NULL,             -- the callback, or the subscription
    source       TEXT   NOT NULL DEFAULT '',  -- of the callback's reason that came of it
    withdrawn_at BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX phone_askings_key ON phone_askings (store_id, asker, key);
CREATE INDEX phone_askings_subject ON phone_askings (subject_id);
