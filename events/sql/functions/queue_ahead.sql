-- Return the waiting bookings of an event that are ahead of a queue number. Inlined, like events_queue.
-- OFFSET 0 keeps PostgreSQL from turning the comparison into a join condition, which would read the whole list.
CREATE OR REPLACE FUNCTION events_queue_ahead(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_queue(queued_event) WHERE queue_number < number OFFSET 0
$$;
