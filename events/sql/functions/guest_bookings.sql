-- Return a guest's live bookings for an event, by e-mail address. Inlined, like events_in_queue. Event and address are
-- compared as one text, so that only the index booking_guest_address fits: while PostgreSQL's statistics are out of date,
-- as after a start with empty tables, it may otherwise prefer an index that finds all bookings of the event.
CREATE OR REPLACE FUNCTION events_guest_bookings(booked_event bigint, email text)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking
    WHERE event_id::text || ' ' || lower(guest_email) = booked_event::text || ' ' || lower(email)
        AND NOT guest_email = ''
        AND NOT status = 'cancelled'
$$;
