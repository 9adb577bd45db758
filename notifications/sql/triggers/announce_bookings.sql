-- AFTER INSERT ON events_bookingentry, FOR EACH STATEMENT (condition: models.py).
-- Creates a delivery to the booking's holder for each new ledger entry, in the same transaction, whatever wrote the
-- entry. Bookings that are confirmed at once are left to the workers (sql/announce_confirmed.sql). Wakes no worker: NOTIFY would
-- serialize commits while the event's inventory is locked. The workers look for mail every few seconds.
BEGIN
    IF current_setting('ticketing.quiet', true) = 'on' THEN
        RETURN NULL;
    END IF;
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, booking_id, payload)
    SELECT
        CASE
            WHEN entry.kind = 'requested' THEN 'booking-waiting'
            WHEN entry.kind = 'by-hand' THEN 'booking-promoted'
            WHEN entry.kind = 'cancelled' AND event.status = 'cancelled' THEN 'event-cancelled'
            ELSE 'booking-' || entry.kind
        END,
        'booking/' || booking.id || '/entry/' || entry.id,
        person.id,
        coalesce(person.email, booking.guest_email),
        coalesce(person.name, trim(booking.guest_first_name || ' ' || booking.guest_last_name)),
        booking.id,
        jsonb_build_object(
            'quantity', entry.quantity,
            'left', booking.quantity - booking.cancelled,
            -- New bookings are at the end of the queue, so counting from there is fast.
            'place', CASE WHEN entry.kind = 'requested' THEN inventory.waiting - (
                SELECT count(*) FROM events_queue_behind(booking.event_id, booking.queue_number)
            ) END
        )
    FROM entries AS entry
    JOIN events_booking AS booking ON booking.id = entry.booking_id
    JOIN events_event AS event ON event.id = booking.event_id
    JOIN events_inventory AS inventory ON inventory.event_id = booking.event_id
    LEFT JOIN accounts_user AS person ON person.id = booking.user_id
    WHERE entry.kind <> 'confirmed' AND (person.id IS NULL OR person.is_active)
    ORDER BY entry.id;
    RETURN NULL;
END;
