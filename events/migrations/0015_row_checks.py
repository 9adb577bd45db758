"""Check bookings and inventories by functions, join two foreign keys, and index guests' words later."""

from importlib import import_module

import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import kit.db.checks

once = import_module("events.migrations.0006_booking_functions")
earlier = import_module("events.migrations.0014_lean_booking")

BOOKING_IS_VALID = r"""
-- Return whether the columns of a booking agree with each other, or name the first rule that they break. Called by the
-- constraint booking_valid (see kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_booking_is_valid(booking events_booking)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    broken text := CASE
        WHEN booking.quantity NOT BETWEEN 1 AND 1000000 THEN 'booking_quantity'
        WHEN booking.cancelled NOT BETWEEN 0 AND booking.quantity THEN 'booking_cancelled'
        WHEN booking.status NOT IN ('confirmed', 'waiting', 'cancelled') THEN 'booking_status'
        WHEN (booking.status = 'cancelled') <> (booking.cancelled = booking.quantity) THEN 'booking_status'
        WHEN booking.status = 'waiting' AND booking.queue_number IS NULL THEN 'booking_waits_in_queue'
        WHEN (booking.user_id IS NULL) = (booking.guest_email = '') THEN 'booking_of_user_or_guest'
        WHEN booking.unit_price NOT BETWEEN 0 AND 99999999.99 THEN 'booking_unit_price'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'new row for relation "events_booking" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', TABLE = 'events_booking', CONSTRAINT = broken;
END $$;
"""

INVENTORY_IS_VALID = r"""
-- Return whether the seats of an event fit its capacity, so that nothing is oversold. Called by the constraint
-- inventory_seats_fit (see kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_inventory_is_valid(inventory events_inventory)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    broken text := CASE
        WHEN inventory.capacity NOT BETWEEN 1 AND 1000000 THEN 'inventory_capacity'
        WHEN inventory.confirmed < 0 OR inventory.withheld < 0 THEN 'inventory_seats_fit'
        WHEN inventory.confirmed + inventory.withheld > inventory.capacity THEN 'inventory_seats_fit'
        WHEN inventory.waiting < 0 THEN 'inventory_waiting'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'new row for relation "events_inventory" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', TABLE = 'events_inventory', CONSTRAINT = broken;
END $$;
"""

ENTRY_IS_VALID = r"""
-- Return whether a ledger entry has a known kind and a quantity. Called by the constraint booking_entry_valid (see
-- kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_entry_is_valid(entry events_bookingentry)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN entry.quantity >= 0 AND entry.kind IN ('requested', 'confirmed', 'promoted', 'by-hand', 'cancelled');
END $$;
"""

IS_ENTERING = r"""
-- Return whether events_book is entering a booking in inventory and ledger itself, so that the triggers need not.
-- PL/pgSQL, because PostgreSQL would parse and inline a SQL function again for each statement.
CREATE OR REPLACE FUNCTION events_is_entering() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(current_setting('ticketing.enters', true) = 'on', false);
END $$;
"""

BOOK = r"""
-- Book seats at an event, or a place on its waiting list, or return why not. Always returns one row: for a booking, the
-- first five columns count; for a refusal, its code (see events_booking_refusal) and the numbers in its message.
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
    held_status text;
    fits boolean;
    is_full boolean := false;
    has_lock boolean;
    queued text;
    enters text;
BEGIN
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
    answered text;
BEGIN
    kept := idempotency_claim_key(place, digest, expired_at);
    is_repeated := kept.digest IS NOT NULL;
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
    answered := idempotency_keep_answer(
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

# To bookings of the same event, so that the ledger needs no foreign key of its own to events.
OF_BOOKING = """
ALTER TABLE events_bookingentry ADD CONSTRAINT booking_entry_of_booking
    FOREIGN KEY (event_id, booking_id) REFERENCES events_booking (event_id, id) DEFERRABLE INITIALLY DEFERRED
"""
# Without building the index again.
LATE_WORDS = "ALTER INDEX booking_guest SET (fastupdate = on, gin_pending_list_limit = 64)"
EARLY_WORDS = """
ALTER INDEX booking_guest SET (fastupdate = off);
ALTER INDEX booking_guest RESET (gin_pending_list_limit);
SELECT gin_clean_pending_list('booking_guest');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0014_lean_booking"),
        ("idempotency", "0004_claim_one"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(IS_ENTERING, "DROP FUNCTION events_is_entering()"),
        migrations.RunSQL(BOOKING_IS_VALID, "DROP FUNCTION events_booking_is_valid(events_booking)"),
        migrations.RunSQL(INVENTORY_IS_VALID, "DROP FUNCTION events_inventory_is_valid(events_inventory)"),
        migrations.RunSQL(ENTRY_IS_VALID, "DROP FUNCTION events_entry_is_valid(events_bookingentry)"),
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
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_quantity",
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_cancelled",
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_status",
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_waits_in_queue",
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_of_user_or_guest",
        ),
        migrations.RemoveConstraint(
            model_name="booking",
            name="booking_unit_price",
        ),
        migrations.RemoveConstraint(
            model_name="bookingentry",
            name="booking_entry_kind",
        ),
        migrations.RemoveConstraint(
            model_name="inventory",
            name="inventory_capacity",
        ),
        migrations.RemoveConstraint(
            model_name="inventory",
            name="inventory_seats_fit",
        ),
        migrations.RemoveIndex(
            model_name="booking",
            name="booking_event",
        ),
        migrations.AlterField(
            model_name="bookingentry",
            name="booking",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="events.booking",
            ),
        ),
        migrations.AlterField(
            model_name="bookingentry",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="events.event",
            ),
        ),
        migrations.AlterField(
            model_name="bookingentry",
            name="quantity",
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name="inventory",
            name="waiting",
            field=models.IntegerField(default=0, editable=False),
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(LATE_WORDS, EARLY_WORDS)],
            [
                migrations.RemoveIndex(
                    model_name="booking",
                    name="booking_guest",
                ),
                migrations.AddIndex(
                    model_name="booking",
                    index=django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("user__isnull", True)),
                        fastupdate=True,
                        fields=["guest_words"],
                        gin_pending_list_limit=64,
                        name="booking_guest",
                    ),
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="enter_new",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT events_is_entering())",
                    func="DECLARE\n    has_jumped boolean;\n    largest_waiting bigint;\n    has_hopeless boolean;\n    has_deactivated boolean;\n    with_room bigint[];\nBEGIN\n    WITH added AS (\n        SELECT\n            event_id,\n            sum(seats) AS seats,\n            count(*) FILTER (WHERE status = 'waiting') AS waiting,\n            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,\n            max(queue_number) AS last_queue_number,\n            max(quantity - cancelled) FILTER (WHERE status = 'waiting') AS largest_waiting\n        FROM booked\n        GROUP BY event_id\n    ), updated AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + added.seats,\n            waiting = inventory.waiting + added.waiting,\n            last_queue_number = greatest(inventory.last_queue_number, added.last_queue_number)\n        FROM added\n        WHERE inventory.event_id = added.event_id\n            -- A new booking gets no seats while others wait, and joins the waiting list at its end.\n            AND (added.seats = 0 OR inventory.waiting = 0)\n            AND (added.waiting = 0 OR added.first_queue_number > inventory.last_queue_number)\n        RETURNING\n            inventory.event_id,\n            added.largest_waiting > inventory.capacity AS is_hopeless,\n            added.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed AS has_room\n    )\n    SELECT\n        count(updated.event_id) < count(*),\n        array_agg(added.event_id) FILTER (WHERE updated.has_room),\n        max(added.largest_waiting),\n        bool_or(updated.is_hopeless)\n        INTO has_jumped, with_room, largest_waiting, has_hopeless\n        FROM added LEFT JOIN updated USING (event_id);\n    IF has_jumped THEN\n        RAISE EXCEPTION 'a new booking cannot jump the queue'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    IF has_hopeless THEN\n        RAISE EXCEPTION 'a waiting booking asks for more seats than there are'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';\n    END IF;\n    -- The lock makes this wait for a deactivation of the user, or the deactivation wait for this and cancel the booking.\n    IF largest_waiting IS NOT NULL THEN\n        -- An aggregate, because PostgreSQL would lock only the rows that a condition on them selects.\n        SELECT bool_or(NOT is_active) INTO has_deactivated\n        FROM (\n            SELECT is_active FROM accounts_user\n            WHERE id IN (SELECT user_id FROM booked WHERE status = 'waiting')\n            ORDER BY id\n            FOR SHARE\n        ) AS person;\n    END IF;\n    IF has_deactivated THEN\n        RAISE EXCEPTION 'a deactivated user cannot join the waiting list'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_waits_for_active_user';\n    END IF;\n    -- Checked with the inventory locked, so that the event cannot be cancelled in between.\n    IF EXISTS (\n        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id\n        WHERE event.status <> 'published' AND booked.status <> 'cancelled'\n    ) THEN\n        RAISE EXCEPTION 'this event does not take bookings'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        event_id,\n        id,\n        CASE status WHEN 'waiting' THEN 'requested' ELSE 'confirmed' END,\n        quantity - cancelled,\n        seats,\n        (status = 'waiting')::int,\n        seats * unit_price\n    FROM booked\n    WHERE status <> 'cancelled'\n    -- Confirmed bookings come first: a ledger in which they followed waiting ones would say that they jumped the queue.\n    ORDER BY status = 'waiting', queue_number, id;\n    PERFORM events_promote(event_id) FROM unnest(with_room) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="83b399646daa23bc5a9a036e5d45af18c9413052",
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
                    condition="WHEN (NOT events_is_entering())",
                    func="BEGIN\n    IF NEW.* IS DISTINCT FROM OLD.* THEN\n        NEW.version := OLD.version + 1;\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="09f50c8c98207694a5d727fd4651460464878c53",
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
                    condition="WHEN (NOT events_is_entering())",
                    func="BEGIN\n    -- At depth 2, another trigger makes it.\n    IF pg_trigger_depth() = 1\n        AND (NEW.confirmed, NEW.waiting, NEW.last_queue_number)\n            IS DISTINCT FROM (OLD.confirmed, OLD.waiting, OLD.last_queue_number) THEN\n        RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="1833e8c9a1ca148ec79c6a83e1e41e6e725ae4eb",
                    operation='UPDATE OF "confirmed", "waiting", "last_queue_number"',
                    pgid="pgtrigger_keep_counts_a5b18",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=kit.db.checks.RowConstraint(
                function="events_booking_is_valid", name="booking_valid", table="events_booking"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                models.F("event"), models.OrderBy(models.F("id"), descending=True), name="booking_event"
            ),
        ),
        migrations.AddConstraint(
            model_name="bookingentry",
            constraint=kit.db.checks.RowConstraint(
                function="events_entry_is_valid", name="booking_entry_valid", table="events_bookingentry"
            ),
        ),
        migrations.AddConstraint(
            model_name="inventory",
            constraint=kit.db.checks.RowConstraint(
                function="events_inventory_is_valid", name="inventory_seats_fit", table="events_inventory"
            ),
        ),
        migrations.RunSQL(OF_BOOKING, "ALTER TABLE events_bookingentry DROP CONSTRAINT booking_entry_of_booking"),
        migrations.RunSQL(BOOK, earlier.BOOK),
        migrations.RunSQL(BOOK_ONCE, once.BOOK_ONCE),
    ]
