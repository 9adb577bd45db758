-- Return the waiting bookings of an event that are behind a queue number. Inlined, like events_in_queue.
CREATE OR REPLACE FUNCTION events_queue_behind(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) WHERE queue_number > number
$$;
