-- What is the state of the desk now, and what did it do on some UTC days? Of all tickets, for staff.
-- "Breached", "met" and "missed" mean the same as the methods of Ticket.objects, and "unassigned" the same as the filter
-- in the admin; test_admin.py compares them.
-- params   at                          timestamptz     the time at which tickets count as breached
--          days_from, days_until       date            the days: days_from <= day < days_until
--          most                        int             stop counting breached and unassigned tickets here
--          rows                        int             maximum number of types and of projects, the largest ones
-- returns  open                        bigint          tickets not closed, now
--          breached, unassigned        bigint          tickets not closed, now; at most `most`
--          met, missed                 bigint          tickets closed on these days, by whether they met the SLA
--          days                        date[]          every one of the days, in order
--          created, closed             bigint[]        tickets created and closed on each of `days`
--          priorities text[], by_priority bigint[]     tickets created on these days, from low to high
--          types text[], by_type bigint[]; projects text[] (names), by_project bigint[]
--                                                      the same, the largest number first
-- index    daily_count_day, ticket_closed_at, ticket_unclosed, ticket_by_status, assignment_once
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
    SELECT priority AS name, sum(tickets)::bigint AS tickets, array_position('{low,medium,high}'::text[], priority) AS rank
    FROM counted
    GROUP BY priority
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
    (SELECT coalesce(array_agg(name ORDER BY rank), '{}') FROM priorities) AS priorities,
    (SELECT coalesce(array_agg(tickets ORDER BY rank), '{}') FROM priorities) AS by_priority,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM types) AS types,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM types) AS by_type,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM projects) AS projects,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM projects) AS by_project;
