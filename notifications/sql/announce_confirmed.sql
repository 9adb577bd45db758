-- Create the deliveries about bookings that were confirmed at once, in the order of the log of changes. Due since the
-- booking, so that they come before mail about what happened to it later. One worker at a time does this.
-- params   number  int  of changes to look at, at most
-- returns  number  bigint  of changes that it looked at, 0 if another worker does this
-- index    changes_change_pkey, events_bookingentry_pkey, events_booking_pkey, accounts_user_pkey
WITH announced AS (
    SELECT position FROM notifications_announced FOR NO KEY UPDATE SKIP LOCKED
), next AS (
    SELECT change.*
    FROM announced
    CROSS JOIN LATERAL (
        SELECT position, type, action, detail_id, is_quiet
        FROM changes_change
        WHERE position > announced.position
        ORDER BY position
        LIMIT %(number)s::int
    ) AS change
), moved AS (
    UPDATE notifications_announced SET position = last.position
    FROM (SELECT max(position) AS position FROM next) AS last
    WHERE last.position IS NOT NULL
), delivered AS (
    INSERT INTO notifications_delivery (
        kind, about, user_id, address, name, booking_id, payload, next_attempt_at, created_at
    )
    SELECT
        'booking-confirmed',
        'booking/' || booking.id || '/entry/' || entry.id,
        person.id,
        coalesce(person.email, booking.guest_email),
        coalesce(person.name, trim(booking.guest_first_name || ' ' || booking.guest_last_name)),
        booking.id,
        jsonb_build_object('quantity', entry.quantity, 'left', entry.quantity, 'place', NULL),
        entry.at,
        entry.at
    FROM next
    JOIN events_bookingentry AS entry ON entry.id = next.detail_id
    JOIN events_booking AS booking ON booking.id = entry.booking_id
    LEFT JOIN accounts_user AS person ON person.id = booking.user_id
    WHERE next.type = 'booking'
        AND next.action = 'confirmed'
        AND NOT next.is_quiet
        AND (person.id IS NULL OR person.is_active)
    ORDER BY next.position
    ON CONFLICT DO NOTHING
)
SELECT count(*) AS number FROM next
