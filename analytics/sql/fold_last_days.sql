-- Keep the last day of each creator that has several. Does nothing while a ticket moves to another project or creator.
-- params   none
-- returns  removed int, written int    rows
-- index    last_day_of_user
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtext('analytics_lastday')) AS is_ours
),
crowded AS (
    SELECT user_id
    FROM analytics_lastday
    WHERE (SELECT is_ours FROM turn)
    GROUP BY user_id
    HAVING count(*) > 1
),
removed AS (
    DELETE FROM analytics_lastday AS last USING crowded WHERE last.user_id = crowded.user_id RETURNING last.*
),
written AS (
    INSERT INTO analytics_lastday (user_id, day, project_id)
    SELECT DISTINCT ON (user_id) user_id, day, project_id FROM removed ORDER BY user_id, day DESC, project_id NULLS LAST
    RETURNING id
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
