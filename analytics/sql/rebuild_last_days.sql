-- Replace all last days by those of the tickets in this snapshot. A day that was later before stays, without a project:
-- a ticket of that day may be in a transaction that has not been committed. Run lock_last_days first.
-- params   none
-- returns  removed int, written int    rows
-- index    none: a pass over the tickets
WITH removed AS (
    DELETE FROM analytics_lastday RETURNING user_id, day
),
written AS (
    INSERT INTO analytics_lastday (user_id, day, project_id)
    SELECT DISTINCT ON (user_id) user_id, day, project_id
    FROM (
        SELECT created_by_id AS user_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id FROM tickets_ticket
        UNION ALL
        SELECT user_id, day, NULL FROM removed
    ) AS known
    ORDER BY user_id, day DESC, project_id NULLS LAST
    RETURNING id
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
