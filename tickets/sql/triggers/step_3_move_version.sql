-- Move the version and updated_at of a ticket that really changed.
-- BEFORE UPDATE ON tickets_ticket, FOR EACH ROW, if a column changed that the database does not derive (DERIVED in
-- models/ticket.py). Step 3: it sees what the clock has set in step 1, and the version that step 2 has restored.
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := date_trunc('milliseconds', clock_timestamp());
    RETURN NEW;
END;
