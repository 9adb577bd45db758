-- The newest scans of an event before one of them.
-- params   event_id   bigint
--          outcome    text | null   null: any
--          before_id  bigint        only scans with a smaller id
--          row_limit  int           maximum number of rows
-- returns  the columns with the keys of CheckInSerializer
-- index    check_in_event, events_booking_pkey, accounts_user_pkey
SELECT
    scan.id,
    scan.booking_id AS booking,
    scan.seat,
    booking.quantity - booking.cancelled AS quantity,
\ir parts/holder.sql
    AS holder,
    kit_utc_text(scan.at) AS "checkedInAt",
    nullif(scan.device, '') AS device,
    scan.outcome,
    jsonb_build_object('id', scan.by_id, 'name', (SELECT name FROM accounts_user WHERE id = scan.by_id)) AS by,
    kit_utc_text(scan.undone_at) AS "undoneAt",
    CASE WHEN scan.undone_by_id IS NOT NULL THEN
        jsonb_build_object(
            'id', scan.undone_by_id, 'name', (SELECT name FROM accounts_user WHERE id = scan.undone_by_id)
        )
    END AS "undoneBy"
FROM (
    SELECT *
    FROM (
        SELECT
            *,
            CASE
                WHEN earlier_id IS NOT NULL THEN 'already_checked_in'
                WHEN undone_at IS NULL THEN 'admitted'
                ELSE 'undone'
            END AS outcome
        FROM events_checkin
        WHERE event_id = %(event_id)s::bigint AND id < %(before_id)s::bigint
    ) AS judged
    WHERE %(outcome)s::text IS NULL OR outcome = %(outcome)s::text
    ORDER BY id DESC
    LIMIT %(row_limit)s::int
) AS scan
JOIN events_booking AS booking ON booking.id = scan.booking_id
ORDER BY scan.id DESC;
