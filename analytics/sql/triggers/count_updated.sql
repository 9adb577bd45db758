-- AFTER UPDATE ON tickets_ticket, FOR EACH STATEMENT.
-- What a statement that wrote tickets did to the counts. `moved` is every ticket as it became (sign 1) and as it was
-- (sign -1). The creators' rows are locked against a change of type, whose own trigger moves what is committed by then:
-- either it sees these tickets, or this waits for it and reads the new type.
BEGIN
    IF NOT EXISTS (SELECT FROM now_there) THEN
        RETURN NULL;
    END IF;
    WITH moved AS (SELECT 1 AS sign, * FROM now_there UNION ALL SELECT -1, * FROM once_there),
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
