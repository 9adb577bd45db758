-- Return the waiting bookings of an event in the order in which they will be promoted. The order of the waiting list is
-- decided here, in events_queue_ahead and in events_queue_behind, and nowhere else.
-- Inlined, like events_in_queue. The order comes from the index booking_queue, so a LIMIT stops early.
CREATE OR REPLACE FUNCTION events_queue(queued_event bigint) RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) ORDER BY queue_number
$$;
