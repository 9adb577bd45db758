-- How long did first responses and resolutions take in a span: overall, by team (project) and by person?
-- A resolution takes from a ticket's creation to its closing, time on hold included. It counts for the team that has
-- the ticket and for each of its assignees. A first response counts for the team that had the ticket and for its author.
-- Percentiles need every duration, so long spans are sampled: by a hash of the ticket's number, since patterns in
-- how tickets come in could coincide with every tenth number.
-- params   starts_at, ends_at          timestamptz     closed or answered in the span: starts_at <= time < ends_at
--          one_in                      int             read one ticket in this many: up to 15, or a multiple of 16
--          teams_after, people_after   int             skip this many teams and people
--          page_size                   int             maximum number of teams, and of people
-- returns  kind                        text            'all' (at most one row), 'team' or 'person'
--          id bigint, name text                        the project or user; null for 'all'
--          closed, met, answered       bigint          tickets read: closed, closed within the SLA, answered
--          resolution_median, resolution_p90, response_median, response_p90
--                                      float8          seconds; null: none were closed or answered
--          in order of the number of tickets, the largest first
-- index    ticket_closed_at and first_response_at, or from 16 on ticket_closed_sample and first_response_sample;
--          assignment_once
WITH closed AS MATERIALIZED (
    SELECT id, project_id, sla_met, extract(epoch FROM closed_at - created_at)::float8 AS seconds
    FROM tickets_ticket
    WHERE %(one_in)s::int < 16
        AND closed_at >= %(starts_at)s::timestamptz
        AND closed_at < %(ends_at)s::timestamptz
        -- Without the sign, which a remainder would have too.
        AND (hashint8(id) & 2147483647) %% %(one_in)s::int = 0
    UNION ALL
    SELECT id, project_id, sla_met, extract(epoch FROM closed_at - created_at)::float8
    FROM tickets_ticket
    WHERE %(one_in)s::int >= 16
        AND closed_at >= %(starts_at)s::timestamptz
        AND closed_at < %(ends_at)s::timestamptz
        -- All that the index has, and all that have a remainder of 0 by a multiple of 16.
        AND (hashint8(id) & 15) = 0
        AND (hashint8(id) & 2147483647) %% %(one_in)s::int = 0
),
answered AS MATERIALIZED (
    SELECT author_id, project_id, seconds
    FROM analytics_firstresponse
    WHERE %(one_in)s::int < 16
        AND responded_at >= %(starts_at)s::timestamptz
        AND responded_at < %(ends_at)s::timestamptz
        AND (hashint8(ticket_id) & 2147483647) %% %(one_in)s::int = 0
    UNION ALL
    SELECT author_id, project_id, seconds
    FROM analytics_firstresponse
    WHERE %(one_in)s::int >= 16
        AND responded_at >= %(starts_at)s::timestamptz
        AND responded_at < %(ends_at)s::timestamptz
        AND (hashint8(ticket_id) & 15) = 0
        AND (hashint8(ticket_id) & 2147483647) %% %(one_in)s::int = 0
),
measured AS (
    -- Of the kinds, which are numbers because text takes longer to sort: all, team, person.
    SELECT 0 AS kind, NULL::bigint AS id, sla_met, seconds AS resolution, NULL::float8 AS response FROM closed
    UNION ALL
    SELECT 0, NULL, NULL, NULL, seconds FROM answered
    UNION ALL
    SELECT 1, project_id, sla_met, seconds, NULL FROM closed
    UNION ALL
    SELECT 1, project_id, NULL, NULL, seconds FROM answered
    UNION ALL
    SELECT 2, assignment.user_id, sla_met, seconds, NULL
    FROM closed JOIN tickets_assignment AS assignment ON assignment.ticket_id = closed.id
    UNION ALL
    SELECT 2, author_id, NULL, NULL, seconds FROM answered
),
figures AS (
    SELECT
        kind, id,
        count(resolution) AS closed,
        count(*) FILTER (WHERE sla_met) AS met,
        count(response) AS answered,
        percentile_cont('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY resolution) AS resolution,
        percentile_cont('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY response) AS response,
        row_number() OVER (PARTITION BY kind ORDER BY count(*) DESC, id) AS place
    FROM measured
    GROUP BY kind, id
)
SELECT
    ('{all,team,person}'::text[])[kind + 1] AS kind, figures.id, coalesce(team.name, person.name) AS name,
    closed, met, answered,
    resolution[1] AS resolution_median, resolution[2] AS resolution_p90,
    response[1] AS response_median, response[2] AS response_p90
FROM figures
LEFT JOIN projects_project AS team ON kind = 1 AND team.id = figures.id
LEFT JOIN accounts_user AS person ON kind = 2 AND person.id = figures.id
WHERE place - CASE kind WHEN 1 THEN %(teams_after)s::int WHEN 2 THEN %(people_after)s::int ELSE 0 END
    BETWEEN 1 AND %(page_size)s::int
ORDER BY figures.kind, place;
