-- Return whether a ledger entry has a known kind and a quantity. Called by the constraint booking_entry_valid (see
-- kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_entry_is_valid(entry events_bookingentry)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN entry.quantity >= 0 AND entry.kind IN ('requested', 'confirmed', 'promoted', 'by-hand', 'cancelled');
END $$;
