-- Return the waiting bookings of an event that are behind a queue number. Inlined, with OFFSET 0 as in events_queue_ahead.
CREATE OR REPLACE FUNCTION events_queue_behind(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_queue(queued_event) WHERE queue_number > number OFFSET 0
$$;
