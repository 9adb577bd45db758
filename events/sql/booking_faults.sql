-- Find where inventory, bookings, ledger, waiting list and check-ins of an event contradict each other. No rows means no faults.
-- params   after_id, until_id  bigint      the events with after_id < id <= until_id
-- returns  fault text (see queries.FAULTS); event_id bigint; booking_id bigint | null: if the fault is one booking's;
--          said, found numeric: the two numbers that differ, as used in the fault's sentence
-- index    events_inventory_pkey, booking_event, booking_queue, check_in_once; one pass over the bookings, entries and check-ins of
--          these events
WITH booking AS (
    SELECT * FROM events_booking WHERE event_id > %(after_id)s AND event_id <= %(until_id)s
), entry AS (
    SELECT * FROM events_bookingentry WHERE event_id > %(after_id)s AND event_id <= %(until_id)s
), taken AS (
    SELECT event_id, booking_id, seat, count(*) AS guests
    FROM events_checkin
    WHERE event_id > %(after_id)s AND event_id <= %(until_id)s AND earlier_id IS NULL AND undone_at IS NULL
    GROUP BY event_id, booking_id, seat
), booked AS (
    SELECT
        event_id,
        sum(seats) AS seats,
        count(*) FILTER (WHERE status = 'waiting') AS waiting,
        count(*) FILTER (WHERE status <> 'cancelled') AS live,
        max(queue_number) AS last_queue_number
    FROM booking
    GROUP BY event_id
), entered AS (
    SELECT event_id, sum(seats) AS seats, sum(waiting) AS waiting FROM entry GROUP BY event_id
), entered_of_booking AS (
    SELECT booking_id, sum(seats) AS seats, sum(waiting) AS waiting, sum(amount) AS amount FROM entry GROUP BY booking_id
), head AS (
    -- The first of each waiting list, and the entry with which its wait began. The ids of an event's entries are in the
    -- order in which things happened, because its inventory is locked in between.
    SELECT
        first.event_id,
        first.id,
        first.queue_number,
        first.quantity - first.cancelled AS wanted,
        min(entry.id) AS entry_id
    FROM booked
    CROSS JOIN LATERAL (SELECT * FROM events_queue(booked.event_id) LIMIT 1) AS first
    LEFT JOIN entry ON entry.booking_id = first.id AND entry.kind = 'requested'
    WHERE booked.waiting > 0
    GROUP BY first.event_id, first.id, first.queue_number, first.quantity, first.cancelled
), books AS (
    SELECT
        event.id AS event_id,
        event.status,
        events_promotes(event, now()) AS promotes,
        inventory.event_id IS NOT NULL AS is_counted,
        inventory.capacity - inventory.withheld AS for_sale,
        inventory.confirmed,
        inventory.waiting,
        inventory.last_queue_number,
        coalesce(booked.seats, 0) AS booked_seats,
        coalesce(booked.waiting, 0) AS booked_waiting,
        coalesce(booked.live, 0) AS live,
        coalesce(booked.last_queue_number, 0) AS booked_queue_number,
        coalesce(entered.seats, 0) AS entered_seats,
        coalesce(entered.waiting, 0) AS entered_waiting
    FROM events_event AS event
    LEFT JOIN events_inventory AS inventory ON inventory.event_id = event.id
    LEFT JOIN booked ON booked.event_id = event.id
    LEFT JOIN entered ON entered.event_id = event.id
    WHERE event.id > %(after_id)s AND event.id <= %(until_id)s
), fault AS (
    SELECT 'uncounted' AS fault, event_id, NULL::bigint AS booking_id, 0::numeric AS said, live::numeric AS found
    FROM books WHERE NOT is_counted
    UNION ALL
    SELECT 'oversold', event_id, NULL, for_sale, booked_seats
    FROM books WHERE booked_seats > for_sale
    UNION ALL
    SELECT 'seats_of_bookings', event_id, NULL, confirmed, booked_seats
    FROM books WHERE confirmed <> booked_seats
    UNION ALL
    SELECT 'waiting_of_bookings', event_id, NULL, waiting, booked_waiting
    FROM books WHERE waiting <> booked_waiting
    UNION ALL
    SELECT 'queue_numbers', event_id, NULL, last_queue_number, booked_queue_number
    FROM books WHERE last_queue_number < booked_queue_number
    UNION ALL
    SELECT 'seats_of_ledger', event_id, NULL, confirmed, entered_seats
    FROM books WHERE confirmed <> entered_seats
    UNION ALL
    SELECT 'waiting_of_ledger', event_id, NULL, waiting, entered_waiting
    FROM books WHERE waiting <> entered_waiting
    UNION ALL
    SELECT 'live_in_unpublished', event_id, NULL, 0, live
    FROM books WHERE status <> 'published' AND live > 0
    UNION ALL
    SELECT 'room_for_waiting', head.event_id, head.id, head.wanted, books.for_sale - books.booked_seats
    FROM head JOIN books USING (event_id)
    WHERE books.promotes AND head.wanted <= books.for_sale - books.booked_seats
    UNION ALL
    SELECT 'waiting_of_deactivated', booking.event_id, booking.id, NULL, NULL
    FROM booking JOIN accounts_user AS person ON person.id = booking.user_id
    WHERE booking.status = 'waiting' AND NOT person.is_active
    UNION ALL
    -- Bookings promoted from behind the head, or confirmed after the head began to wait. Promotions by hand may pass it.
    SELECT 'passed', head.event_id, passer.booking_id, head.id, NULL
    FROM head
    JOIN entry AS passer ON passer.event_id = head.event_id AND passer.id > head.entry_id
    JOIN booking ON booking.id = passer.booking_id
    WHERE passer.kind = 'confirmed' OR passer.kind = 'promoted' AND booking.queue_number > head.queue_number
    UNION ALL
    SELECT 'seats_of_entries', booking.event_id, booking.id, booking.seats, coalesce(entered_of_booking.seats, 0)
    FROM booking LEFT JOIN entered_of_booking ON entered_of_booking.booking_id = booking.id
    WHERE booking.seats <> coalesce(entered_of_booking.seats, 0)
    UNION ALL
    SELECT 'waiting_of_entries', booking.event_id, booking.id,
        (booking.status = 'waiting')::int, coalesce(entered_of_booking.waiting, 0)
    FROM booking LEFT JOIN entered_of_booking ON entered_of_booking.booking_id = booking.id
    WHERE (booking.status = 'waiting')::int <> coalesce(entered_of_booking.waiting, 0)
    UNION ALL
    SELECT 'amount_of_entries', booking.event_id, booking.id,
        booking.seats * booking.unit_price, coalesce(entered_of_booking.amount, 0)
    FROM booking LEFT JOIN entered_of_booking ON entered_of_booking.booking_id = booking.id
    WHERE booking.seats * booking.unit_price <> coalesce(entered_of_booking.amount, 0)
    UNION ALL
    SELECT 'seats_of_check_ins', booking.event_id, booking.id, booking.seats, max(taken.seat)
    FROM booking JOIN taken ON taken.booking_id = booking.id
    GROUP BY booking.event_id, booking.id, booking.seats
    HAVING max(taken.seat) > booking.seats
    UNION ALL
    SELECT 'checked_in_twice', event_id, booking_id, seat, guests FROM taken WHERE guests > 1
)
SELECT fault, event_id, booking_id, said, found FROM fault ORDER BY event_id, booking_id NULLS FIRST, fault;
