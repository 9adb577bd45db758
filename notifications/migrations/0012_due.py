"""Choose and claim what is due without reading a whole backlog for each batch."""

from importlib import import_module

from django.db import migrations

sql_0010 = import_module("notifications.migrations.0010_mail_batches")

DUE = r"""
-- Choose the next deliveries to send, up to `number`, the longest overdue first; mail that users wait for at the screen
-- comes before all other mail. Leaves out those that other workers are sending. During an outage there are none.
-- PostgreSQL's statistics date from before a burst and promise few due deliveries. Without its settings, this function
-- would therefore read and sort all of them each time rather than the first ones of an index.
CREATE OR REPLACE FUNCTION notifications_due(
    at timestamptz, number int
) RETURNS SETOF bigint LANGUAGE plpgsql SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM notifications_outage WHERE until > at) THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH due AS MATERIALIZED (
            SELECT id
            FROM (
                (
                    SELECT id, true AS is_urgent, next_attempt_at
                    FROM notifications_delivery
                    WHERE state = 'pending'
                        AND next_attempt_at <= at
                        AND kind IN ('set-password', 'reset-password')
                    ORDER BY next_attempt_at, id
                    LIMIT 10 * number
                )
                UNION ALL
                (
                    SELECT id, false AS is_urgent, next_attempt_at
                    FROM notifications_delivery
                    WHERE state = 'pending'
                        AND next_attempt_at <= at
                        AND kind NOT IN ('set-password', 'reset-password')
                    ORDER BY next_attempt_at, id
                    LIMIT 10 * number
                )
            ) AS first
            ORDER BY is_urgent DESC, next_attempt_at, id
        )
        SELECT id
        FROM due
        WHERE pg_try_advisory_xact_lock(hashtextextended('delivery/' || id, 0))
        LIMIT number;
END $$;
"""

CLAIM = r"""
-- Claim these deliveries for the rest of the transaction. Returns those that are still due and that no other worker
-- holds: none during an outage, and only one after its pause, to find out whether the server is back.
-- Advisory locks rather than row locks, so that a slow mail server blocks nobody who changes the rows, for example by
-- deleting a user. The second query sees what the previous holder of a lock has committed. It reads the deliveries by id
-- and tests them afterwards (OFFSET), because PostgreSQL may expect so few pending ones that it would read all of those.
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
        FROM (
            SELECT id, state, next_attempt_at FROM notifications_delivery WHERE id = ANY(claimed) OFFSET 0
        ) AS delivery
        WHERE state = 'pending' AND next_attempt_at <= at
        ORDER BY array_position(delivery_ids, id)
        LIMIT CASE WHEN ends_at IS NOT NULL THEN 1 END;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0011_unannounced"),
    ]

    operations = [
        migrations.RunSQL(DUE, "DROP FUNCTION notifications_due"),
        migrations.RunSQL(CLAIM, sql_0010.CLAIM),
    ]
