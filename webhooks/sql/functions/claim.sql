-- Claim up to `number` deliveries that are due, until `at` plus `lease`, and return them. If the worker dies, they are due
-- again then.
-- A webhook has at most `per_webhook` deliveries under way, over all workers, and only `probes` while nothing reaches its
-- receiver, so that one that hangs takes little from the others. They take turns. A delivery waits for earlier ones about
-- the same object. While a webhook is not active, only tests are sent.
-- The advisory locks keep workers from counting at the same time; the second query sees what the previous holder of a
-- lock has committed. As in notifications_due, the settings make PostgreSQL walk along the index during a burst.
CREATE OR REPLACE FUNCTION webhooks_claim(
    at timestamptz, number int, per_webhook int, probes int, lease interval
) RETURNS SETOF webhooks_delivery LANGUAGE plpgsql
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
DECLARE
    locked bigint[];
BEGIN
    locked := ARRAY(
        SELECT id
        FROM (
            SELECT webhook.id
            FROM webhooks_webhook AS webhook
            WHERE webhook.status = 'active' AND EXISTS (
                SELECT FROM webhooks_delivery
                WHERE webhook_id = webhook.id AND status = 'pending' AND next_attempt_at <= at
            ) OR EXISTS (
                SELECT FROM webhooks_delivery
                WHERE webhook_id = webhook.id AND status = 'pending' AND position IS NULL
            )
            OFFSET 0
        ) AS due
        WHERE pg_try_advisory_xact_lock(hashtextextended('webhook/' || id, 0))
    );
    IF locked = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH open AS MATERIALIZED (
            SELECT
                webhook.id,
                webhook.status = 'active' AS is_active,
                greatest(0, CASE WHEN webhook.failing_since IS NULL THEN per_webhook ELSE probes END - (
                    SELECT count(*)
                    FROM webhooks_delivery
                    WHERE webhook_id = webhook.id AND claimed_until IS NOT NULL AND claimed_until > at
                )) AS free
            FROM webhooks_webhook AS webhook
            WHERE webhook.id = ANY(locked)
        ), chosen AS MATERIALIZED (
            SELECT due.id
            FROM open
            CROSS JOIN LATERAL (
                SELECT first.id, row_number() OVER () AS turn
                FROM (
                    (
                        SELECT delivery.id
                        FROM webhooks_delivery AS delivery
                        WHERE delivery.webhook_id = open.id
                            AND delivery.status = 'pending'
                            AND delivery.next_attempt_at <= at
                            AND NOT EXISTS (
                                SELECT FROM webhooks_delivery AS earlier
                                WHERE earlier.webhook_id = open.id
                                    AND earlier.status = 'pending'
                                    AND earlier.about = delivery.about
                                    AND earlier.about <> ''
                                    AND earlier.id < delivery.id
                            )
                        ORDER BY delivery.next_attempt_at, delivery.id
                        LIMIT CASE WHEN open.is_active THEN open.free ELSE 0 END
                    )
                    UNION ALL
                    (
                        SELECT delivery.id
                        FROM webhooks_delivery AS delivery
                        WHERE delivery.webhook_id = open.id
                            AND delivery.status = 'pending'
                            AND delivery.position IS NULL
                            AND delivery.next_attempt_at <= at
                        LIMIT CASE WHEN open.is_active THEN 0 ELSE open.free END
                    )
                ) AS first
            ) AS due
            ORDER BY due.turn, due.id
            LIMIT number
        )
        UPDATE webhooks_delivery AS delivery
        SET claimed_until = at + lease, next_attempt_at = at + lease
        WHERE delivery.id = ANY(ARRAY(SELECT id FROM chosen))
        RETURNING delivery.*;
END $$;
