-- AFTER UPDATE ON tickets_ticket, FOR EACH STATEMENT: move the changed tickets from their old daily counts to the new.
-- Each ticket counts once as it is now (sign 1) and once as it was (sign -1); what did not change cancels out.
-- See count_inserted.sql for the lock on the creators and for why there are two files.
BEGIN
    IF NOT EXISTS (SELECT FROM new_tickets) THEN
        RETURN NULL;
    END IF;
    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets UNION ALL SELECT -1, * FROM old_tickets),
    cells AS (
        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,
            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices
        FROM moved
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0
    ),
    creators AS MATERIALIZED (
        SELECT id, type = 'customer' AS is_customer FROM accounts_user
        WHERE id IN (SELECT created_by_id FROM cells)
        ORDER BY id
        FOR SHARE
    ),
    last_days AS (
        INSERT INTO analytics_lastday (user_id, day, project_id)
        SELECT DISTINCT ON (created_by_id) created_by_id, day, project_id
        FROM cells
        WHERE tickets > 0
            AND NOT EXISTS (
                SELECT FROM analytics_lastday AS known WHERE known.user_id = created_by_id AND known.day >= cells.day
            )
        ORDER BY created_by_id, day DESC
    ),
    changes AS (
        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,
            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent
        FROM cells LEFT JOIN creators ON creators.id = created_by_id
        GROUP BY 1, 2, 3, 4, 5
    )
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;
    RETURN NULL;
END;
