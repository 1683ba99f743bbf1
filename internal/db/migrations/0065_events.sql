-- +goose Up
-- Events are read by their ids alone, by the jobs that they caused; two more indexes to write with each message served nobody.
DROP INDEX events_subject;
DROP INDEX events_store;
