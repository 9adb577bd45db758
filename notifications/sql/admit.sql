-- The next deliveries to send (functions/due.sql), and whether they are sent now. Otherwise, they become part of a summary
-- or are put off (functions/admit.sql).
-- Its commit does not wait for the disk: that of the outcome, which comes later, writes both.
-- params   at             timestamptz  now
--          number         int          of deliveries, at most
--          most_received  int          messages an hour about tickets to one address
--          most_caused    int          messages an hour about tickets that one customer may cause to others
--          most_to_guest  int          messages an hour to one guest's address; see there for notices
-- returns  id       bigint
--          is_sent  bool
--          durability  text  as set
-- index    delivery_due, delivery_urgent, delivery_admitted, delivery_caused, delivery_open_summary
SELECT
    id,
    notifications_admit(
        id,
        %(at)s::timestamptz,
        %(most_received)s::int,
        %(most_caused)s::int,
        %(most_to_guest)s::int
    ) AS is_sent,
    set_config('synchronous_commit', 'off', true) AS durability
FROM notifications_due(%(at)s::timestamptz, %(number)s::int) AS id
