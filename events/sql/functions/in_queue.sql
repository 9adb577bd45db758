-- Return the waiting bookings of an event, in no particular order. events_queue returns them in order.
-- A single stable SELECT, so that PostgreSQL inlines it and reads the index booking_queue.
CREATE OR REPLACE FUNCTION events_in_queue(queued_event bigint) RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking WHERE event_id = queued_event AND status = 'waiting'
$$;
