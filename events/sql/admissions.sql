-- The seats that can be checked in, of the confirmed bookings of an event, after one of them.
-- params   event_id      bigint
--          booking_id    bigint   start with this booking,
--          after         int      after this seat of it
--          row_limit     int      maximum number of rows
-- returns  booking bigint; revision int: of the codes; seat int; holder text; "checkedInAt" text | null
-- index    booking_event, check_in_once, accounts_user_pkey
SELECT
    booking.id AS booking,
    booking.code_revision AS revision,
    ticket.seat,
\ir parts/holder.sql
    AS holder,
    kit_utc_text(scan.at) AS "checkedInAt"
FROM (
    SELECT * FROM events_booking
    WHERE event_id = %(event_id)s::bigint AND id >= %(booking_id)s::bigint AND status = 'confirmed'
    -- Each has a seat at least, except perhaps the first.
    ORDER BY id LIMIT %(row_limit)s::int + 1
) AS booking
CROSS JOIN LATERAL (
    SELECT seat
    FROM generate_series(
        CASE WHEN booking.id = %(booking_id)s::bigint THEN %(after)s::int ELSE 0 END + 1,
        least(booking.seats, %(after)s::int + %(row_limit)s::int)
    ) AS seat
) AS ticket
LEFT JOIN events_checkin AS scan
    ON scan.event_id = booking.event_id AND scan.booking_id = booking.id AND scan.seat = ticket.seat
    AND scan.earlier_id IS NULL AND scan.undone_at IS NULL
ORDER BY booking.id, ticket.seat
LIMIT %(row_limit)s::int;
