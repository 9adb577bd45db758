"""Check-ins, and the revision of the codes of e-tickets."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

OF_BOOKING = """
ALTER TABLE events_checkin ADD CONSTRAINT check_in_of_booking
    FOREIGN KEY (event_id, booking_id) REFERENCES events_booking (event_id, id) DEFERRABLE INITIALLY DEFERRED
"""

TICKET_REFUSAL = r"""
-- Return the code of the first rule that makes an e-ticket invalid, or null if it is valid for the event. Whether its
-- seat is taken is not a question of validity.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_ticket_refusal(
    booking events_booking,
    entered_event bigint,
    seat int,
    revision int
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        -- Issued by another database with the same secret.
        WHEN booking.id IS NULL OR revision > booking.code_revision THEN 'ticket_not_found'
        WHEN booking.event_id <> entered_event THEN 'wrong_event'
        WHEN booking.status = 'waiting' THEN 'not_confirmed'
        WHEN revision < booking.code_revision THEN 'ticket_replaced'
        WHEN seat > booking.quantity - booking.cancelled THEN 'ticket_cancelled'
    END
$$;
"""

CHECK_IN = r"""
-- Check in a seat, or return why not. Always returns one row: for a refusal, its code (see events_ticket_refusal). The
-- columns after it are about the check-in that took the seat. If that is an earlier one, this scan is a repetition: it is
-- recorded, but lets nobody in.
--
-- A device that does not know whether its scan arrived sends it again with the same nonce, and gets the same row.
CREATE OR REPLACE FUNCTION events_check_in(
    entered_event bigint,
    entered_booking bigint,
    entered_seat int,
    revision int,
    scanned_at timestamptz,
    scanned_by bigint,
    scanned_with text,
    scan_nonce text,
    is_admin boolean,
    OUT id bigint,
    OUT refusal text,
    OUT is_repetition boolean,
    OUT quantity int,
    OUT holder text,
    OUT checked_in_at timestamptz,
    OUT checked_in_by text,
    OUT device text
) LANGUAGE plpgsql AS $$
DECLARE
    ticket events_booking;
    known events_checkin;
    first_id bigint;
BEGIN
    PERFORM FROM events_event AS event
        WHERE event.id = entered_event AND event.deleted_at IS NULL AND (is_admin OR event.status <> 'draft');
    IF NOT FOUND THEN
        refusal := 'event_not_found';
        RETURN;
    END IF;
    -- The only lock: until we commit, nobody cancels the seat, and other scans of the booking wait.
    SELECT * INTO ticket FROM events_booking AS booking WHERE booking.id = entered_booking FOR NO KEY UPDATE;
    IF scan_nonce IS NOT NULL THEN
        SELECT * INTO known FROM events_checkin AS scan
            WHERE scan.event_id = entered_event AND scan.nonce = scan_nonce;
    END IF;
    IF known.id IS NULL THEN
        refusal := events_ticket_refusal(ticket, entered_event, entered_seat, revision);
        IF refusal IS NOT NULL THEN
            RETURN;
        END IF;
        SELECT scan.id INTO first_id FROM events_checkin AS scan
            WHERE scan.event_id = entered_event AND scan.booking_id = entered_booking AND scan.seat = entered_seat
                AND scan.earlier_id IS NULL AND scan.undone_at IS NULL;
        INSERT INTO events_checkin AS scan (event_id, booking_id, seat, at, by_id, device, nonce, earlier_id)
            VALUES (
                entered_event, entered_booking, entered_seat, scanned_at, scanned_by, scanned_with, scan_nonce, first_id
            )
            ON CONFLICT (event_id, nonce) WHERE nonce IS NOT NULL DO NOTHING
            RETURNING scan.* INTO known;
    END IF;
    -- The nonce belongs to another ticket, whose scan may just have been recorded.
    IF known.id IS NULL OR (known.booking_id, known.seat) <> (entered_booking, entered_seat) THEN
        refusal := 'nonce_reused';
        RETURN;
    END IF;
    id := known.id;
    is_repetition := known.earlier_id IS NOT NULL;
    SELECT
        ticket.quantity - ticket.cancelled,
        coalesce(
            (SELECT name FROM accounts_user WHERE accounts_user.id = ticket.user_id),
            ticket.guest_first_name || ' ' || ticket.guest_last_name
        ),
        first.at,
        (SELECT name FROM accounts_user WHERE accounts_user.id = first.by_id),
        first.device
    INTO quantity, holder, checked_in_at, checked_in_by, device
    FROM events_checkin AS first
    WHERE first.id = coalesce(known.earlier_id, known.id);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0015_row_checks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seat", models.IntegerField()),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField(db_default=models.Func(function="clock_timestamp"))),
                ("device", models.CharField(blank=True, db_default="", max_length=100)),
                ("nonce", models.CharField(max_length=100, null=True)),
                ("undone_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "check-in",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="booking",
            name="move_version",
        ),
        migrations.AddField(
            model_name="booking",
            name="code_revision",
            field=models.PositiveIntegerField(db_default=1, editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="move_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."cancelled" IS DISTINCT FROM (NEW."cancelled") OR OLD."code_revision" IS DISTINCT FROM (NEW."code_revision") OR OLD."guest_email" IS DISTINCT FROM (NEW."guest_email") OR OLD."guest_first_name" IS DISTINCT FROM (NEW."guest_first_name") OR OLD."guest_last_name" IS DISTINCT FROM (NEW."guest_last_name") OR OLD."status" IS DISTINCT FROM (NEW."status"))',
                    func="BEGIN\n    NEW.field_versions := coalesce(OLD.field_versions, '{}') || (\n        SELECT jsonb_object_agg(after.key, OLD.version + 1)\n        FROM jsonb_each(to_jsonb(NEW)) AS after\n        JOIN jsonb_each(to_jsonb(OLD)) AS before USING (key)\n        WHERE after.value <> before.value\n    );\n    NEW.version := OLD.version + 1;\n    RETURN NEW;\nEND;\n",
                    hash="f849abee37ce1244d4d1180be081935f79e1cda3",
                    operation="UPDATE",
                    pgid="pgtrigger_move_version_f8152",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="void_check_ins",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.cancelled > OLD.cancelled AND OLD.status = 'confirmed')",
                    func="BEGIN\n    UPDATE events_checkin SET undone_at = clock_timestamp()\n        WHERE event_id = NEW.event_id AND booking_id = NEW.id AND seat > NEW.quantity - NEW.cancelled\n            AND earlier_id IS NULL AND undone_at IS NULL;\n    RETURN NULL;\nEND;\n",
                    hash="3929a28faa8aeaa3f6548f8b474e6f9849a14fa2",
                    operation='UPDATE OF "cancelled"',
                    pgid="pgtrigger_void_check_ins_60adc",
                    table="events_booking",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="booking",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_code_revision",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.code_revision < OLD.code_revision)",
                    func="BEGIN\n    RAISE EXCEPTION 'codes that were replaced stay invalid'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_code_revision';\nEND;\n",
                    hash="2ea87f9671a1be5666ec026cadac3ea78b60ba69",
                    operation='UPDATE OF "code_revision"',
                    pgid="pgtrigger_keep_code_revision_2fd2d",
                    table="events_booking",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="booking",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="check_ins",
                to="events.booking",
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="check_ins", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="earlier",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="repetitions",
                to="events.checkin",
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="check_ins",
                to="events.event",
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="undone_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_check_ins",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="checkin",
            index=models.Index(fields=["event", "-id"], name="check_in_event"),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("earlier__isnull", True), ("undone_at__isnull", True)),
                fields=("event", "booking", "seat"),
                name="check_in_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("nonce__isnull", False)), fields=("event", "nonce"), name="check_in_nonce"
            ),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.CheckConstraint(condition=models.Q(("seat__gte", 1)), name="check_in_seat"),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.CheckConstraint(
                condition=models.Q(("undone_by__isnull", True), ("undone_at__isnull", False), _connector="OR"),
                name="check_in_undone",
            ),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.CheckConstraint(
                condition=models.Q(("earlier__isnull", True), ("undone_at__isnull", True), _connector="OR"),
                name="check_in_repetition_stays",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checkin",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_check_ins",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="bd9558183602daf5e5d04b759f50d75ca897af40",
                    operation="DELETE",
                    pgid="pgtrigger_keep_check_ins_462cc",
                    table="events_checkin",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checkin",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all_check_ins",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="6d9be11e4e45df4165445400be43c9372385d14d",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_check_ins_71263",
                    table="events_checkin",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checkin",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_scan",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."booking_id" IS DISTINCT FROM (NEW."booking_id") OR OLD."seat" IS DISTINCT FROM (NEW."seat") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."received_at" IS DISTINCT FROM (NEW."received_at") OR OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."device" IS DISTINCT FROM (NEW."device") OR OLD."nonce" IS DISTINCT FROM (NEW."nonce") OR OLD."earlier_id" IS DISTINCT FROM (NEW."earlier_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e2dcd5554e1e701c8bad7fae73e83deef77e2011",
                    operation="UPDATE",
                    pgid="pgtrigger_keep_scan_64518",
                    table="events_checkin",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checkin",
            trigger=pgtrigger.compiler.Trigger(
                name="stay_undone",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."undone_at" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1167011fc9e245003386b228f6f90ca8240a89a3",
                    operation="UPDATE",
                    pgid="pgtrigger_stay_undone_25622",
                    table="events_checkin",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checkin",
            trigger=pgtrigger.compiler.Trigger(
                name="admit_valid",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.earlier_id IS NULL AND NEW.undone_at IS NULL)",
                    func="BEGIN\n    PERFORM FROM events_booking\n        WHERE id = NEW.booking_id AND status = 'confirmed' AND NEW.seat <= quantity - cancelled\n        FOR NO KEY UPDATE;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'only seats of a confirmed booking can be checked in'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'check_in_valid';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="794be7287cdb4fa2da465ea40aecaadfa89668e4",
                    operation="INSERT",
                    pgid="pgtrigger_admit_valid_06678",
                    table="events_checkin",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(OF_BOOKING, "ALTER TABLE events_checkin DROP CONSTRAINT check_in_of_booking"),
        migrations.RunSQL(
            TICKET_REFUSAL, "DROP FUNCTION events_ticket_refusal(events_booking, bigint, integer, integer)"
        ),
        migrations.RunSQL(CHECK_IN, "DROP FUNCTION events_check_in"),
    ]
