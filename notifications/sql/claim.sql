-- Claim a delivery for this transaction, unless another one holds it.
-- An advisory lock rather than a row lock, so that a slow mail server blocks nobody who changes the row, for example by
-- deleting its user. PostgreSQL ends a transaction that idles longer than `patience`, which frees the lock of a vanished
-- worker.
-- params   delivery_id  bigint
--          patience     text, an interval
-- returns  is_ours   bool
--          patience  text, as set
SELECT
    pg_try_advisory_xact_lock(hashtextextended('delivery/' || %(delivery_id)s::bigint, 0)) AS is_ours,
    set_config('idle_in_transaction_session_timeout', %(patience)s, true) AS patience;
