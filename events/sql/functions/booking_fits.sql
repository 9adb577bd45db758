-- Return whether this many seats can be confirmed at once: enough are left, and nobody is waiting for them.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_booking_fits(inventory events_inventory, wanted int)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT inventory.waiting = 0 AND wanted <= inventory.capacity - inventory.withheld - inventory.confirmed
$$;
