-- +goose Up
-- When agents were at the telephone and ready, stretch by stretch: from this a store knows who will be there tomorrow at eight, and promises calls accordingly.
-- Written by internal/phone alone.
CREATE TABLE phone_shifts (
    id       BIGINT PRIMARY KEY,
    agent_id BIGINT NOT NULL,
    from_at  BIGINT NOT NULL,
    to_at    BIGINT NOT NULL DEFAULT 0   -- 0: he is there
);
CREATE UNIQUE INDEX phone_shifts_open ON phone_shifts (agent_id) WHERE to_at = 0;
CREATE INDEX phone_shifts_past ON phone_shifts (to_at, agent_id) WHERE to_at > 0;
