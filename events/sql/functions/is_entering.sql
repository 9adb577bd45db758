-- Return whether events_book is entering a booking in inventory and ledger itself, so that the triggers need not.
-- PL/pgSQL, because PostgreSQL would parse and inline a SQL function again for each statement.
CREATE OR REPLACE FUNCTION events_is_entering() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(current_setting('ticketing.enters', true) = 'on', false);
END $$;
