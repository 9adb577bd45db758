-- Choose the next deliveries to send, up to `number`, the longest overdue first; mail that users wait for at the screen
-- comes before all other mail. Leaves out those that other workers are sending. During an outage there are none.
-- All other mail must be older than the oldest change that sql/announce_confirmed.sql has not read yet, so that no mail
-- about a booking overtakes its confirmation.
-- PostgreSQL's statistics date from before a burst and promise few due deliveries. Without its settings, this function
-- would therefore read and sort all of them each time rather than the first ones of an index.
CREATE OR REPLACE FUNCTION notifications_due(
    at timestamptz, number int
) RETURNS SETOF bigint LANGUAGE plpgsql SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
DECLARE
    unannounced_since timestamptz;
BEGIN
    IF EXISTS (SELECT FROM notifications_outage WHERE until > at) THEN
        RETURN;
    END IF;
    SELECT coalesce(
        (
            SELECT change.at
            FROM changes_change AS change
            WHERE change.position > (SELECT announced.position FROM notifications_announced AS announced)
            ORDER BY change.position
            LIMIT 1
        ),
        (
            SELECT noted.at
            FROM changes_inbox AS noted
            WHERE noted.id > (SELECT settled_id FROM changes_log)
            ORDER BY noted.id
            LIMIT 1
        ),
        'infinity'
    ) INTO unannounced_since;
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
                        AND next_attempt_at < unannounced_since
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
