-- Create the deliveries about bookings that were confirmed at once, the oldest first. Due since the booking, so that they
-- come before mail about what happened to it later. Workers share the bookings.
-- params   number  int  of bookings, at most
-- returns  number  bigint  of bookings
-- index    notifications_unannounced_pkey, events_bookingentry_pkey, events_booking_pkey, accounts_user_pkey
WITH taken AS (
    DELETE FROM notifications_unannounced
    WHERE entry_id = ANY(ARRAY(
        SELECT entry_id FROM notifications_unannounced ORDER BY entry_id LIMIT %(number)s::int FOR UPDATE SKIP LOCKED
    ))
    RETURNING entry_id
), announced AS (
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
    FROM taken
    JOIN events_bookingentry AS entry ON entry.id = taken.entry_id
    JOIN events_booking AS booking ON booking.id = entry.booking_id
    LEFT JOIN accounts_user AS person ON person.id = booking.user_id
    WHERE person.id IS NULL OR person.is_active
    ORDER BY entry.id
)
SELECT count(*) AS number FROM taken
