"""The functions and triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

ANNOUNCE = r"""
-- Notify the assignees of what a transaction changed about a ticket. Called at the end of the transaction for each of
-- its history events: the first call announces all of them, and the others do nothing. By then the transaction holds
-- the ticket's lock, so it reads the version that it has written.
CREATE OR REPLACE FUNCTION notifications_announce(
    changed_id bigint, first_event bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ticket tickets_ticket;
    assignee_ids bigint[];
    assignee_names text[];
BEGIN
    SELECT * INTO ticket FROM tickets_ticket WHERE id = changed_id;
    -- Creating a ticket, with its first assignees, is not announced.
    IF ticket.version = 1 THEN
        RETURN;
    END IF;
    SELECT array_agg(person.id ORDER BY assignment.id), array_agg(person.name ORDER BY assignment.id)
        INTO assignee_ids, assignee_names
        FROM tickets_assignment AS assignment
        JOIN accounts_user AS person ON person.id = assignment.user_id
        WHERE assignment.ticket_id = changed_id;
    IF assignee_ids IS NULL THEN
        RETURN;
    END IF;
    PERFORM notifications_notify(
        'ticket-updated',
        'ticket/' || ticket.id || '/version/' || ticket.version,
        assignee_ids,
        ticket.id,
        jsonb_build_object(
            'title', ticket.title,
            'status', ticket.status,
            'assignees', assignee_names,
            'first_event', first_event,
            'last_event', greatest(
                (SELECT max(pgh_id) FROM tickets_ticketevent WHERE pgh_obj_id = changed_id),
                (SELECT max(pgh_id) FROM tickets_assignmentevent WHERE ticket_id = changed_id)
            )
        )
    );
END $$;
"""

DEFER = r"""
-- Queue a job for each of these deliveries, unless one is already waiting. Returns the number of jobs queued.
-- Procrastinate's own triggers wake a worker.
CREATE OR REPLACE FUNCTION notifications_defer(delivery_ids bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    deferred int;
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    SELECT
        'mail',
        'notifications.tasks.deliver',
        -- Users wait at the screen for these.
        CASE WHEN kind IN ('set-password', 'reset-password') THEN 1 ELSE -1 END,
        'delivery/' || id,
        jsonb_build_object('delivery_id', id)
    FROM notifications_delivery
    WHERE id = ANY(delivery_ids)
    ORDER BY id
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
    GET DIAGNOSTICS deferred = ROW_COUNT;
    RETURN deferred;
END $$;
"""

NOTIFY = r"""
-- Create a delivery for each of these users who is active and has not been notified of `about` yet, and queue their
-- jobs. Returns the number of jobs.
CREATE OR REPLACE FUNCTION notifications_notify(
    kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb
) RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    delivery_ids bigint[];
BEGIN
    WITH created AS (
        INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload)
        SELECT kind, about, person.id, person.email, person.name, ticket_id, payload
        FROM accounts_user AS person
        WHERE person.id = ANY(user_ids) AND person.is_active
        ORDER BY person.id
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
        RETURNING notifications_delivery.id
    )
    SELECT array_agg(created.id) INTO delivery_ids FROM created;
    RETURN CASE WHEN delivery_ids IS NULL THEN 0 ELSE notifications_defer(delivery_ids) END;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("procrastinate", "0041_post_retry_failed_job"),
        ("tickets", "0002_sql"),
        ("events", "0002_sql"),
    ]

    operations = [
        migrations.RunSQL(ANNOUNCE, "DROP FUNCTION notifications_announce"),
        migrations.RunSQL(DEFER, "DROP FUNCTION notifications_defer"),
        migrations.RunSQL(NOTIFY, "DROP FUNCTION notifications_notify"),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedassignment",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_assignment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')",
                    constraint="CONSTRAINT",
                    func="BEGIN\n    PERFORM notifications_announce(NEW.ticket_id, NEW.pgh_id);\n    RETURN NULL;\nEND;\n",
                    hash="e46414aa4190c2b0c2a1ccfedcc7bcd587c18b33",
                    operation="INSERT",
                    pgid="pgtrigger_announce_assignment_7906e",
                    table="tickets_assignmentevent",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedchange",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.pgh_label = 'update' AND current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')",
                    constraint="CONSTRAINT",
                    func="BEGIN\n    PERFORM notifications_announce(NEW.pgh_obj_id, NEW.pgh_id);\n    RETURN NULL;\nEND;\n",
                    hash="c16d937d39fafe6033c93eb317fa58bb3b2c30b8",
                    operation="INSERT",
                    pgid="pgtrigger_announce_change_d5572",
                    table="tickets_ticketevent",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedcomment",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_comment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')",
                    constraint="CONSTRAINT",
                    func="DECLARE\n    ticket tickets_ticket;\nBEGIN\n    SELECT * INTO ticket FROM tickets_ticket WHERE id = NEW.ticket_id;\n    PERFORM notifications_notify(\n        'comment-added',\n        'comment/' || NEW.id,\n        ARRAY(\n            SELECT person.id\n            FROM accounts_user AS person\n            WHERE person.id = ANY(ARRAY(\n                    SELECT user_id FROM tickets_assignment WHERE ticket_id = ticket.id UNION SELECT ticket.created_by_id\n                ))\n                AND person.id <> NEW.author_id\n                AND comment_is_readable(NEW.is_internal, person.type)\n        ),\n        ticket.id,\n        jsonb_build_object('comment', NEW.id, 'title', ticket.title, 'status', ticket.status)\n    );\n    RETURN NULL;\nEND;\n",
                    hash="8528670a9c029518dcaf432c0884b987c9a9b19f",
                    operation="INSERT",
                    pgid="pgtrigger_announce_comment_45d60",
                    table="tickets_comment",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedentry",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_bookings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF current_setting('ticketing.quiet', true) = 'on' THEN\n        RETURN NULL;\n    END IF;\n    INSERT INTO notifications_delivery (kind, about, user_id, address, name, booking_id, payload)\n    SELECT\n        CASE\n            WHEN entry.kind = 'requested' THEN 'booking-waiting'\n            WHEN entry.kind = 'cancelled' AND event.status = 'cancelled' THEN 'event-cancelled'\n            ELSE 'booking-' || entry.kind\n        END,\n        'booking/' || booking.id || '/entry/' || entry.id,\n        person.id,\n        coalesce(person.email, booking.guest_email),\n        coalesce(person.name, trim(booking.guest_first_name || ' ' || booking.guest_last_name)),\n        booking.id,\n        jsonb_build_object(\n            'quantity', entry.quantity,\n            'left', booking.quantity - booking.cancelled,\n            -- New bookings are at the end of the queue, so counting from there is fast.\n            'place', CASE WHEN entry.kind = 'requested' THEN inventory.waiting - (\n                SELECT count(*) FROM events_queue_behind(booking.event_id, booking.queue_number)\n            ) END\n        )\n    FROM entries AS entry\n    JOIN events_booking AS booking ON booking.id = entry.booking_id\n    JOIN events_event AS event ON event.id = booking.event_id\n    JOIN events_inventory AS inventory ON inventory.event_id = booking.event_id\n    LEFT JOIN accounts_user AS person ON person.id = booking.user_id\n    WHERE person.id IS NULL OR person.is_active\n    ORDER BY entry.id;\n    RETURN NULL;\nEND;\n",
                    hash="7583498650711b825fbfa85858af6d73dfafcb8a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_announce_bookings_c7fbf",
                    referencing="REFERENCING NEW TABLE AS entries ",
                    table="events_bookingentry",
                    when="AFTER",
                ),
            ),
        ),
    ]
