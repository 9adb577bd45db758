"""Send mail in batches instead of a job for each message."""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

sql_0002 = import_module("notifications.migrations.0002_sql")
sql_0007 = import_module("notifications.migrations.0007_mail_limits")
sql_0008 = import_module("notifications.migrations.0008_notice_limits")

ADMIT = r"""
-- Decide whether a delivery is sent now, and return that. Limits per hour exist for mail about tickets, guests' mail, and
-- notices of changed addresses:
--   * most_received  about tickets to one address, with reminders of deadlines counted apart
--   * most_caused    about tickets from changes of one customer to others
--   * most_to_guest  to one guest's address; of notices, to one address and about one account
-- Beyond them, mail about tickets becomes part of a summary, and the rest is put off. Admitting a summary closes it,
-- so that no message is added that it does not list. Notices to an address that the account had for an hour are exempt.
-- Call this in a short transaction: its lock lets workers decide one after another.
CREATE OR REPLACE FUNCTION notifications_admit(
    delivery_id bigint, at timestamptz, most_received int, most_caused int, most_to_guest int
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    hour_ago timestamptz := at - interval '1 hour';
    reminders text[] := ARRAY['sla-at-risk', 'sla-breached'];
    delivery notifications_delivery;
    recipient accounts_user;
    to_address text;
    customer_id bigint;
    number int;
    earliest timestamptz;
    is_notice boolean;
BEGIN
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id;
    SELECT * INTO recipient FROM accounts_user WHERE id = delivery.user_id AND is_active;
    is_notice := delivery.kind = 'address-changed';
    IF is_notice AND notifications_is_of_established(delivery) THEN
        RETURN true;
    END IF;
    IF delivery.ticket_id IS NULL AND delivery.kind <> 'ticket-summary' AND NOT is_notice
        AND (delivery.booking_id IS NULL OR delivery.user_id IS NOT NULL) THEN
        RETURN true;
    END IF;
    to_address := CASE WHEN is_notice THEN delivery.address ELSE coalesce(recipient.email, delivery.address) END;
    SELECT id INTO customer_id FROM accounts_user
        WHERE id = delivery.caused_by_id AND id IS DISTINCT FROM delivery.user_id AND type = 'customer';
    PERFORM pg_advisory_xact_lock(hashtextextended('mail limits', 0));
    -- Another worker may have decided in the meantime.
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id AND state = 'pending';
    IF delivery.id IS NULL OR delivery.admitted_at > hour_ago THEN
        RETURN true;
    END IF;
    IF is_notice OR delivery.booking_id IS NOT NULL THEN
        SELECT count(*), min(admitted_at) INTO number, earliest
            FROM notifications_received(to_address, hour_ago) AS other
            WHERE CASE WHEN is_notice THEN other.kind = 'address-changed' ELSE other.booking_id IS NOT NULL END;
        IF is_notice AND number < most_to_guest THEN
            SELECT count(*), min(admitted_at) INTO number, earliest
                FROM notifications_delivery AS other
                WHERE other.user_id = delivery.user_id
                    AND other.kind = 'address-changed'
                    AND other.admitted_at > hour_ago;
        END IF;
        IF number >= most_to_guest THEN
            UPDATE notifications_delivery SET next_attempt_at = earliest + interval '1 hour' WHERE id = delivery_id;
            RETURN false;
        END IF;
    ELSIF delivery.ticket_id IS NOT NULL AND recipient.id IS NOT NULL AND (
        (
            SELECT count(*) FROM notifications_received(to_address, hour_ago) AS other
            WHERE other.ticket_id IS NOT NULL
                AND (other.kind = ANY(reminders)) = (delivery.kind = ANY(reminders))
        ) >= most_received
        OR customer_id IS NOT NULL
        AND (
            SELECT count(*) FROM notifications_delivery AS other
            WHERE other.caused_by_id = customer_id
                AND other.user_id IS DISTINCT FROM customer_id
                AND other.admitted_at > hour_ago
        ) >= most_caused
    ) THEN
        PERFORM notifications_summarise(delivery_id, recipient, at);
        RETURN false;
    END IF;
    UPDATE notifications_delivery SET admitted_at = at, address = to_address WHERE id = delivery_id;
    RETURN true;
END $$;
"""

CLAIM = r"""
-- Claim these deliveries for the rest of the transaction. Returns those that are still due and that no other worker
-- holds: none during an outage, and only one after its pause, to find out whether the server is back.
-- Advisory locks rather than row locks, so that a slow mail server blocks nobody who changes the rows, for example by
-- deleting a user. The second query sees what the previous holder of a lock has committed.
CREATE OR REPLACE FUNCTION notifications_claim(
    delivery_ids bigint[], at timestamptz
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    ends_at timestamptz;
    claimed bigint[];
BEGIN
    SELECT until INTO ends_at FROM notifications_outage;
    IF ends_at > at OR ends_at IS NOT NULL AND NOT pg_try_advisory_xact_lock(hashtextextended('mail probe', 0)) THEN
        RETURN;
    END IF;
    claimed := ARRAY(
        SELECT id
        FROM unnest(delivery_ids) AS id
        WHERE pg_try_advisory_xact_lock(hashtextextended('delivery/' || id, 0))
    );
    RETURN QUERY
        SELECT id
        FROM notifications_delivery
        WHERE id = ANY(claimed) AND state = 'pending' AND next_attempt_at <= at
        ORDER BY array_position(delivery_ids, id)
        LIMIT CASE WHEN ends_at IS NOT NULL THEN 1 END;
END $$;
"""

NOTIFY = r"""
-- Create a delivery for each of these users who is active and has not been notified of `about` yet, and wake the
-- workers. `caused_by` is the user whose change it is, NULL if there is none. Returns the number of deliveries.
CREATE OR REPLACE FUNCTION notifications_notify(
    kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb, caused_by bigint DEFAULT NULL
) RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    created int;
BEGIN
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload, caused_by_id)
    SELECT
        kind, about, person.id, person.email, person.name, ticket_id, payload,
        -- The change may have deleted them.
        (SELECT id FROM accounts_user WHERE id = caused_by)
    FROM accounts_user AS person
    WHERE person.id = ANY(user_ids) AND person.is_active
    ORDER BY person.id
    ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING;
    GET DIAGNOSTICS created = ROW_COUNT;
    IF created > 0 THEN
        PERFORM pg_notify('mail', '');
    END IF;
    RETURN created;
END $$;
"""

# The tasks no longer exist.
FORGET_JOBS = """
DELETE FROM procrastinate_jobs
WHERE status = 'todo' AND task_name IN ('notifications.tasks.deliver', 'notifications.tasks.defer_due')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0010_versions"),
        ("notifications", "0009_announce_confirmed"),
        ("tickets", "0012_keep_equal_time_left"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(ADMIT, sql_0008.ADMIT),
        migrations.RunSQL(CLAIM, "DROP FUNCTION notifications_claim"),
        migrations.RunSQL(NOTIFY, sql_0007.NOTIFY),
        migrations.RunSQL("DROP FUNCTION notifications_defer", sql_0002.DEFER),
        migrations.RunSQL(FORGET_JOBS, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="announceduser",
            name="announce_address",
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("kind__in", ("set-password", "reset-password")), ("state", "pending")),
                fields=["next_attempt_at", "id"],
                name="delivery_urgent",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announceduser",
            trigger=pgtrigger.compiler.Trigger(
                name="announce_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.email <> NEW.email AND current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')",
                    func="BEGIN\n    INSERT INTO notifications_delivery (kind, about, user_id, address, name)\n    VALUES ('address-changed', 'user/' || NEW.id || '/address/' || NEW.revocations, NEW.id, OLD.email, OLD.name);\n    PERFORM pg_notify('mail', '');\n    RETURN NULL;\nEND;\n",
                    hash="8b35f2aed63f417e7620f464e76b412ed3051cc1",
                    operation='UPDATE OF "email"',
                    pgid="pgtrigger_announce_address_6f5ee",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
    ]
