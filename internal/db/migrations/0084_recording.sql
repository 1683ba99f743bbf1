-- +goose Up
-- What is recorded of calls: where it is, how it came about, and who heard it. Written by internal/phone alone.

-- How a store records; a store without a row records nothing.
CREATE TABLE recording_policies (
    store_id   BIGINT PRIMARY KEY,
    policy     JSONB  NOT NULL,                -- phone.RecordingPolicy
    updated_at BIGINT NOT NULL
);

-- A queue may differ from its store: empty as the store, else off, all, on_demand.
ALTER TABLE phone_queues ADD COLUMN recording TEXT NOT NULL DEFAULT '';

-- When the customer was told that the call is recorded; 0: not yet.
ALTER TABLE calls ADD COLUMN consent_at BIGINT NOT NULL DEFAULT 0;

-- The row is written before the file: a file without one can't be. While it is 'recording' or 'ended' the sound is on the disk of the node that made it, as <id>.wav.
CREATE TABLE recordings (
    id         BIGINT  PRIMARY KEY,
    store_id   BIGINT  NOT NULL,
    call_id    BIGINT  NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('call', 'voicemail')),
    state      TEXT    NOT NULL CHECK (state IN ('recording', 'ended', 'stored', 'deleted', 'lost')),
    life_id    BIGINT  NOT NULL,               -- the process that makes it
    agent_id   BIGINT  NOT NULL DEFAULT 0,     -- who was on the line when it began
    paused     BOOLEAN NOT NULL DEFAULT FALSE,
    pauses     JSONB   NOT NULL,               -- [{"from_ms", "to_ms"}]: silence by wish; to_ms 0: to the end
    broken     BOOLEAN NOT NULL DEFAULT FALSE, -- its process died: it holds what was written until then
    blob_key   TEXT    NOT NULL DEFAULT '',
    size       BIGINT  NOT NULL DEFAULT 0,
    length_ms  BIGINT  NOT NULL DEFAULT 0,
    peaks      JSONB   NOT NULL,               -- [[left], [right]], 0..100
    started_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL DEFAULT 0,
    stored_at  BIGINT  NOT NULL DEFAULT 0,
    delete_at  BIGINT  NOT NULL DEFAULT 0,     -- when the store's rule ends it, as it was then; 0: never
    deleted_at BIGINT  NOT NULL DEFAULT 0,
    deleted_why TEXT   NOT NULL DEFAULT ''     -- retention, request
);
CREATE INDEX recordings_call ON recordings (call_id, id);
CREATE INDEX recordings_open ON recordings (life_id, id) WHERE state = 'recording';
CREATE INDEX recordings_due ON recordings (delete_at, id) WHERE state = 'stored' AND delete_at > 0;

-- Who heard which recording, and when. The audit log holds it too; this is what is shown beside the recording.
CREATE TABLE recording_hearings (
    id           BIGINT PRIMARY KEY,
    store_id     BIGINT NOT NULL,
    recording_id BIGINT NOT NULL,
    agent_id     BIGINT NOT NULL DEFAULT 0,
    key_id       BIGINT NOT NULL DEFAULT 0,
    download     BOOLEAN NOT NULL DEFAULT FALSE,
    created_at   BIGINT NOT NULL
);
CREATE INDEX recording_hearings_recording ON recording_hearings (recording_id, id);
