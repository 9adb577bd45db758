-- Book seats at an event, or a place on its waiting list, or return why not. Always returns one row: for a booking, the
-- first five columns count; for a refusal, its code (see events_booking_refusal) and the numbers in its message.
--
-- A hot event is limited by how long its inventory row is locked, so this is one statement with a cached plan.
-- `context` is what history is to record, as JSON; empty if the transaction has named it.
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
    context text,
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
    held_status text;
    fits boolean;
    is_full boolean := false;
    has_lock boolean;
    queued text;
    enters text;
    recorded text;
BEGIN
    IF context <> '' THEN
        recorded := set_config('pghistory.context_metadata', context, true);
    END IF;
    -- Decide again if others book, cancel or change the event between our decision and the lock.
    FOR attempt IN 1..3 LOOP
        -- Not part of the query below: users and guests are each spared a join or subquery that only the others need.
        IF holder IS NULL THEN
            PERFORM FROM events_guest_bookings(wanted_event, email) OFFSET max_guest_bookings - 1;
            is_full := FOUND;
        ELSE
            SELECT held.status INTO held_status
            FROM events_booking AS held
            WHERE held.event_id = wanted_event AND held.user_id = holder AND NOT held.status = 'cancelled';
        END IF;
        -- Read without a lock, so that a request that is refused waits for nobody.
        SELECT
            coalesce(
                events_booking_refusal(event, inventory, held_status, wanted, joins, is_admin, made_at),
                CASE WHEN is_full THEN 'too_many_guest_bookings' END
            ),
            events_booking_fits(inventory, wanted),
            event.price,
            inventory.capacity,
            event.max_per_booking,
            inventory.capacity - inventory.withheld - inventory.confirmed,
            inventory.waiting
        INTO refusal, fits, unit_price, capacity, max_per_booking, available, waiting
        FROM events_event AS event
        JOIN events_inventory AS inventory ON inventory.event_id = event.id
        WHERE event.id = wanted_event;
        IF NOT FOUND THEN
            refusal := 'event_not_found';
        END IF;
        IF refusal IS NOT NULL THEN
            RETURN;
        END IF;
        -- Only a queue for the row's lock, which still decides: those who wait for a row are woken twice, and PostgreSQL
        -- starts their statement again.
        queued := pg_advisory_xact_lock('events_inventory'::regclass::oid::int, (wanted_event % 2147483648)::int);
        IF fits THEN
            -- A confirmed booking is entered here. The triggers, which do it for all others, would take three times as
            -- long.
            enters := set_config('ticketing.enters', 'on', true);
            UPDATE events_inventory AS inventory
                SET confirmed = inventory.confirmed + wanted, version = inventory.version + 1
                WHERE inventory.event_id = wanted_event AND events_booking_fits(inventory, wanted);
        ELSE
            SELECT inventory.waiting, inventory.last_queue_number + 1
            INTO ahead, queue_number
            FROM events_event AS event
            JOIN events_inventory AS inventory ON inventory.event_id = event.id
            WHERE event.id = wanted_event
                AND NOT events_booking_fits(inventory, wanted)
                AND events_booking_refusal(event, inventory, NULL, wanted, joins, is_admin, made_at) IS NULL
            FOR NO KEY UPDATE OF inventory;
        END IF;
        has_lock := FOUND;
        -- Counted again with the lock held: the first count may be out of date.
        IF has_lock AND holder IS NULL THEN
            PERFORM FROM events_guest_bookings(wanted_event, email) OFFSET max_guest_bookings - 1;
            is_full := FOUND;
        END IF;
        IF has_lock AND NOT is_full THEN
            -- Adds no row if, before we had the lock, the same user booked or the event stopped being published.
            INSERT INTO events_booking AS booking (
                event_id, user_id, guest_first_name, guest_last_name, guest_email,
                quantity, status, queue_number, unit_price, origin, created_at
            )
            SELECT
                event.id, holder, first_name, last_name, email,
                wanted, CASE WHEN fits THEN 'confirmed' ELSE 'waiting' END,
                CASE WHEN NOT fits THEN events_book.queue_number END, events_book.unit_price, made_by, made_at
            FROM events_event AS event
            WHERE event.id = wanted_event AND event.status = 'published'
            ON CONFLICT DO NOTHING
            RETURNING booking.id, booking.status, booking.queue_number, CASE WHEN NOT fits THEN events_book.ahead END
            INTO id, status, queue_number, ahead;
        END IF;
        IF fits AND id IS NOT NULL THEN
            INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
                VALUES (wanted_event, id, 'confirmed', wanted, wanted, 0, wanted * unit_price);
        ELSIF fits AND has_lock THEN
            UPDATE events_inventory AS inventory
                SET confirmed = inventory.confirmed - wanted, version = inventory.version + 1
                WHERE inventory.event_id = wanted_event;
        END IF;
        IF fits THEN
            enters := set_config('ticketing.enters', 'off', true);
        END IF;
        IF id IS NOT NULL THEN
            RETURN;
        END IF;
    END LOOP;
    refusal := 'busy';
END $$;
