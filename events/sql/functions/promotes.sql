-- Return whether an event gives free seats to its waiting list at a time: bookings are open, and it has not started.
-- Inlined, like events_bookings_open.
CREATE OR REPLACE FUNCTION events_promotes(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT events_bookings_open(event, moment) AND NOT events_has_started(event, moment)
$$;
