-- Return a guest's live bookings for an event, by e-mail address. Inlined, like events_in_queue; uses the index
-- booking_guest_address.
CREATE OR REPLACE FUNCTION events_guest_bookings(booked_event bigint, email text)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking
    WHERE event_id = booked_event
        AND lower(guest_email) = lower(email)
        AND NOT guest_email = ''
        AND NOT status = 'cancelled'
$$;
