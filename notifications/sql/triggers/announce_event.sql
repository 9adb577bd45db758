-- AFTER UPDATE ON events_event, FOR EACH ROW (condition: models.py).
-- Tell everyone who holds or waits for seats what changed, once per change: a guest with several bookings gets one
-- message. Users and guests are told apart even if their addresses are the same, because nobody has proven that the
-- user is the guest, and guests' mail has the tokens of their bookings.
-- Locks the inventory first, so that people whose booking is still in progress are told as well. Wakes no worker;
-- announce_bookings.sql says why.
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, booking_id, payload)
    SELECT
        'event-changed',
        'event/' || NEW.id || '/version/' || NEW.version || '/booking/' || first.id,
        person.id,
        coalesce(person.email, first.guest_email),
        coalesce(person.name, trim(first.guest_first_name || ' ' || first.guest_last_name)),
        first.id,
        jsonb_build_object(
            'bookings', held.bookings,
            'before', jsonb_build_object(
                'starts_at', OLD.starts_at, 'ends_at', OLD.ends_at, 'venue', OLD.venue, 'time_zone', OLD.time_zone
            ),
            'after', jsonb_build_object(
                'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at, 'venue', NEW.venue, 'time_zone', NEW.time_zone
            )
        )
    FROM (
        SELECT
            min(id) AS first_id,
            jsonb_agg(
                jsonb_build_object('number', id, 'left', quantity - cancelled, 'status', status) ORDER BY id
            ) AS bookings
        FROM events_booking
        WHERE event_id = NEW.id AND status <> 'cancelled'
        GROUP BY user_id, lower(guest_email)
    ) AS held
    JOIN events_booking AS first ON first.id = held.first_id
    LEFT JOIN accounts_user AS person ON person.id = first.user_id
    WHERE person.id IS NULL OR person.is_active
    ORDER BY first.id;
    RETURN NULL;
END;
