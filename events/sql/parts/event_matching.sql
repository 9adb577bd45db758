-- Whether the event meets the conditions of the list.
(%(status)s::text IS NULL OR event.status = %(status)s::text)
AND (%(starts_at)s::timestamptz IS NULL OR event.starts_at >= %(starts_at)s::timestamptz)
AND (%(ends_at)s::timestamptz IS NULL OR event.starts_at < %(ends_at)s::timestamptz)
AND (
    %(is_available)s::boolean IS NULL
    -- A seat is left, nobody is waiting, and bookings are open.
    OR %(is_available)s::boolean = (
        event.status = 'published'
        AND coalesce(event.bookings_close_at > %(at)s::timestamptz, TRUE)
        AND inventory.waiting = 0
        AND inventory.capacity > inventory.withheld + inventory.confirmed
    )
)
