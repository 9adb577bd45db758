-- Note what happened to a booking.
-- AFTER INSERT ON events_bookingentry, FOR EACH ROW. The transaction holds the lock on the event's inventory, so a booking
-- that is confirmed at once is spared the call of changes_note, which writes the same, and the look at its version.
DECLARE
    context jsonb;
BEGIN
    IF NEW.kind = 'confirmed' THEN
        context := nullif(current_setting('pghistory.context_metadata', true), '');
        INSERT INTO changes_inbox (
            type, object_id, action, version, detail_id, at, by_id, door, is_quiet, transaction_id
        ) VALUES (
            'booking', NEW.booking_id, 'confirmed', 1, NEW.id,
            NEW.at,
            (context ->> 'user')::bigint,
            coalesce(context ->> 'door', 'database'),
            coalesce(current_setting('ticketing.quiet', true), '') = 'on',
            txid_current()
        );
        RETURN NULL;
    END IF;
    PERFORM changes_note(
        'booking',
        booking.id,
        CASE NEW.kind
            WHEN 'requested' THEN 'waiting'
            WHEN 'cancelled' THEN CASE booking.status WHEN 'cancelled' THEN 'cancelled' ELSE 'changed' END
            ELSE 'promoted'
        END,
        booking.version,
        NEW.id
    )
    FROM events_booking AS booking
    WHERE booking.id = NEW.booking_id;
    RETURN NULL;
END;
