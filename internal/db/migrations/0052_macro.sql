-- +goose Up

-- Saved replies: a body per language, with places such as {customer.first_name} that are filled from the conversation.
CREATE TABLE macros (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    bodies     JSONB  NOT NULL, -- {"en": "...", "uk": "..."}
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX macros_name ON macros (store_id, name);

-- Lists of one topic: a topic that few conversations have would else be looked for among all of them.
CREATE INDEX conversations_topic ON conversations (topic_id) WHERE topic_id <> 0;
