-- Where the desk stands now, and what it did on some days: the tickets created and closed on each, those created by
-- priority, type and project, and how many were closed in time. Of all tickets, for staff.
-- params   at          timestamptz     now: what is breached is so then
--          days_from, days_until  date  the days, day >= days_from and < days_until, in UTC
--          most        int             where a figure could run into the hundreds of thousands, it is counted to here
--          rows        int             how many types and projects are told apart, those with the most tickets
-- returns  open, breached, unassigned bigint (tickets that are not closed; breached and unassigned at most `most`)
--          met, missed bigint (tickets closed on these days, in time or not)
--          days date[] (all of them), and as long: created, closed bigint[]
--          priorities text[], by_priority bigint[] (as long); types, by_type; projects (names), by_project: created on
--              these days, the most first
-- index    daily_count_day, ticket_closed_at, ticket_sla_due_at, ticket_by_status, assignment_once
WITH counted AS MATERIALIZED (
    SELECT day, project_id, priority, type, sum(tickets) AS tickets
    FROM analytics_dailycount
    WHERE day >= %(days_from)s::date AND day < %(days_until)s::date
    GROUP BY day, project_id, priority, type
),
closed AS MATERIALIZED (
    SELECT (closed_at AT TIME ZONE 'UTC')::date AS day, sla_met, count(*) AS tickets
    FROM tickets_ticket
    WHERE closed_at >= %(days_from)s::date::timestamp AT TIME ZONE 'UTC'
        AND closed_at < %(days_until)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2
),
days AS (
    SELECT
        dates.day::date AS day,
        coalesce((SELECT sum(tickets) FROM counted WHERE counted.day = dates.day::date), 0)::bigint AS created,
        coalesce((SELECT sum(tickets) FROM closed WHERE closed.day = dates.day::date), 0)::bigint AS closed
    FROM generate_series(%(days_from)s::date, %(days_until)s::date - 1, interval '1 day') AS dates (day)
),
priorities AS (
    SELECT priority AS name, sum(tickets)::bigint AS tickets FROM counted GROUP BY 1 ORDER BY 2 DESC
),
types AS (
    SELECT type AS name, sum(tickets)::bigint AS tickets FROM counted GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(rows)s
),
projects AS (
    SELECT project.name, sum(tickets)::bigint AS tickets
    FROM counted JOIN projects_project AS project ON project.id = counted.project_id
    GROUP BY project.id
    ORDER BY 2 DESC, 1
    LIMIT %(rows)s
)
SELECT
    coalesce((SELECT sum(tickets) FROM analytics_dailycount WHERE status <> 'closed'), 0)::bigint AS open,
    (
        SELECT count(*) FROM (
            SELECT FROM tickets_ticket
            WHERE NOT status = 'closed' AND held_at IS NULL AND sla_due_at < %(at)s
            LIMIT %(most)s
        ) AS breached
    ) AS breached,
    (
        SELECT count(*) FROM (
            SELECT FROM tickets_ticket
            WHERE status IN ('open', 'in-progress')
                AND NOT EXISTS (SELECT FROM tickets_assignment WHERE ticket_id = tickets_ticket.id)
            LIMIT %(most)s
        ) AS unassigned
    ) AS unassigned,
    coalesce((SELECT sum(tickets) FROM closed WHERE sla_met), 0)::bigint AS met,
    coalesce((SELECT sum(tickets) FROM closed WHERE NOT sla_met), 0)::bigint AS missed,
    (SELECT array_agg(day ORDER BY day) FROM days) AS days,
    (SELECT array_agg(created ORDER BY day) FROM days) AS created,
    (SELECT array_agg(closed ORDER BY day) FROM days) AS closed,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM priorities) AS priorities,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM priorities) AS by_priority,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM types) AS types,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM types) AS by_type,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM projects) AS projects,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM projects) AS by_project;
