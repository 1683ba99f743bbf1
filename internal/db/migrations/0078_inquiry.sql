-- +goose Up
-- Questions to the warehouse and other departments. Written by internal/work alone.

CREATE TABLE inquiries (
    id              BIGINT  PRIMARY KEY,
    store_id        BIGINT  NOT NULL,
    department_id   BIGINT  NOT NULL,
    question        TEXT    NOT NULL,
    variant_id      BIGINT  NOT NULL,
    location_id     BIGINT  NOT NULL,
    order_id        BIGINT  NOT NULL,
    conversation_id BIGINT  NOT NULL,
    customer_id     BIGINT  NOT NULL,
    asker_id        BIGINT  NOT NULL, -- the agent
    wants_call      BOOLEAN NOT NULL, -- the customer is rung with the answer; otherwise he is written to
    state           TEXT    NOT NULL CHECK (state IN ('open', 'answered', 'cancelled')),
    verdict         TEXT    NOT NULL, -- yes, no, later, other; empty while open
    answer          TEXT    NOT NULL,
    quantity        BIGINT  NOT NULL, -- of a yes: how many pieces; 0: not said
    expected_on     TEXT    NOT NULL, -- of a later: YYYY-MM-DD
    answerer_id     BIGINT  NOT NULL, -- the agent; 0 by link
    answerer_name   TEXT    NOT NULL, -- as he gave it, by link
    level           BIGINT  NOT NULL, -- how often its lateness was told
    version         BIGINT  NOT NULL,
    asked_at        BIGINT  NOT NULL,
    deadline_at     BIGINT  NOT NULL,
    answered_at     BIGINT  NOT NULL
);
CREATE INDEX inquiries_open ON inquiries (store_id, deadline_at, id) WHERE state = 'open';
CREATE INDEX inquiries_done ON inquiries (store_id, answered_at, id) WHERE state <> 'open';
CREATE INDEX inquiries_conversation ON inquiries (conversation_id, id) WHERE conversation_id > 0;
CREATE INDEX inquiries_customer ON inquiries (customer_id, id) WHERE customer_id > 0;

-- How a department is asked.
CREATE TABLE inquiry_settings (
    department_id BIGINT PRIMARY KEY,
    store_id      BIGINT NOT NULL,
    email         TEXT   NOT NULL, -- gets a letter with a link that needs no account; empty: none
    language      TEXT   NOT NULL,
    minutes       BIGINT NOT NULL  -- the deadline, in opening hours of the store
);
