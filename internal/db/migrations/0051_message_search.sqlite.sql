-- +goose Up
-- The words of each message, by its id, already analysed; the text itself stays in messages.
CREATE VIRTUAL TABLE message_search USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize='ascii');
