-- The seats of a booking that have e-tickets, if the booking is the viewer's. Without such seats, one row without a seat.
-- params   booking_id  bigint
--          user_id     bigint | null   null: the viewer may see every booking, or has proven that this one is theirs
--          after       int             only seats with a higher number
--          row_limit   int             maximum number of rows
-- returns  revision int: of the codes; seat int | null; "checkedInAt" text | null
-- index    events_booking_pkey, check_in_once
SELECT booking.code_revision AS revision, ticket.seat, kit_utc_text(scan.at) AS "checkedInAt"
FROM events_booking AS booking
LEFT JOIN LATERAL generate_series(
    %(after)s::int + 1, least(booking.seats, %(after)s::int + %(row_limit)s::int)
) AS ticket (seat) ON TRUE
LEFT JOIN events_checkin AS scan
    ON scan.event_id = booking.event_id AND scan.booking_id = booking.id AND scan.seat = ticket.seat
    AND scan.earlier_id IS NULL AND scan.undone_at IS NULL
WHERE booking.id = %(booking_id)s::bigint AND (%(user_id)s::bigint IS NULL OR booking.user_id = %(user_id)s)
ORDER BY ticket.seat;
