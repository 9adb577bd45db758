-- Return whether the columns of a booking agree with each other, or name the first rule that they break. Called by the
-- constraint booking_valid (see kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_booking_is_valid(booking events_booking)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    broken text := CASE
        WHEN booking.quantity NOT BETWEEN 1 AND 1000000 THEN 'booking_quantity'
        WHEN booking.cancelled NOT BETWEEN 0 AND booking.quantity THEN 'booking_cancelled'
        WHEN booking.status NOT IN ('confirmed', 'waiting', 'cancelled') THEN 'booking_status'
        WHEN (booking.status = 'cancelled') <> (booking.cancelled = booking.quantity) THEN 'booking_status'
        WHEN booking.status = 'waiting' AND booking.queue_number IS NULL THEN 'booking_waits_in_queue'
        WHEN (booking.user_id IS NULL) = (booking.guest_email = '') THEN 'booking_of_user_or_guest'
        WHEN booking.unit_price NOT BETWEEN 0 AND 99999999.99 THEN 'booking_unit_price'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'new row for relation "events_booking" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', TABLE = 'events_booking', CONSTRAINT = broken;
END $$;
