-- Decide whether a delivery is sent now or becomes part of a summary (functions/admit.sql).
-- params   delivery_id    bigint
--          at             timestamptz  now
--          most_caused    int          messages an hour that one customer may cause to others
--          most_received  int          messages an hour to one address
-- returns  is_sent        bool
-- index    delivery_admitted, delivery_caused, delivery_open_summary
SELECT notifications_admit(
    %(delivery_id)s::bigint, %(at)s::timestamptz, %(most_caused)s::int, %(most_received)s::int
) AS is_sent;
