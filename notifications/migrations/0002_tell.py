"""Who is told, in SQL: so that a change in psql tells people as much as one through the API, in its own transaction."""

from django.db import migrations

DEFER = """
CREATE FUNCTION notifications_defer(delivery_ids bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    deferred int;
BEGIN
    -- A person waits in front of the screen for a password, so those go first. The triggers of procrastinate wake a worker.
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    SELECT
        'mail',
        'notifications.tasks.deliver',
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

TELL = """
CREATE FUNCTION notifications_tell(kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb)
RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    told bigint[];
BEGIN
    WITH written AS (
        INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload)
        SELECT kind, about, person.id, person.email, person.name, ticket_id, payload
        FROM accounts_user AS person
        WHERE person.id = ANY(user_ids) AND person.is_active
        ORDER BY person.id
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
        RETURNING notifications_delivery.id
    )
    SELECT array_agg(written.id) INTO told FROM written;
    RETURN CASE WHEN told IS NULL THEN 0 ELSE notifications_defer(told) END;
END $$;
"""

# At the end of the transaction, once for each of its events; the first to fire tells of all of them, the others find
# that done. The ticket's row is locked by then, so its version is this transaction's alone.
ANNOUNCE = """
CREATE FUNCTION notifications_announce(changed_id bigint, first_event bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ticket tickets_ticket;
    assignee_ids bigint[];
    assignee_names text[];
BEGIN
    SELECT * INTO ticket FROM tickets_ticket WHERE id = changed_id;
    -- Who is there from the beginning is no change, and moves no version.
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
    PERFORM notifications_tell(
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

CREATE FUNCTION notifications_announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notifications_announce(NEW.pgh_obj_id, NEW.pgh_id);
    RETURN NULL;
END $$;

CREATE FUNCTION notifications_announce_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notifications_announce(NEW.ticket_id, NEW.pgh_id);
    RETURN NULL;
END $$;
"""

# `SET ticketing.quiet = 'on'` before loading or mending many rows: nobody is told, nor anything remembered until the end.
TRIGGERS = """
CREATE CONSTRAINT TRIGGER announce AFTER INSERT ON tickets_ticketevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.pgh_label = 'update' AND current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION notifications_announce_change();
CREATE CONSTRAINT TRIGGER announce AFTER INSERT ON tickets_assignmentevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION notifications_announce_assignment();
"""

FORGET = """
DROP TRIGGER announce ON tickets_assignmentevent;
DROP TRIGGER announce ON tickets_ticketevent;
DROP FUNCTION notifications_announce_assignment, notifications_announce_change, notifications_announce;
DROP FUNCTION notifications_tell, notifications_defer;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("tickets", "0004_history"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations = [migrations.RunSQL(DEFER + TELL + ANNOUNCE + TRIGGERS, FORGET)]
