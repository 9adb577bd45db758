"""Tell triggers by a function that events_book is at work, and let one check in its body whether mail is muted."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0012_due"),
        ("events", "0015_row_checks"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="announcedentry",
            name="announce_bookings",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="announcedentry",
            name="queue_confirmed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedentry",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_bookings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT events_is_entering())",
                    func="BEGIN\n    IF current_setting('ticketing.quiet', true) = 'on' THEN\n        RETURN NULL;\n    END IF;\n    INSERT INTO notifications_delivery (kind, about, user_id, address, name, booking_id, payload)\n    SELECT\n        CASE\n            WHEN entry.kind = 'requested' THEN 'booking-waiting'\n            WHEN entry.kind = 'by-hand' THEN 'booking-promoted'\n            WHEN entry.kind = 'cancelled' AND event.status = 'cancelled' THEN 'event-cancelled'\n            ELSE 'booking-' || entry.kind\n        END,\n        'booking/' || booking.id || '/entry/' || entry.id,\n        person.id,\n        coalesce(person.email, booking.guest_email),\n        coalesce(person.name, trim(booking.guest_first_name || ' ' || booking.guest_last_name)),\n        booking.id,\n        jsonb_build_object(\n            'quantity', entry.quantity,\n            'left', booking.quantity - booking.cancelled,\n            -- New bookings are at the end of the queue, so counting from there is fast.\n            'place', CASE WHEN entry.kind = 'requested' THEN inventory.waiting - (\n                SELECT count(*) FROM events_queue_behind(booking.event_id, booking.queue_number)\n            ) END\n        )\n    FROM entries AS entry\n    JOIN events_booking AS booking ON booking.id = entry.booking_id\n    JOIN events_event AS event ON event.id = booking.event_id\n    JOIN events_inventory AS inventory ON inventory.event_id = booking.event_id\n    LEFT JOIN accounts_user AS person ON person.id = booking.user_id\n    WHERE entry.kind <> 'confirmed' AND (person.id IS NULL OR person.is_active)\n    ORDER BY entry.id;\n    RETURN NULL;\nEND;\n",
                    hash="55cc84e1fdf31cafd9b85a1d5c88352572ec777f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_announce_bookings_c7fbf",
                    referencing="REFERENCING NEW TABLE AS entries ",
                    table="events_bookingentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedentry",
            trigger=pgtrigger.compiler.Trigger(
                name="queue_confirmed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NEW.kind = 'confirmed' AND current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on' THEN\n        INSERT INTO notifications_unannounced (entry_id) VALUES (NEW.id);\n    END IF;\n    RETURN NULL;\nEND;\n",
                    hash="f4149aabddbcc1e9677257708451d8c50299e7f3",
                    operation="INSERT",
                    pgid="pgtrigger_queue_confirmed_40b27",
                    table="events_bookingentry",
                    when="AFTER",
                ),
            ),
        ),
    ]
