-- Book seats at an event, or a place on its waiting list, or return why not. Always returns one row: for a booking, the
-- first five columns; for a refusal, its code (see events_booking_refusal) and the numbers in its message.
--
-- A hot event is limited by how long its inventory row is locked, so this is one statement with a cached plan.
CREATE OR REPLACE FUNCTION events_book(
    wanted_event bigint,
    wanted int,
    joins text,
    holder bigint,
    first_name text,
    last_name text,
    email text,
    made_by text,
    made_at timestamptz,
    is_admin boolean,
    max_guest_bookings int,
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric,
    OUT refusal text,
    OUT capacity int,
    OUT max_per_booking int,
    OUT available int,
    OUT waiting int
) LANGUAGE plpgsql AS $$
DECLARE
    terms record;
    rule text;
    is_full boolean := false;
BEGIN
    -- Decide again if the rule that refused the booking no longer does by the time we read why.
    FOR attempt IN 1..3 LOOP
        -- Not part of the query below, whose plan it would make slower for users.
        IF holder IS NULL THEN
            is_full := max_guest_bookings <= (SELECT count(*) FROM events_guest_bookings(wanted_event, email));
        END IF;
        BEGIN
            -- A request that is refused finds no row here and waits for no lock. If the inventory changes while we wait
            -- for its lock, PostgreSQL evaluates the conditions again with the new row.
            SELECT
                event.price,
                inventory.waiting,
                inventory.last_queue_number,
                events_booking_fits(inventory, wanted) AS fits
            INTO terms
            FROM events_event AS event
            JOIN events_inventory AS inventory ON inventory.event_id = event.id
            LEFT JOIN events_booking AS held
                ON held.event_id = event.id AND held.user_id = holder AND NOT held.status = 'cancelled'
            WHERE event.id = wanted_event
                AND events_booking_refusal(event, inventory, held.status, wanted, joins, is_admin, made_at) IS NULL
                AND NOT is_full
            FOR NO KEY UPDATE OF inventory;
            -- Counted again with the lock held: the first count may be out of date.
            IF FOUND AND holder IS NULL THEN
                is_full := max_guest_bookings <= (SELECT count(*) FROM events_guest_bookings(wanted_event, email));
            END IF;
            IF FOUND AND NOT is_full THEN
                -- Triggers update the inventory and write the ledger and the mail.
                INSERT INTO events_booking AS booking (
                    event_id, user_id, guest_first_name, guest_last_name, guest_email,
                    quantity, status, queue_number, unit_price, origin, created_at
                )
                VALUES (
                    wanted_event, holder, first_name, last_name, email,
                    wanted, CASE WHEN terms.fits THEN 'confirmed' ELSE 'waiting' END,
                    CASE WHEN NOT terms.fits THEN terms.last_queue_number + 1 END, terms.price, made_by, made_at
                )
                RETURNING
                    booking.id,
                    booking.status::text,
                    booking.queue_number,
                    CASE WHEN NOT terms.fits THEN terms.waiting END,
                    booking.unit_price
                INTO id, status, queue_number, ahead, unit_price;
                RETURN;
            END IF;
        EXCEPTION WHEN unique_violation OR check_violation THEN
            GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
            -- While we waited for the lock, the same user booked, or the event stopped being published.
            IF rule NOT IN ('booking_once', 'booking_of_published_event') THEN
                RAISE;
            END IF;
        END;
        SELECT
            coalesce(
                events_booking_refusal(event, inventory, held.status, wanted, joins, is_admin, made_at),
                CASE WHEN is_full THEN 'too_many_guest_bookings' END
            ),
            inventory.capacity,
            event.max_per_booking,
            inventory.capacity - inventory.withheld - inventory.confirmed,
            inventory.waiting
        INTO refusal, capacity, max_per_booking, available, waiting
        FROM events_event AS event
        JOIN events_inventory AS inventory ON inventory.event_id = event.id
        LEFT JOIN events_booking AS held
            ON held.event_id = event.id AND held.user_id = holder AND NOT held.status = 'cancelled'
        WHERE event.id = wanted_event;
        IF NOT FOUND THEN
            refusal := 'event_not_found';
        END IF;
        IF refusal IS NOT NULL THEN
            RETURN;
        END IF;
    END LOOP;
    refusal := 'busy';
END $$;
