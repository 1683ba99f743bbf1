-- +goose Up

-- Where conversations wait and who may take them. Times in seconds of the store's calendar.
CREATE TABLE queues (
    id               BIGINT  PRIMARY KEY,
    store_id         BIGINT  NOT NULL,
    name             TEXT    NOT NULL,
    channels         JSONB   NOT NULL, -- ["chat", "email"]; empty: every channel
    skills           JSONB   NOT NULL, -- [{"kind": "language", "value": "uk"}], all of them required
    team_id          BIGINT  NOT NULL DEFAULT 0, -- only its members, when not 0
    first_response_s BIGINT  NOT NULL,
    position         BIGINT  NOT NULL DEFAULT 0, -- the first queue that fits gets the conversation
    active           BOOLEAN NOT NULL DEFAULT TRUE,
    created_at       BIGINT  NOT NULL
);
CREATE UNIQUE INDEX queues_name ON queues (store_id, name) WHERE active;

-- Why customers write: each store has its own list, and a department that causes it.
CREATE TABLE topics (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    name          TEXT    NOT NULL,
    department_id BIGINT  NOT NULL DEFAULT 0,
    position      BIGINT  NOT NULL DEFAULT 0,
    active        BOOLEAN NOT NULL DEFAULT TRUE,
    created_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX topics_name ON topics (store_id, name);

CREATE TABLE tags (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX tags_name ON tags (store_id, name);

-- The last conversation number that each store gave out.
CREATE TABLE conversation_numbers (
    store_id BIGINT PRIMARY KEY,
    last     BIGINT NOT NULL
);

-- version grows by one with every change: writers compare and set it, listeners order by it.
CREATE TABLE conversations (
    id                BIGINT  PRIMARY KEY,
    store_id          BIGINT  NOT NULL,
    number            BIGINT  NOT NULL,
    version           BIGINT  NOT NULL,
    status            TEXT    NOT NULL, -- open, pending, snoozed, resolved
    channel           TEXT    NOT NULL,
    thread            TEXT    NOT NULL, -- the channel's own key of the exchange
    latest            BOOLEAN NOT NULL, -- no newer conversation has begun in the thread
    previous_id       BIGINT  NOT NULL, -- the conversation before it in the thread, or 0
    customer_id       BIGINT  NOT NULL,
    identity_hash     BIGINT  NOT NULL, -- of the identities that customer_id was found by
    subject           TEXT    NOT NULL,
    language          TEXT    NOT NULL,
    queue_id          BIGINT  NOT NULL,
    team_id           BIGINT  NOT NULL,
    assignee_id       BIGINT  NOT NULL,
    declined_id       BIGINT  NOT NULL, -- the agent who gave it back: routing doesn't return it to him
    priority          BIGINT  NOT NULL,
    topic_id          BIGINT  NOT NULL,
    tags              JSONB   NOT NULL, -- names, sorted; conversation_tags is for filters
    preview           TEXT    NOT NULL,
    preview_from      TEXT    NOT NULL,
    last_seq          BIGINT  NOT NULL,
    last_customer_seq BIGINT  NOT NULL,
    unread            BIGINT  NOT NULL, -- messages of the customer that no agent has read
    read_seq_agent    BIGINT  NOT NULL,
    read_seq_customer BIGINT  NOT NULL,
    page_hash         BIGINT  NOT NULL, -- of what conversation_pages holds
    created_at        BIGINT  NOT NULL,
    last_message_at   BIGINT  NOT NULL,
    waiting_since_at  BIGINT  NOT NULL, -- since when the customer waits for an answer, or 0
    deadline_at       BIGINT  NOT NULL, -- of the first response, by the target that its queue had
    first_response_at BIGINT  NOT NULL,
    snoozed_until_at  BIGINT  NOT NULL,
    resolved_at       BIGINT  NOT NULL
);
CREATE UNIQUE INDEX conversations_number ON conversations (store_id, number);
CREATE UNIQUE INDEX conversations_latest ON conversations (store_id, channel, thread) WHERE latest;
CREATE INDEX conversations_customer ON conversations (customer_id, id);
CREATE INDEX conversations_status ON conversations (store_id, status, last_message_at, id);
CREATE INDEX conversations_assignee ON conversations (store_id, assignee_id, status, last_message_at, id);
CREATE INDEX conversations_queue ON conversations (queue_id, status, last_message_at, id);
CREATE INDEX conversations_waiting ON conversations (store_id, waiting_since_at, id) WHERE waiting_since_at > 0;
CREATE INDEX conversations_unrouted ON conversations (store_id, queue_id, channel, language, waiting_since_at, id) WHERE assignee_id = 0 AND status = 'open' AND waiting_since_at > 0;

-- Where the visitor is.
CREATE TABLE conversation_pages (
    conversation_id BIGINT PRIMARY KEY,
    url             TEXT   NOT NULL,
    title           TEXT   NOT NULL,
    user_agent      TEXT   NOT NULL,
    seen_at         BIGINT NOT NULL
);

CREATE TABLE conversation_tags (
    conversation_id BIGINT NOT NULL,
    tag_id          BIGINT NOT NULL,
    PRIMARY KEY (tag_id, conversation_id)
);
CREATE INDEX conversation_tags_conversation ON conversation_tags (conversation_id);

-- How many conversations there are of each kind, kept in the transaction of each change. Shards keep
-- writers on PostgreSQL from waiting for one row.
CREATE TABLE conversation_counts (
    store_id    BIGINT NOT NULL,
    queue_id    BIGINT NOT NULL,
    assignee_id BIGINT NOT NULL,
    status      TEXT   NOT NULL,
    shard       BIGINT NOT NULL,
    n           BIGINT NOT NULL,
    PRIMARY KEY (store_id, queue_id, assignee_id, status, shard)
);

-- How many open conversations each agent has: what a claim compares with his capacity.
CREATE TABLE agent_loads (
    agent_id BIGINT NOT NULL,
    channel  TEXT   NOT NULL,
    n        BIGINT NOT NULL,
    PRIMARY KEY (agent_id, channel)
);

CREATE TABLE messages (
    id              BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq             BIGINT NOT NULL,
    kind            TEXT   NOT NULL, -- reply, note, system
    sender          TEXT   NOT NULL, -- customer, agent, bot, system
    author_id       BIGINT NOT NULL, -- the agent, or the customer
    body            TEXT   NOT NULL,
    html            TEXT   NOT NULL,
    attachments     BIGINT NOT NULL, -- how many
    client_id       TEXT   NOT NULL,
    delivery        TEXT   NOT NULL, -- queued, sent, delivered, read, failed; empty: nothing to deliver
    delivery_reason TEXT   NOT NULL,
    code            TEXT   NOT NULL, -- of a system message
    params          JSONB  NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX messages_seq ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_client ON messages (conversation_id, client_id) WHERE client_id <> '';

-- Messages whose text isn't searchable yet; the indexer takes them out.
CREATE TABLE messages_unindexed (
    message_id BIGINT PRIMARY KEY
);

CREATE TABLE drafts (
    agent_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    body            TEXT   NOT NULL,
    mode            TEXT   NOT NULL, -- reply, note
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, agent_id)
);

CREATE TABLE attachments (
    id              BIGINT PRIMARY KEY,
    store_id        BIGINT NOT NULL, -- 0 while an agent hasn't sent it yet
    conversation_id BIGINT NOT NULL, -- 0 until it is sent
    message_id      BIGINT NOT NULL,
    owner_kind      TEXT   NOT NULL, -- who uploaded it: agent, customer (visitor), plug
    owner           TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    content_type    TEXT   NOT NULL,
    size            BIGINT NOT NULL,
    width           BIGINT NOT NULL,
    height          BIGINT NOT NULL,
    blob_key        TEXT   NOT NULL,
    thumb_key       TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX attachments_message ON attachments (message_id) WHERE message_id > 0;
CREATE INDEX attachments_unsent ON attachments (created_at) WHERE message_id = 0;
