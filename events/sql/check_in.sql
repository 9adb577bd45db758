-- Check in a seat in one round trip, or return why not. The rules are in functions/check_in.sql.
-- params   event_id    bigint
--          booking_id  bigint
--          seat        int             number of the seat, from 1
--          revision    int             revision of the code
--          at          timestamptz     when it was scanned
--          user_id     bigint          who scanned it
--          device      text
--          nonce       text | null     the device's own name for the scan
--          is_admin    boolean         the user may see drafts
-- returns  one row: id bigint; refusal text | null: code of the rule that refused; is_repetition boolean: the seat was
--          taken; quantity int: seats of the booking; holder text; checked_in_at timestamptz, checked_in_by, device text:
--          of the check-in that took the seat
-- index    events_event_pkey, events_booking_pkey, check_in_once, check_in_nonce, events_checkin_pkey
SELECT id, refusal, is_repetition, quantity, holder, checked_in_at, checked_in_by, device
FROM events_check_in(
    %(event_id)s,
    %(booking_id)s,
    %(seat)s,
    %(revision)s,
    %(at)s,
    %(user_id)s,
    %(device)s,
    %(nonce)s,
    %(is_admin)s
);
