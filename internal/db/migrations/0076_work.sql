-- +goose Up
-- What departments have to do. Written by internal/work alone; every room may read.
CREATE TABLE tasks (
    id            BIGINT  PRIMARY KEY,
    store_id      BIGINT  NOT NULL,
    kind          TEXT    NOT NULL, -- of the exception that made it; empty: made by a person
    title         TEXT    NOT NULL,
    department_id BIGINT  NOT NULL, -- 0: anybody's
    assignee_id   BIGINT  NOT NULL,
    order_id      BIGINT  NOT NULL,
    customer_id   BIGINT  NOT NULL,
    exception_id  BIGINT  NOT NULL,
    part          TEXT    NOT NULL,
    told          BOOLEAN NOT NULL, -- the customer knows
    state         TEXT    NOT NULL, -- open, done, settled (its cause went away)
    note          TEXT    NOT NULL, -- of who did it
    deadline_at   BIGINT  NOT NULL,
    escalated_at  BIGINT  NOT NULL, -- when the deadline passed
    done_at       BIGINT  NOT NULL,
    done_by       BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL
);
CREATE INDEX tasks_open ON tasks (store_id, deadline_at, id) WHERE state = 'open';
CREATE INDEX tasks_over ON tasks (store_id, done_at, id) WHERE state <> 'open';
CREATE INDEX tasks_order ON tasks (order_id, id) WHERE order_id <> 0;
CREATE UNIQUE INDEX tasks_exception ON tasks (exception_id) WHERE exception_id <> 0;
