-- +goose Up
-- When what a call was owed for went away by itself: a call of which nothing else is left isn't made. Written by internal/phone.
ALTER TABLE callback_reasons ADD COLUMN gone_at BIGINT NOT NULL DEFAULT 0;
