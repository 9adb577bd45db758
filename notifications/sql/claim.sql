-- Claim deliveries until the transaction ends, except those that another worker holds (functions/claim.sql).
-- PostgreSQL ends a transaction that idles longer than `patience`, which frees the locks of a vanished worker.
-- params   ids       bigint[]
--          at        timestamptz  now
--          patience  text, an interval
-- returns  id         bigint  of a delivery that is ours, in the order of `ids`
--          is_outage  bool    whether it finds out if the server is back
--          patience   text    as set
-- index    notifications_delivery_pkey
SELECT
    claimed.id,
    EXISTS (SELECT FROM notifications_outage) AS is_outage,
    set_config('idle_in_transaction_session_timeout', %(patience)s::text, true) AS patience
FROM notifications_claim(%(ids)s::bigint[], %(at)s::timestamptz) AS claimed (id)
