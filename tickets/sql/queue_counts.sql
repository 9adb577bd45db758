-- How many tickets each queue of the admin's list has, for a member of staff. Counts stop at `most`.
-- PostgreSQL would take a quarter of a second to count 300,000 open tickets without an assignee.
-- params   user_id  bigint       whose own tickets to count
--          at       timestamptz  the current time
--          most     int          where each count stops
--          walk     int          how many of a user's assignments, and of open tickets, to look at
-- returns  mine, unassigned, at_risk, breached, on_hold, active  bigint
--          is_cut bool: whether more unassigned tickets may follow those looked at
-- index    assignment_user, ticket_by_id, ticket_next, assignment_once, ticket_unclosed
WITH next AS (
    SELECT id
    FROM tickets_ticket
    WHERE status <> 'closed'
    ORDER BY sla_due_at
    LIMIT %(walk)s::int
), newest AS (
    SELECT ticket_id
    FROM tickets_assignment
    WHERE user_id = %(user_id)s::bigint
    ORDER BY ticket_id DESC
    LIMIT %(walk)s::int
)
SELECT
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM newest
            JOIN tickets_ticket AS ticket ON ticket.id = newest.ticket_id
            WHERE ticket.status <> 'closed'
            LIMIT %(most)s::int
        ) AS counted
    ) AS mine,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM next
            WHERE NOT EXISTS (SELECT FROM tickets_assignment WHERE ticket_id = next.id)
            LIMIT %(most)s::int
        ) AS counted
    ) AS unassigned,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM tickets_ticket
            WHERE status <> 'closed' AND held_at IS NULL
                AND sla_due_at >= %(at)s::timestamptz AND sla_warn_at < %(at)s::timestamptz
            LIMIT %(most)s::int
        ) AS counted
    ) AS at_risk,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM tickets_ticket
            WHERE status <> 'closed' AND held_at IS NULL AND sla_due_at < %(at)s::timestamptz
            LIMIT %(most)s::int
        ) AS counted
    ) AS breached,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM tickets_ticket
            WHERE status <> 'closed' AND held_at IS NOT NULL
                -- As in next_due in models/queues.py, for the index.
                AND CASE WHEN held_at IS NULL THEN sla_due_at ELSE '9999-12-31 00:00+00' END = '9999-12-31 00:00+00'
            LIMIT %(most)s::int
        ) AS counted
    ) AS on_hold,
    (
        SELECT count(*)
        FROM (SELECT FROM tickets_ticket WHERE status <> 'closed' LIMIT %(most)s::int) AS counted
    ) AS active,
    (SELECT count(*) = %(walk)s::int FROM next) AS is_cut;
