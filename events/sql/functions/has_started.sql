-- Return whether an event has started, as far as its bookings are concerned. The start of an event whose bookings never
-- close changes nothing for them. Event.has_started says the same in Python.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_has_started(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT event.bookings_close_at IS NOT NULL AND event.starts_at <= moment
$$;
