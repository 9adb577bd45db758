-- Return the waiting bookings of an event that are ahead of a queue number. Inlined, like events_in_queue.
CREATE OR REPLACE FUNCTION events_queue_ahead(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) WHERE queue_number < number
$$;
