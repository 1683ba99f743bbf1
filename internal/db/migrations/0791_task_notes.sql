-- +goose Up
-- A task's course: who made, took, gave, answered and finished it, and what was said on the way. Written by internal/work alone.
CREATE TABLE task_notes (
    id         BIGINT PRIMARY KEY,
    store_id   BIGINT NOT NULL,
    task_id    BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL, -- 0: the system
    kind       TEXT   NOT NULL, -- made, comment, taken, given, moved, late, done, reopened, settled
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX task_notes_task ON task_notes (task_id, id);

-- The conversation that a task came from.
ALTER TABLE tasks ADD COLUMN conversation_id BIGINT NOT NULL DEFAULT 0;
