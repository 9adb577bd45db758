-- Check in a seat, or return why not. Always returns one row: for a refusal, its code (see events_ticket_refusal). The
-- columns after it are about the check-in that took the seat. If that is an earlier one, this scan is a repetition: it is
-- recorded, but lets nobody in.
--
-- A device that does not know whether its scan arrived sends it again with the same nonce, and gets the same row.
CREATE OR REPLACE FUNCTION events_check_in(
    entered_event bigint,
    entered_booking bigint,
    entered_seat int,
    revision int,
    scanned_at timestamptz,
    scanned_by bigint,
    scanned_with text,
    scan_nonce text,
    is_admin boolean,
    OUT id bigint,
    OUT refusal text,
    OUT is_repetition boolean,
    OUT quantity int,
    OUT holder text,
    OUT checked_in_at timestamptz,
    OUT checked_in_by text,
    OUT device text
) LANGUAGE plpgsql AS $$
DECLARE
    ticket events_booking;
    known events_checkin;
    first_id bigint;
BEGIN
    PERFORM FROM events_event AS event
        WHERE event.id = entered_event AND event.deleted_at IS NULL AND (is_admin OR event.status <> 'draft');
    IF NOT FOUND THEN
        refusal := 'event_not_found';
        RETURN;
    END IF;
    -- The only lock: until we commit, nobody cancels the seat, and other scans of the booking wait.
    SELECT * INTO ticket FROM events_booking AS booking WHERE booking.id = entered_booking FOR NO KEY UPDATE;
    IF scan_nonce IS NOT NULL THEN
        SELECT * INTO known FROM events_checkin AS scan
            WHERE scan.event_id = entered_event AND scan.nonce = scan_nonce;
    END IF;
    IF known.id IS NULL THEN
        refusal := events_ticket_refusal(ticket, entered_event, entered_seat, revision);
        IF refusal IS NOT NULL THEN
            RETURN;
        END IF;
        SELECT scan.id INTO first_id FROM events_checkin AS scan
            WHERE scan.event_id = entered_event AND scan.booking_id = entered_booking AND scan.seat = entered_seat
                AND scan.earlier_id IS NULL AND scan.undone_at IS NULL;
        INSERT INTO events_checkin AS scan (event_id, booking_id, seat, at, by_id, device, nonce, earlier_id)
            VALUES (
                entered_event, entered_booking, entered_seat, scanned_at, scanned_by, scanned_with, scan_nonce, first_id
            )
            ON CONFLICT (event_id, nonce) WHERE nonce IS NOT NULL DO NOTHING
            RETURNING scan.* INTO known;
    END IF;
    -- The nonce belongs to another ticket, whose scan may just have been recorded.
    IF known.id IS NULL OR (known.booking_id, known.seat) <> (entered_booking, entered_seat) THEN
        refusal := 'nonce_reused';
        RETURN;
    END IF;
    id := known.id;
    is_repetition := known.earlier_id IS NOT NULL;
    SELECT
        ticket.quantity - ticket.cancelled,
        coalesce(
            (SELECT name FROM accounts_user WHERE accounts_user.id = ticket.user_id),
            ticket.guest_first_name || ' ' || ticket.guest_last_name
        ),
        first.at,
        (SELECT name FROM accounts_user WHERE accounts_user.id = first.by_id),
        first.device
    INTO quantity, holder, checked_in_at, checked_in_by, device
    FROM events_checkin AS first
    WHERE first.id = coalesce(known.earlier_id, known.id);
END $$;
