-- Is this delivery ours alone until the transaction ends?
-- An advisory lock instead of the row's: a slow mail server then holds up nobody who changes that row, such as one who
-- deletes its user. PostgreSQL ends a transaction that idles beyond `patience`, so a machine that vanished lets go of it.
-- params   delivery_id  bigint
--          patience     text, an interval
-- returns  is_ours bool
SELECT
    pg_try_advisory_xact_lock(hashtextextended('delivery/' || %(delivery_id)s::bigint, 0)) AS is_ours,
    set_config('idle_in_transaction_session_timeout', %(patience)s, true) AS patience;
