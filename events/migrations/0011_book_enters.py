"""Let events_book enter confirmed bookings in the inventory and the ledger itself, without the triggers."""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

earlier = import_module("events.migrations.0006_booking_functions")

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
    is_full boolean := false;
    enters text;
BEGIN
    -- Decide again if the rule that refused the booking no longer does by the time we read why.
    FOR attempt IN 1..3 LOOP
        -- Not part of the query below, whose plan it would make slower for users.
        IF holder IS NULL THEN
            is_full := max_guest_bookings <= (SELECT count(*) FROM events_guest_bookings(wanted_event, email));
        END IF;
        -- A request that is refused finds no row here and waits for no lock. If the inventory changes while we wait for
        -- its lock, PostgreSQL evaluates the conditions again with the new row.
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
            -- A confirmed booking is entered below. The triggers, which do it for all others, would take three times as
            -- long.
            IF terms.fits THEN
                enters := set_config('ticketing.enters', 'on', true);
            END IF;
            -- Adds no row if, while we waited for the lock, the same user booked or the event stopped being published.
            INSERT INTO events_booking AS booking (
                event_id, user_id, guest_first_name, guest_last_name, guest_email,
                quantity, status, queue_number, unit_price, origin, created_at
            )
            SELECT
                event.id, holder, first_name, last_name, email,
                wanted, CASE WHEN terms.fits THEN 'confirmed' ELSE 'waiting' END,
                CASE WHEN NOT terms.fits THEN terms.last_queue_number + 1 END, terms.price, made_by, made_at
            FROM events_event AS event
            WHERE event.id = wanted_event AND event.status = 'published'
            ON CONFLICT DO NOTHING
            RETURNING
                booking.id,
                booking.status::text,
                booking.queue_number,
                CASE WHEN NOT terms.fits THEN terms.waiting END,
                booking.unit_price
            INTO id, status, queue_number, ahead, unit_price;
            IF terms.fits THEN
                IF FOUND THEN
                    UPDATE events_inventory AS inventory
                        SET confirmed = inventory.confirmed + wanted, version = inventory.version + 1
                        WHERE inventory.event_id = wanted_event AND inventory.waiting = 0;
                    -- Like the triggers, do not rely on the lock.
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'a new booking cannot jump the queue'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';
                    END IF;
                    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
                        SELECT event.id, events_book.id, 'confirmed', wanted, wanted, 0, wanted * events_book.unit_price
                        FROM events_event AS event
                        WHERE event.id = wanted_event AND event.status = 'published';
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'this event does not take bookings'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';
                    END IF;
                END IF;
                enters := set_config('ticketing.enters', 'off', true);
            END IF;
            IF id IS NOT NULL THEN
                RETURN;
            END IF;
        END IF;
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


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0010_versions"),
    ]

    operations = [
        migrations.RunSQL(BOOK, earlier.BOOK),
        pgtrigger.migrations.RemoveTrigger(
            model_name="booking",
            name="enter_new",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="inventory",
            name="move_version",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="inventory",
            name="keep_counts",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="enter_new",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (current_setting('ticketing.enters', true) IS DISTINCT FROM 'on')",
                    func="DECLARE\n    has_jumped boolean;\n    largest_waiting bigint;\n    has_hopeless boolean;\n    has_deactivated boolean;\n    with_room bigint[];\nBEGIN\n    WITH added AS (\n        SELECT\n            event_id,\n            sum(seats) AS seats,\n            count(*) FILTER (WHERE status = 'waiting') AS waiting,\n            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,\n            max(queue_number) AS last_queue_number,\n            max(quantity - cancelled) FILTER (WHERE status = 'waiting') AS largest_waiting\n        FROM booked\n        GROUP BY event_id\n    ), updated AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + added.seats,\n            waiting = inventory.waiting + added.waiting,\n            last_queue_number = greatest(inventory.last_queue_number, added.last_queue_number)\n        FROM added\n        WHERE inventory.event_id = added.event_id\n            -- A new booking gets no seats while others wait, and joins the waiting list at its end.\n            AND (added.seats = 0 OR inventory.waiting = 0)\n            AND (added.waiting = 0 OR added.first_queue_number > inventory.last_queue_number)\n        RETURNING\n            inventory.event_id,\n            added.largest_waiting > inventory.capacity AS is_hopeless,\n            added.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed AS has_room\n    )\n    SELECT\n        count(updated.event_id) < count(*),\n        array_agg(added.event_id) FILTER (WHERE updated.has_room),\n        max(added.largest_waiting),\n        bool_or(updated.is_hopeless)\n        INTO has_jumped, with_room, largest_waiting, has_hopeless\n        FROM added LEFT JOIN updated USING (event_id);\n    IF has_jumped THEN\n        RAISE EXCEPTION 'a new booking cannot jump the queue'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    IF has_hopeless THEN\n        RAISE EXCEPTION 'a waiting booking asks for more seats than there are'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';\n    END IF;\n    -- The lock makes this wait for a deactivation of the user, or the deactivation wait for this and cancel the booking.\n    IF largest_waiting IS NOT NULL THEN\n        -- An aggregate, because PostgreSQL would lock only the rows that a condition on them selects.\n        SELECT bool_or(NOT is_active) INTO has_deactivated\n        FROM (\n            SELECT is_active FROM accounts_user\n            WHERE id IN (SELECT user_id FROM booked WHERE status = 'waiting')\n            ORDER BY id\n            FOR SHARE\n        ) AS person;\n    END IF;\n    IF has_deactivated THEN\n        RAISE EXCEPTION 'a deactivated user cannot join the waiting list'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_waits_for_active_user';\n    END IF;\n    -- Checked with the inventory locked, so that the event cannot be cancelled in between.\n    IF EXISTS (\n        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id\n        WHERE event.status <> 'published' AND booked.status <> 'cancelled'\n    ) THEN\n        RAISE EXCEPTION 'this event does not take bookings'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        event_id,\n        id,\n        CASE status WHEN 'waiting' THEN 'requested' ELSE 'confirmed' END,\n        quantity - cancelled,\n        seats,\n        (status = 'waiting')::int,\n        seats * unit_price\n    FROM booked\n    WHERE status <> 'cancelled'\n    -- Confirmed bookings come first: a ledger in which they followed waiting ones would say that they jumped the queue.\n    ORDER BY status = 'waiting', queue_number, id;\n    PERFORM events_promote(event_id) FROM unnest(with_room) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="89f9d6383e585e9441b881caf5839fabcba30980",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_enter_new_408a7",
                    referencing="REFERENCING NEW TABLE AS booked ",
                    table="events_booking",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="move_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.version <> OLD.version + 1 AND NEW.* IS DISTINCT FROM OLD.*)",
                    func="BEGIN\n    NEW.version := OLD.version + 1;\n    RETURN NEW;\nEND;\n",
                    hash="a75822c427cb32b7f5b2ad8d4df483d849af583b",
                    operation="UPDATE",
                    pgid="pgtrigger_move_version_9d85f",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_counts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (pg_trigger_depth() = 0 AND current_setting('ticketing.enters', true) IS DISTINCT FROM 'on' AND (NEW.confirmed, NEW.waiting, NEW.last_queue_number) IS DISTINCT FROM (OLD.confirmed, OLD.waiting, OLD.last_queue_number))",
                    func="BEGIN\n    RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\nEND;\n",
                    hash="d7c5bbc6bb2ff62c341fee8da0e3da48d71fc6cb",
                    operation='UPDATE OF "confirmed", "waiting", "last_queue_number"',
                    pgid="pgtrigger_keep_counts_a5b18",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
