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
