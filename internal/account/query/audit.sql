-- name: Audit :many
SELECT * FROM audit WHERE store_id = ANY(@stores::bigint[]) AND id < @before ORDER BY id DESC LIMIT CAST(@lim AS BIGINT);
