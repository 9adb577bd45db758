-- Return the waiting bookings of an event in the order in which they will be promoted. Everything that asks about the
-- waiting list reads it through this function, so its order is decided here and nowhere else.
-- A single stable SELECT, so that PostgreSQL inlines it and reads it from the index booking_queue.
CREATE OR REPLACE FUNCTION events_queue(queued_event bigint) RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking WHERE event_id = queued_event AND status = 'waiting' ORDER BY queue_number
$$;
