"""Functions for the rules of bookings in 0004, as they were when this was written."""

from importlib import import_module

from django.db import migrations

earlier = import_module("events.migrations.0002_sql")

BOOKINGS_OPEN = r"""
-- Return whether an event takes bookings at a time. Without a closing time, bookings never close.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_bookings_open(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT event.status = 'published' AND (event.bookings_close_at IS NULL OR event.bookings_close_at > moment)
$$;
"""

HAS_STARTED = r"""
-- Return whether an event has started, as far as its bookings are concerned. The start of an event whose bookings never
-- close changes nothing for them. Event.has_started says the same in Python.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_has_started(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT event.bookings_close_at IS NOT NULL AND event.starts_at <= moment
$$;
"""

PROMOTES = r"""
-- Return whether an event gives free seats to its waiting list at a time: bookings are open, and it has not started.
-- Inlined, like events_bookings_open.
CREATE OR REPLACE FUNCTION events_promotes(event events_event, moment timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT events_bookings_open(event, moment) AND NOT events_has_started(event, moment)
$$;
"""

GUEST_BOOKINGS = r"""
-- Return a guest's live bookings for an event, by e-mail address. Inlined, like events_in_queue; uses the index
-- booking_guest_address.
CREATE OR REPLACE FUNCTION events_guest_bookings(booked_event bigint, email text)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking
    WHERE event_id = booked_event
        AND lower(guest_email) = lower(email)
        AND NOT guest_email = ''
        AND NOT status = 'cancelled'
$$;
"""

BOOKING_REFUSAL = r"""
-- Return the code of the first rule that refuses a booking, or null if none does. These are all the rules of booking,
-- in the order in which they are checked. Only the limit on a guest's bookings is checked in events_book, which counts
-- them with the inventory locked.
--
-- held_status is the status of the live booking that the same user already has for this event, or null.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_booking_refusal(
    event events_event,
    inventory events_inventory,
    held_status text,
    wanted int,
    joins text,
    is_admin boolean,
    made_at timestamptz
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN event.deleted_at IS NOT NULL OR event.status = 'draft' AND NOT is_admin THEN 'event_not_found'
        WHEN event.status = 'cancelled' THEN 'event_cancelled'
        WHEN event.status = 'draft' THEN 'event_not_published'
        WHEN NOT events_bookings_open(event, made_at) THEN 'bookings_closed'
        -- Withheld seats may be released later, so it can wait for them.
        WHEN wanted > inventory.capacity THEN 'more_than_capacity'
        WHEN wanted > event.max_per_booking THEN 'too_many_at_once'
        WHEN held_status = 'waiting' THEN 'already_waiting'
        WHEN held_status IS NOT NULL THEN 'already_booked'
        WHEN events_booking_fits(inventory, wanted) OR joins = 'always' THEN NULL
        WHEN joins = 'when-sold-out'
            AND (inventory.waiting > 0 OR inventory.capacity - inventory.withheld = inventory.confirmed) THEN NULL
        ELSE 'not_enough_left'
    END
$$;
"""

PROMOTE = r"""
-- Confirm as many bookings from the head of an event's waiting list as fit. Called by triggers.
-- A booking that does not fit stops the promotion: nobody is skipped for wanting many seats. Once bookings have closed
-- or the event has started, nobody is promoted; only events_promote_by_hand still does.
-- Locks the inventory, which most callers have locked already.
CREATE OR REPLACE FUNCTION events_promote(promoted_event bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint;
    head record;
    promoted_ids bigint[];
BEGIN
    SELECT inventory.capacity - inventory.withheld - inventory.confirmed INTO room
        FROM events_inventory AS inventory
        JOIN events_event AS event ON event.id = inventory.event_id
        WHERE inventory.event_id = promoted_event AND inventory.waiting > 0
            AND events_promotes(event, clock_timestamp())
        FOR NO KEY UPDATE OF inventory;
    IF room IS NULL OR room = 0 THEN
        RETURN;
    END IF;
    FOR head IN SELECT id, quantity - cancelled AS wanted FROM events_queue(promoted_event) LOOP
        EXIT WHEN head.wanted > room;
        room := room - head.wanted;
        promoted_ids := promoted_ids || head.id;
    END LOOP;
    IF promoted_ids IS NOT NULL THEN
        -- psql may have cancelled one of them without locking the inventory; it stays cancelled.
        UPDATE events_booking SET status = 'confirmed' WHERE id = ANY(promoted_ids) AND status = 'waiting';
    END IF;
END $$;
"""

PROMOTE_BY_HAND = r"""
-- Confirm a waiting booking because an admin says so, even if others are ahead of it or bookings have closed. The
-- setting lets the trigger enter_changes tell this from a mistake.
CREATE OR REPLACE FUNCTION events_promote_by_hand(chosen_booking bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('ticketing.promoted_by_hand', 'on', true);
    UPDATE events_booking SET status = 'confirmed' WHERE id = chosen_booking AND status = 'waiting';
    PERFORM set_config('ticketing.promoted_by_hand', 'off', true);
END $$;
"""

BOOK = r"""
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
"""

BOOK_ONCE = r"""
-- Book under an idempotency key, in one statement: claim the key, book, and keep the answer under the key. A key that
-- was used before returns the first booking as it was then. A refused request leaves its key unused.
CREATE OR REPLACE FUNCTION events_book_once(
    place bigint,
    digest bytea,
    body_digest bytea,
    expired_at timestamptz,
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
    OUT waiting int,
    OUT created_at timestamptz,
    OUT is_repeated boolean,
    OUT first_body_digest bytea
) LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
BEGIN
    SELECT * INTO kept FROM idempotency_claim_key(place, digest, expired_at);
    is_repeated := FOUND;
    IF is_repeated THEN
        SELECT answer.* INTO id, status, queue_number, ahead, unit_price, created_at
        FROM jsonb_to_record(kept.body::jsonb) AS answer (
            id bigint, status text, queue_number bigint, ahead int, unit_price numeric, created_at timestamptz
        );
        first_body_digest := kept.body_digest;
        RETURN;
    END IF;
    SELECT booked.*
    INTO id, status, queue_number, ahead, unit_price, refusal, capacity, max_per_booking, available, waiting
    FROM events_book(
        wanted_event, wanted, joins, holder, first_name, last_name, email, made_by, made_at, is_admin,
        max_guest_bookings
    ) AS booked;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    created_at := made_at;
    first_body_digest := body_digest;
    PERFORM idempotency_keep_answer(
        digest,
        body_digest,
        201,
        jsonb_build_object(
            'id', id,
            'status', status,
            'queue_number', queue_number,
            'ahead', ahead,
            'unit_price', unit_price,
            'created_at', created_at
        )::text,
        '{}',
        made_at
    );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0005_time_zone_and_currency"),
    ]

    operations = [
        migrations.RunSQL(BOOKINGS_OPEN, "DROP FUNCTION events_bookings_open"),
        migrations.RunSQL(HAS_STARTED, "DROP FUNCTION events_has_started"),
        migrations.RunSQL(PROMOTES, "DROP FUNCTION events_promotes"),
        migrations.RunSQL(GUEST_BOOKINGS, "DROP FUNCTION events_guest_bookings"),
        migrations.RunSQL(BOOKING_REFUSAL, earlier.BOOKING_REFUSAL),
        migrations.RunSQL(PROMOTE, earlier.PROMOTE),
        migrations.RunSQL(PROMOTE_BY_HAND, "DROP FUNCTION events_promote_by_hand"),
        # Their parameters change, and CREATE OR REPLACE would add a second function.
        migrations.RunSQL(f"DROP FUNCTION events_book; {BOOK}", f"DROP FUNCTION events_book; {earlier.BOOK}"),
        migrations.RunSQL(
            f"DROP FUNCTION events_book_once; {BOOK_ONCE}", f"DROP FUNCTION events_book_once; {earlier.BOOK_ONCE}"
        ),
    ]
