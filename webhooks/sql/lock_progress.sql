-- Claim the reading of the log until the transaction ends, unless another worker is reading it.
-- returns  at most one row: position bigint, up to which it has been read
-- index    none: one row
SELECT position FROM webhooks_progress FOR NO KEY UPDATE SKIP LOCKED
