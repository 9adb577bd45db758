-- Return the code of the first rule that makes an e-ticket invalid, or null if it is valid for the event. Whether its
-- seat is taken is not a question of validity.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_ticket_refusal(
    booking events_booking,
    entered_event bigint,
    seat int,
    revision int
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        -- Issued by another database with the same secret.
        WHEN booking.id IS NULL OR revision > booking.code_revision THEN 'ticket_not_found'
        WHEN booking.event_id <> entered_event THEN 'wrong_event'
        WHEN booking.status = 'waiting' THEN 'not_confirmed'
        WHEN revision < booking.code_revision THEN 'ticket_replaced'
        WHEN seat > booking.quantity - booking.cancelled THEN 'ticket_cancelled'
    END
$$;
