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
--          types text[], by_type bigint[]; project_ids bigint[], projects text[] (names), by_project bigint[]
--                                                      the same, the largest number first
-- index    daily_count_day, daily_count_new, ticket_closed_at, ticket_unclosed, assignment_once
WITH counted AS MATERIALIZED (
    -- By day, by project, by priority and by type. The other columns are null in each.
    SELECT day, project_id, priority, type, sum(tickets) AS tickets
    FROM analytics_dailycount
    WHERE day >= %(days_from)s::date AND day < %(days_until)s::date
    GROUP BY GROUPING SETS ((day), (project_id), (priority), (type))
),
days AS MATERIALIZED (
    -- One pass along the index for each day, which is faster than finding the day of each ticket.
    SELECT dates.day::date AS day, coalesce(created.tickets, 0)::bigint AS created, closed.*
    FROM generate_series(%(days_from)s::date, %(days_until)s::date - 1, interval '1 day') AS dates (day)
    LEFT JOIN counted AS created ON created.day = dates.day::date
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS closed,
            count(*) FILTER (WHERE sla_met) AS met,
            count(*) FILTER (WHERE NOT sla_met) AS missed
        FROM tickets_ticket
        WHERE closed_at >= dates.day::timestamp AT TIME ZONE 'UTC'
            AND closed_at < (dates.day + interval '1 day')::timestamp AT TIME ZONE 'UTC'
    ) AS closed
),
priorities AS (
    SELECT priority AS name, tickets::bigint, array_position('{low,medium,high}'::text[], priority) AS rank
    FROM counted
    WHERE priority IS NOT NULL
),
types AS (
    SELECT type AS name, tickets::bigint FROM counted WHERE type IS NOT NULL ORDER BY 2 DESC, 1 LIMIT %(rows)s
),
projects AS (
    SELECT project.id, project.name, tickets::bigint
    FROM counted JOIN projects_project AS project ON project.id = counted.project_id
    ORDER BY tickets DESC, name
    LIMIT %(rows)s
)
SELECT
    (
        SELECT coalesce(sum(tickets), 0)::bigint
        FROM (
\ir ../../projects/sql/parts/counts.sql
        ) AS counted
        WHERE status <> 'closed'
    ) AS open,
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
            WHERE NOT status = 'closed'
                -- One index lookup per ticket. A join would sort or read all tickets, although this stops early.
                AND (SELECT TRUE FROM tickets_assignment WHERE ticket_id = tickets_ticket.id LIMIT 1) IS NULL
            LIMIT %(most)s
        ) AS unassigned
    ) AS unassigned,
    (SELECT sum(met)::bigint FROM days) AS met,
    (SELECT sum(missed)::bigint FROM days) AS missed,
    (SELECT array_agg(day ORDER BY day) FROM days) AS days,
    (SELECT array_agg(created ORDER BY day) FROM days) AS created,
    (SELECT array_agg(closed ORDER BY day) FROM days) AS closed,
    (SELECT coalesce(array_agg(name ORDER BY rank), '{}') FROM priorities) AS priorities,
    (SELECT coalesce(array_agg(tickets ORDER BY rank), '{}') FROM priorities) AS by_priority,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM types) AS types,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM types) AS by_type,
    (SELECT coalesce(array_agg(id ORDER BY tickets DESC, name), '{}') FROM projects) AS project_ids,
    (SELECT coalesce(array_agg(name ORDER BY tickets DESC, name), '{}') FROM projects) AS projects,
    (SELECT coalesce(array_agg(tickets ORDER BY tickets DESC, name), '{}') FROM projects) AS by_project;
