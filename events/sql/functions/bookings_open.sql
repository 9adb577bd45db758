-- Return whether an event takes bookings at a time. Without a closing time, bookings never close.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_bookings_open(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT event.status = 'published' AND (event.bookings_close_at IS NULL OR event.bookings_close_at > moment)
$$;
