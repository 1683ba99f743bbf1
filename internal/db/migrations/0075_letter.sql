-- +goose Up

-- What agents have decided about a sender of letters.
CREATE TABLE letter_senders (
    store_id   BIGINT  NOT NULL,
    address    TEXT    NOT NULL, -- in lower case
    pictures   BOOLEAN NOT NULL, -- those that lie elsewhere are shown without asking
    wanted     BOOLEAN NOT NULL, -- his letters are no spam, whatever filters say
    changed_at BIGINT  NOT NULL,
    PRIMARY KEY (store_id, address)
);

-- How whole an answer was when it was sent: how many questions the customer had asked, and how many it left open.
CREATE TABLE answer_checks (
    message_id      BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    agent_id        BIGINT NOT NULL,
    asked           BIGINT NOT NULL,
    open            BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX answer_checks_store ON answer_checks (store_id, created_at);

-- Each time that a conversation was closed, and when its customer next wrote. A figure counts those within its own number of days.
CREATE TABLE resolutions (
    id              BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    customer_id     BIGINT NOT NULL,
    channel         TEXT   NOT NULL,
    topic_id        BIGINT NOT NULL,
    agent_id        BIGINT NOT NULL, -- who closed it, or 0
    resolved_at     BIGINT NOT NULL,
    undone_at       BIGINT NOT NULL DEFAULT 0, -- an agent opened it again
    returned_at     BIGINT NOT NULL DEFAULT 0,
    returned_id     BIGINT NOT NULL DEFAULT 0  -- the conversation in which he wrote
);
CREATE INDEX resolutions_store ON resolutions (store_id, resolved_at);
CREATE INDEX resolutions_open ON resolutions (customer_id) WHERE returned_at = 0 AND undone_at = 0;
CREATE INDEX resolutions_conversation ON resolutions (conversation_id, id);
