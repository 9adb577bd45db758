-- The newest bookings that match a filter, before one of them. Planned for its parameters each time, because it depends
-- on them which index finds a page soonest.
-- params   user_id, event_id  bigint | null   null: of anybody, of any event
--          status             text | null     null: any
--          before_id          bigint          only bookings with a smaller id
--          row_limit          int             maximum number of rows
-- returns  the columns of parts/booking_shown.sql
-- index    booking_user, booking_event, booking_unconfirmed, booking_event_unconfirmed, booking_queue,
--          events_booking_pkey, events_event_pkey
SELECT
\ir parts/booking_shown.sql
FROM (
    WITH asked AS MATERIALIZED (
        SELECT *
        FROM events_booking
        WHERE (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s::bigint)
            AND (%(event_id)s::bigint IS NULL OR event_id = %(event_id)s::bigint)
            AND (%(status)s::text IS NULL OR status = %(status)s::text)
            AND id < %(before_id)s::bigint
        ORDER BY id DESC
        LIMIT %(row_limit)s::int
    ),
\ir parts/with_position.sql
) AS booking
ORDER BY booking.id DESC;
