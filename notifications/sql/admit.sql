-- Decide whether a delivery is sent now. Otherwise, it becomes part of a summary or is put off (functions/admit.sql).
-- params   delivery_id    bigint
--          at             timestamptz  now
--          most_received  int          messages an hour about tickets to one address
--          most_caused    int          messages an hour about tickets that one customer may cause to others
--          most_to_guest  int          messages an hour to one guest's address
-- returns  is_sent        bool
-- index    delivery_admitted, delivery_caused, delivery_open_summary
SELECT notifications_admit(
    %(delivery_id)s::bigint,
    %(at)s::timestamptz,
    %(most_received)s::int,
    %(most_caused)s::int,
    %(most_to_guest)s::int
) AS is_sent;
