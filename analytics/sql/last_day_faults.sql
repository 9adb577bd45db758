-- Which rows about the last days of creators contradict the tickets? No rows if all are correct.
-- params   none
-- returns  user_id bigint, day date, project_id bigint | null    the row, or a day with tickets that is later than all rows
--          is_missing boolean                                    whether it is such a day
-- index    none: a pass over the tickets
WITH created AS MATERIALIZED (
    SELECT DISTINCT created_by_id AS user_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id
    FROM tickets_ticket
)
SELECT user_id, day, project_id, FALSE AS is_missing
FROM analytics_lastday AS last
WHERE project_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM created
        WHERE (created.user_id, created.day, created.project_id) = (last.user_id, last.day, last.project_id)
    )
UNION ALL
SELECT user_id, max(day), NULL, TRUE
FROM created
GROUP BY user_id
HAVING max(day) > coalesce((SELECT max(day) FROM analytics_lastday AS last WHERE last.user_id = created.user_id), '-infinity')
ORDER BY user_id, day
