"""The functions and triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

BOOK = r"""
-- A booking, in one statement whose plan PostgreSQL keeps: how long the inventory is held limits a hot event.
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
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric
) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    place record;
    rule text;
BEGIN
    -- What the unlocked reading shows to be hopeless is not waited for. Where the row was changed while this waited for
    -- its lock, PostgreSQL asks every condition on it once more, of what it has become.
    SELECT
        event.price,
        inventory.waiting,
        inventory.last_queue_number,
        inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= wanted AS fits
    INTO place
    FROM events_event AS event
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE event.id = wanted_event
        AND event.status = 'published'
        AND (event.bookings_close_at IS NULL OR event.bookings_close_at > made_at)
        AND wanted <= coalesce(event.max_per_booking, wanted)
        AND wanted <= inventory.capacity - inventory.withheld
        AND (
            joins = 'always'
            OR inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= wanted
            OR joins = 'when-sold-out'
                AND (inventory.waiting > 0 OR inventory.capacity - inventory.withheld = inventory.confirmed)
        )
        AND NOT EXISTS (
            SELECT FROM events_booking AS other
            WHERE other.event_id = wanted_event AND other.user_id = holder AND NOT other.status = 'cancelled'
        )
    FOR NO KEY UPDATE OF inventory;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The triggers move the inventory, write the ledger and the mails.
    INSERT INTO events_booking AS booking (
        event_id, user_id, guest_first_name, guest_last_name, guest_email,
        quantity, status, queue_number, unit_price, origin, created_at
    )
    VALUES (
        wanted_event, holder, first_name, last_name, email,
        wanted, CASE WHEN place.fits THEN 'confirmed' ELSE 'waiting' END,
        CASE WHEN NOT place.fits THEN place.last_queue_number + 1 END, place.price, made_by, made_at
    )
    RETURNING
        booking.id,
        booking.status::text,
        booking.queue_number,
        CASE WHEN NOT place.fits THEN place.waiting END,
        booking.unit_price
    INTO id, status, queue_number, ahead, unit_price;
    RETURN NEXT;
EXCEPTION WHEN unique_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
    -- Overtaken while it waited for the lock: a second booking of the user, an event that is published no more.
    IF rule NOT IN ('booking_once', 'booking_of_published_event') THEN
        RAISE;
    END IF;
END $$;
"""

BOOK_ONCE = r"""
-- A booking under an idempotency key: the key, the booking and what is told of it again, in one round trip.
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
    made_at timestamptz
) RETURNS TABLE (
    id bigint,
    status text,
    queue_number bigint,
    ahead int,
    unit_price numeric,
    created_at timestamptz,
    is_repeated boolean,
    first_body_digest bytea
) LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
    booked record;
BEGIN
    SELECT * INTO kept FROM idempotency_claim_key(place, digest, expired_at);
    IF FOUND THEN
        RETURN QUERY
        SELECT told.*, true, kept.body_digest
        FROM jsonb_to_record(kept.body::jsonb) AS told (
            id bigint, status text, queue_number bigint, ahead int, unit_price numeric, created_at timestamptz
        );
        RETURN;
    END IF;
    SELECT answer.*, made_at AS created_at
    INTO booked
    FROM events_book(
        wanted_event, wanted, joins, holder, first_name, last_name, email, made_by, made_at
    ) AS answer;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM idempotency_keep_answer(digest, body_digest, 201, to_jsonb(booked)::text, '{}', made_at);
    RETURN QUERY
    SELECT
        booked.id, booked.status, booked.queue_number, booked.ahead, booked.unit_price, booked.created_at,
        false, body_digest;
END $$;
"""

PROMOTE = r"""
-- Who is next: the longest part of an event's queue, from its head, for which there is room. Called by the triggers.
-- Nobody is passed over for wanting many seats. Holds the event's inventory, as most callers do already.
CREATE OR REPLACE FUNCTION events_promote(promoted_event bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint;
    head record;
    next_ones bigint[];
BEGIN
    SELECT inventory.capacity - inventory.withheld - inventory.confirmed INTO room
        FROM events_inventory AS inventory
        JOIN events_event AS event ON event.id = inventory.event_id
        WHERE inventory.event_id = promoted_event AND inventory.waiting > 0 AND event.status = 'published'
        FOR NO KEY UPDATE OF inventory;
    IF room IS NULL OR room = 0 THEN
        RETURN;
    END IF;
    FOR head IN
        SELECT id, quantity - cancelled AS wished FROM events_booking
        WHERE event_id = promoted_event AND status = 'waiting'
        ORDER BY queue_number
    LOOP
        EXIT WHEN head.wished > room;
        room := room - head.wished;
        next_ones := next_ones || head.id;
    END LOOP;
    IF next_ones IS NOT NULL THEN
        -- Whoever was cancelled meanwhile, past the inventory's lock, stays cancelled.
        UPDATE events_booking SET status = 'confirmed' WHERE id = ANY(next_ones) AND status = 'waiting';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("idempotency", "0002_sql")]

    operations = [
        migrations.RunSQL(BOOK, "DROP FUNCTION events_book"),
        migrations.RunSQL(BOOK_ONCE, "DROP FUNCTION events_book_once"),
        migrations.RunSQL(PROMOTE, "DROP FUNCTION events_promote"),
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
                    func="BEGIN\n    IF EXISTS (SELECT FROM events_booking WHERE event_id = OLD.event_id) THEN\n        RAISE EXCEPTION 'an event that was booked keeps its inventory'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_of_booked_event';\n    END IF;\n    RETURN OLD;\nEND;\n",
                    hash="dde43dbe49da5af90e14d03807a3137e5af013e9",
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
                    func="BEGIN\n    RAISE EXCEPTION 'what is sold and who waits follows from the bookings'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\nEND;\n",
                    hash="2c6f3bb5dc8c9b597ab2d398699086dcc23ccd28",
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
                    func="BEGIN\n    RAISE EXCEPTION 'what is sold and who waits follows from the bookings'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';\nEND;\n",
                    hash="89cada57daf5b00410944e033c8da65800846351",
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
                name="keep_wishes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.waiting > 0 AND NEW.capacity - NEW.withheld < OLD.capacity - OLD.withheld)",
                    func="BEGIN\n    IF EXISTS (\n        SELECT FROM events_booking\n        WHERE event_id = NEW.event_id AND status = 'waiting'\n            AND quantity - cancelled > NEW.capacity - NEW.withheld\n    ) THEN\n        RAISE EXCEPTION 'somebody waits for more seats than that'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_wishes_fit';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="ac6319eb93ee5f6b5c76faaf3d8957d611ef4575",
                    operation='UPDATE OF "capacity", "withheld"',
                    pgid="pgtrigger_keep_wishes_08422",
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
                    func="BEGIN\n    RAISE EXCEPTION 'a cancelled event stays so'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'event_stays_cancelled';\nEND;\n",
                    hash="d29ec00dae0b7697ed083c14da88f8d12fd408d4",
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
                    func="BEGIN\n    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;\n    IF EXISTS (SELECT FROM events_booking WHERE event_id = NEW.id AND status <> 'cancelled') THEN\n        RAISE EXCEPTION 'an event with bookings is no draft'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_draft_has_no_bookings';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="eb3a6dd97dae6fa747877e585ef31e705470b72e",
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
                    func="BEGIN\n    RAISE EXCEPTION 'a booking does not go back'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_direction';\nEND;\n",
                    hash="925d78e8267f3e008b30585089a80ef8d5036553",
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
                    func="DECLARE\n    has_passed boolean;\n    roomy bigint[];\nBEGIN\n    WITH made AS (\n        SELECT\n            event_id,\n            sum(seats) AS seats,\n            count(*) FILTER (WHERE status = 'waiting') AS waiting,\n            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,\n            max(queue_number) AS last_queue_number\n        FROM booked\n        GROUP BY event_id\n    ), moved AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + made.seats,\n            waiting = inventory.waiting + made.waiting,\n            last_queue_number = greatest(inventory.last_queue_number, made.last_queue_number)\n        FROM made\n        WHERE inventory.event_id = made.event_id\n            -- Who waits already is not passed, neither for seats nor in the queue.\n            AND (made.seats = 0 OR inventory.waiting = 0)\n            AND (made.waiting = 0 OR made.first_queue_number > inventory.last_queue_number)\n        RETURNING\n            inventory.event_id,\n            made.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed\n                AS has_room\n    )\n    SELECT\n        count(moved.event_id) < count(*),\n        array_agg(made.event_id) FILTER (WHERE moved.has_room)\n        INTO has_passed, roomy\n        FROM made LEFT JOIN moved USING (event_id);\n    IF has_passed THEN\n        RAISE EXCEPTION 'a newcomer passes nobody who waits'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    -- Looked at with the inventory held, so that no cancellation of the event comes in between.\n    IF EXISTS (\n        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id\n        WHERE event.status <> 'published' AND booked.status <> 'cancelled'\n    ) THEN\n        RAISE EXCEPTION 'this event takes no bookings'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        event_id,\n        id,\n        CASE status WHEN 'waiting' THEN 'requested' ELSE 'confirmed' END,\n        quantity - cancelled,\n        seats,\n        (status = 'waiting')::int,\n        seats * unit_price\n    FROM booked\n    WHERE status <> 'cancelled'\n    -- Of many at once nobody is passed either: those who wait came last.\n    ORDER BY status = 'waiting', queue_number, id;\n    PERFORM events_promote(event_id) FROM unnest(roomy) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="98f87efa53c6df5f2348642ad077f7134a4256d4",
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
                    func="DECLARE\n    freed bigint[];\n    promoted bigint[];\n    last_numbers bigint[];\nBEGIN\n    WITH moves AS (\n        SELECT\n            after.event_id,\n            sum(after.seats - before.seats) AS seats,\n            count(*) FILTER (WHERE after.status = 'waiting')\n                - count(*) FILTER (WHERE before.status = 'waiting') AS waiting,\n            bool_or(after.cancelled > before.cancelled) AS has_freed,\n            max(after.queue_number) FILTER (\n                WHERE before.status = 'waiting' AND after.status = 'confirmed'\n            ) AS last_promoted\n        FROM after JOIN before USING (id)\n        GROUP BY after.event_id\n    ), moved AS (\n        UPDATE events_inventory AS inventory\n        SET confirmed = inventory.confirmed + moves.seats, waiting = inventory.waiting + moves.waiting\n        FROM moves\n        WHERE inventory.event_id = moves.event_id AND (moves.seats <> 0 OR moves.waiting <> 0)\n    )\n    SELECT\n        array_agg(event_id) FILTER (WHERE has_freed),\n        array_agg(event_id) FILTER (WHERE last_promoted IS NOT NULL),\n        array_agg(last_promoted) FILTER (WHERE last_promoted IS NOT NULL)\n        INTO freed, promoted, last_numbers\n        FROM moves;\n    IF promoted IS NOT NULL AND EXISTS (\n        SELECT FROM unnest(promoted, last_numbers) AS last_one (event_id, queue_number)\n        JOIN events_booking AS passed\n            ON passed.event_id = last_one.event_id\n            AND passed.status = 'waiting'\n            AND passed.queue_number < last_one.queue_number\n    ) THEN\n        RAISE EXCEPTION 'nobody who waits is passed'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';\n    END IF;\n    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)\n    SELECT\n        after.event_id,\n        after.id,\n        CASE WHEN after.status = before.status OR after.status = 'cancelled' THEN 'cancelled'\n            ELSE 'promoted' END,\n        CASE WHEN after.status = before.status OR after.status = 'cancelled'\n            THEN after.cancelled - before.cancelled ELSE after.seats END,\n        after.seats - before.seats,\n        (after.status = 'waiting')::int - (before.status = 'waiting')::int,\n        (after.seats - before.seats) * after.unit_price\n    FROM after JOIN before USING (id)\n    WHERE (after.status, after.cancelled) IS DISTINCT FROM (before.status, before.cancelled)\n    ORDER BY after.queue_number, after.id;\n    PERFORM events_promote(event_id) FROM unnest(freed) AS event_id;\n    RETURN NULL;\nEND;\n",
                    hash="6b4c26f267a39403495c5d531653f7f94812eedd",
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
