"""The functions and triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

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
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric,
    OUT refusal text,
    OUT for_sale int,
    OUT max_per_booking int,
    OUT available int,
    OUT waiting int
) LANGUAGE plpgsql AS $$
DECLARE
    terms record;
    rule text;
BEGIN
    -- Decide again if the rule that refused the booking no longer does by the time we read why.
    FOR attempt IN 1..3 LOOP
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
            FOR NO KEY UPDATE OF inventory;
            IF FOUND THEN
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
            events_booking_refusal(event, inventory, held.status, wanted, joins, is_admin, made_at),
            inventory.capacity - inventory.withheld,
            event.max_per_booking,
            inventory.capacity - inventory.withheld - inventory.confirmed,
            inventory.waiting
        INTO refusal, for_sale, max_per_booking, available, waiting
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
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric,
    OUT refusal text,
    OUT for_sale int,
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
    INTO id, status, queue_number, ahead, unit_price, refusal, for_sale, max_per_booking, available, waiting
    FROM events_book(
        wanted_event, wanted, joins, holder, first_name, last_name, email, made_by, made_at, is_admin
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

BOOKING_FITS = r"""
-- Return whether this many seats can be confirmed at once: enough are left, and nobody is waiting for them.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_booking_fits(inventory events_inventory, wanted int)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT inventory.waiting = 0 AND wanted <= inventory.capacity - inventory.withheld - inventory.confirmed
$$;
"""

BOOKING_REFUSAL = r"""
-- Return the code of the first rule that refuses a booking, or null if none does. These are all the rules of booking,
-- in the order in which they are checked.
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
        WHEN event.bookings_close_at <= made_at THEN 'bookings_closed'
        WHEN wanted > inventory.capacity - inventory.withheld THEN 'more_than_for_sale'
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

IN_QUEUE = r"""
-- Return the waiting bookings of an event, in no particular order. events_queue returns them in order.
-- A single stable SELECT, so that PostgreSQL inlines it and reads the index booking_queue.
CREATE OR REPLACE FUNCTION events_in_queue(queued_event bigint) RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_booking WHERE event_id = queued_event AND status = 'waiting'
$$;
"""

PROMOTE = r"""
-- Confirm as many bookings from the head of an event's waiting list as fit. Called by triggers.
-- A booking that does not fit stops the promotion: nobody is skipped for wanting many seats.
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
        WHERE inventory.event_id = promoted_event AND inventory.waiting > 0 AND event.status = 'published'
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

QUEUE = r"""
-- Return the waiting bookings of an event in the order in which they will be promoted. The order of the waiting list is
-- decided here, in events_queue_ahead and in events_queue_behind, and nowhere else.
-- Inlined, like events_in_queue. The order comes from the index booking_queue, so a LIMIT stops early.
CREATE OR REPLACE FUNCTION events_queue(queued_event bigint) RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) ORDER BY queue_number
$$;
"""

QUEUE_AHEAD = r"""
-- Return the waiting bookings of an event that are ahead of a queue number. Inlined, like events_in_queue.
CREATE OR REPLACE FUNCTION events_queue_ahead(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) WHERE queue_number < number
$$;
"""

QUEUE_BEHIND = r"""
-- Return the waiting bookings of an event that are behind a queue number. Inlined, like events_in_queue.
CREATE OR REPLACE FUNCTION events_queue_behind(queued_event bigint, number bigint)
RETURNS SETOF events_booking LANGUAGE sql STABLE AS $$
    SELECT * FROM events_in_queue(queued_event) WHERE queue_number > number
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("idempotency", "0002_sql")]

    operations = [
        migrations.RunSQL(BOOK, "DROP FUNCTION events_book"),
        migrations.RunSQL(BOOK_ONCE, "DROP FUNCTION events_book_once"),
        migrations.RunSQL(BOOKING_FITS, "DROP FUNCTION events_booking_fits"),
        migrations.RunSQL(BOOKING_REFUSAL, "DROP FUNCTION events_booking_refusal"),
        migrations.RunSQL(IN_QUEUE, "DROP FUNCTION events_in_queue"),
        migrations.RunSQL(PROMOTE, "DROP FUNCTION events_promote"),
        migrations.RunSQL(QUEUE, "DROP FUNCTION events_queue"),
        migrations.RunSQL(QUEUE_AHEAD, "DROP FUNCTION events_queue_ahead"),
        migrations.RunSQL(QUEUE_BEHIND, "DROP FUNCTION events_queue_behind"),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."event_id" IS DISTINCT FROM (NEW."event_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="27a9a51883adabe6e75f470de427ef0231c079c4",
                    operation="UPDATE",
                    pgid="pgtrigger_keep_event_e6d94",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_inventory",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF EXISTS (SELECT FROM events_booking WHERE event_id = OLD.event_id) THEN\n        RAISE EXCEPTION 'the inventory of an event with bookings cannot be deleted'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_of_booked_event';\n    END IF;\n    RETURN OLD;\nEND;\n",
                    hash="b10ce9594a026fac4f9ec4a1dfd6180ee0216c97",
                    operation="DELETE",
                    pgid="pgtrigger_keep_inventory_dea72",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all_inventories",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="4f52af8b00f2512a0fa78874fdf33af101ef26c0",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_inventories_52aed",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="begin_empty",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.confirmed <> 0 OR NEW.waiting <> 0 OR NEW.last_queue_number <> 0)",
                    func="BEGIN\n    RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\nEND;\n",
                    hash="d6cda6070d6ad8798946f7fcd6c6a098d4c566df",
                    operation="INSERT",
                    pgid="pgtrigger_begin_empty_2c934",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="move_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."capacity" IS DISTINCT FROM (NEW."capacity") OR OLD."confirmed" IS DISTINCT FROM (NEW."confirmed") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."last_queue_number" IS DISTINCT FROM (NEW."last_queue_number") OR OLD."waiting" IS DISTINCT FROM (NEW."waiting") OR OLD."withheld" IS DISTINCT FROM (NEW."withheld"))',
                    func="BEGIN\n    NEW.version := OLD.version + 1;\n    RETURN NEW;\nEND;\n",
                    hash="9cb0dd768c79f2ad99124d4f9316e3b1772d2c07",
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
                    condition="WHEN (pg_trigger_depth() = 0 AND (NEW.confirmed, NEW.waiting, NEW.last_queue_number) IS DISTINCT FROM (OLD.confirmed, OLD.waiting, OLD.last_queue_number))",
                    func="BEGIN\n    RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\nEND;\n",
                    hash="076cabef9c6907058e1f078f3bf61079fdc9f140",
                    operation='UPDATE OF "confirmed", "waiting", "last_queue_number"',
                    pgid="pgtrigger_keep_counts_a5b18",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_enough_for_waiting",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.waiting > 0 AND NEW.capacity - NEW.withheld < OLD.capacity - OLD.withheld)",
                    func="BEGIN\n    IF EXISTS (\n        SELECT FROM events_in_queue(NEW.event_id) WHERE quantity - cancelled > NEW.capacity - NEW.withheld\n    ) THEN\n        RAISE EXCEPTION 'a waiting booking asks for more seats than would be for sale'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="bbd6a22ba81d124a155c643308844114aa6b176e",
                    operation='UPDATE OF "capacity", "withheld"',
                    pgid="pgtrigger_keep_enough_for_waiting_8d4c9",
                    table="events_inventory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="inventory",
            trigger=pgtrigger.compiler.Trigger(
                name="promote",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.capacity - NEW.withheld > OLD.capacity - OLD.withheld)",
                    func="BEGIN\n    PERFORM events_promote(NEW.event_id);\n    RETURN NULL;\nEND;\n",
                    hash="d892d7f8e3001e6b0817211aefda4099c64989a2",
                    operation='UPDATE OF "capacity", "withheld"',
                    pgid="pgtrigger_promote_9d82c",
                    table="events_inventory",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="stay_cancelled",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"status\" = 'cancelled' AND NOT (NEW.\"status\" = 'cancelled'))",
                    func="BEGIN\n    RAISE EXCEPTION 'a cancelled event cannot be reopened'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'event_stays_cancelled';\nEND;\n",
                    hash="9c34ef90015b4006b9e9d21161e1ea848ae99f8e",
                    operation="UPDATE",
                    pgid="pgtrigger_stay_cancelled_26997",
                    table="events_event",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_published",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.\"status\" = 'draft' AND OLD.\"status\" = 'published')",
                    func="BEGIN\n    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;\n    IF EXISTS (SELECT FROM events_booking WHERE event_id = NEW.id AND status <> 'cancelled') THEN\n        RAISE EXCEPTION 'an event with bookings cannot become a draft'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_draft_has_no_bookings';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="703c89d67c0a51859ea2165e308a56e5e8f20568",
                    operation="UPDATE",
                    pgid="pgtrigger_keep_published_c4e4a",
                    table="events_event",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="cancel_bookings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.\"status\" = 'cancelled') AND NEW.\"status\" = 'cancelled')",
                    func="BEGIN\n    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;\n    UPDATE events_booking SET status = 'cancelled', cancelled = quantity\n        WHERE event_id = NEW.id AND status <> 'cancelled';\n    RETURN NULL;\nEND;\n",
                    hash="9f262bf9a13798fa35a0fd0d88bf94007078e624",
                    operation="UPDATE",
                    pgid="pgtrigger_cancel_bookings_0de52",
                    table="events_event",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="bookingentry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="30f86d446825e175a99761c8fea1d865db05aef7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_75e7e",
                    table="events_bookingentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="bookingentry",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all_entries",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="6c3122979e07f3a88821b97e666f509f87978a62",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_entries_fa761",
                    table="events_bookingentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_bookings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="d197712e0d6a78cbdee6719038a4d414bc013928",
                    operation="DELETE",
                    pgid="pgtrigger_keep_bookings_f9657",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all_bookings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="e3317b082c6dca24fe83022f56dc93fabcb4ad0a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_bookings_9da39",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_terms",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id") OR OLD."quantity" IS DISTINCT FROM (NEW."quantity") OR OLD."queue_number" IS DISTINCT FROM (NEW."queue_number") OR OLD."unit_price" IS DISTINCT FROM (NEW."unit_price") OR OLD."origin" IS DISTINCT FROM (NEW."origin") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="b6e4bc72005b3372c6713a512f9c437293fd914e",
                    operation="UPDATE",
                    pgid="pgtrigger_keep_terms_56782",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_direction",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.cancelled < OLD.cancelled OR (OLD.status = 'cancelled' AND NEW.status <> 'cancelled') OR (OLD.status = 'confirmed' AND NEW.status = 'waiting'))",
                    func="BEGIN\n    RAISE EXCEPTION 'a booking cannot return to an earlier status'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_direction';\nEND;\n",
                    hash="1402f7fa99976ce7f7905ab2bfb39816de1cc007",
                    operation='UPDATE OF "status", "cancelled"',
                    pgid="pgtrigger_keep_direction_93304",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="enter_new",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DECLARE\n    has_jumped boolean;\n    with_room bigint[];\nBEGIN\n    WITH added AS (\n        SELECT\n            event_id,\n            sum(seats) AS seats,\n            count(*) FILTER (WHERE status = 'waiting') AS waiting,\n            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,\n            max(queue_number) AS last_queue_number\n        FROM booked\n        GROUP BY event_id\n    ), updated AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + added.seats,\n            waiting = inventory.waiting + added.waiting,\n            last_queue_number = greatest(inventory.last_queue_number, added.last_queue_number)\n        FROM added\n        WHERE inventory.event_id = added.event_id\n            -- A new booking gets no seats while others wait, and joins the waiting list at its end.\n            AND (added.seats = 0 OR inventory.waiting = 0)\n            AND (added.waiting = 0 OR added.first_queue_number > inventory.last_queue_number)\n        RETURNING\n            inventory.event_id,\n            added.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed AS has_room\n    )\n    SELECT\n        count(updated.event_id) < count(*),\n        array_agg(added.event_id) FILTER (WHERE updated.has_room)\n        INTO has_jumped, with_room\n        FROM added LEFT JOIN updated USING (event_id);\n    IF has_jumped THEN\n        RAISE EXCEPTION 'a new booking cannot jump the queue'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    -- Checked with the inventory locked, so that the event cannot be cancelled in between.\n    IF EXISTS (\n        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id\n        WHERE event.status <> 'published' AND booked.status <> 'cancelled'\n    ) THEN\n        RAISE EXCEPTION 'this event does not take bookings'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        event_id,\n        id,\n        CASE status WHEN 'waiting' THEN 'requested' ELSE 'confirmed' END,\n        quantity - cancelled,\n        seats,\n        (status = 'waiting')::int,\n        seats * unit_price\n    FROM booked\n    WHERE status <> 'cancelled'\n    -- Confirmed bookings come first: a ledger in which they followed waiting ones would say that they jumped the queue.\n    ORDER BY status = 'waiting', queue_number, id;\n    PERFORM events_promote(event_id) FROM unnest(with_room) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="0ca55d0d6081ca54b08536814e201fefccea2218",
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
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="enter_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DECLARE\n    freed bigint[];\n    promoted bigint[];\n    last_numbers bigint[];\nBEGIN\n    WITH changes AS (\n        SELECT\n            after.event_id,\n            sum(after.seats - before.seats) AS seats,\n            count(*) FILTER (WHERE after.status = 'waiting')\n                - count(*) FILTER (WHERE before.status = 'waiting') AS waiting,\n            bool_or(after.cancelled > before.cancelled) AS has_freed,\n            max(after.queue_number) FILTER (\n                WHERE before.status = 'waiting' AND after.status = 'confirmed'\n            ) AS last_promoted\n        FROM after JOIN before USING (id)\n        GROUP BY after.event_id\n    ), updated AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + changes.seats, waiting = inventory.waiting + changes.waiting\n        FROM changes\n        WHERE inventory.event_id = changes.event_id AND (changes.seats <> 0 OR changes.waiting <> 0)\n    )\n    SELECT\n        array_agg(event_id) FILTER (WHERE has_freed),\n        array_agg(event_id) FILTER (WHERE last_promoted IS NOT NULL),\n        array_agg(last_promoted) FILTER (WHERE last_promoted IS NOT NULL)\n        INTO freed, promoted, last_numbers\n        FROM changes;\n    IF promoted IS NOT NULL AND EXISTS (\n        SELECT FROM unnest(promoted, last_numbers) AS last_promoted (event_id, queue_number)\n        WHERE (SELECT head.queue_number FROM events_queue(last_promoted.event_id) AS head LIMIT 1)\n            < last_promoted.queue_number\n    ) THEN\n        RAISE EXCEPTION 'a waiting booking cannot be promoted before those ahead of it'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        after.event_id,\n        after.id,\n        CASE WHEN after.status = before.status OR after.status = 'cancelled' THEN 'cancelled'\n            ELSE 'promoted' END,\n        CASE WHEN after.status = before.status OR after.status = 'cancelled'\n            THEN after.cancelled - before.cancelled ELSE after.seats END,\n        after.seats - before.seats,\n        (after.status = 'waiting')::int - (before.status = 'waiting')::int,\n        (after.seats - before.seats) * after.unit_price\n    FROM after JOIN before USING (id)\n    WHERE (after.status, after.cancelled) IS DISTINCT FROM (before.status, before.cancelled)\n    ORDER BY after.queue_number, after.id;\n    PERFORM events_promote(event_id) FROM unnest(freed) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="7f97c085edf0939d13c9f40878ed3cdbc942c394",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_enter_changes_b6466",
                    referencing="REFERENCING OLD TABLE AS before  NEW TABLE AS after ",
                    table="events_booking",
                    when="AFTER",
                ),
            ),
        ),
    ]
