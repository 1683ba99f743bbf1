-- +goose Up

-- What a letter has beside its message: whose it is, by what it is known, and to whom it went.
CREATE TABLE letters (
    message_id      BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    mail_id         TEXT   NOT NULL, -- Message-ID of a letter that came; ours are known by their signature
    sender          TEXT   NOT NULL, -- in lower case; empty: we
    reference_ids   TEXT   NOT NULL, -- what an answer refers to, separated by spaces
    mail            JSONB  NOT NULL, -- subject, from, to, cc, bcc, auto, spam, via
    quoted          TEXT   NOT NULL, -- what was folded away
    send_id         BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX letters_once ON letters (store_id, mail_id, sender) WHERE mail_id <> '';
CREATE INDEX letters_conversation ON letters (conversation_id, message_id);
CREATE INDEX letters_sender ON letters (store_id, sender, message_id) WHERE sender <> '';
