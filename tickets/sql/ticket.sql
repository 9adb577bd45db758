-- One ticket, if the viewer may see it.
-- `state` means the same as Ticket.sla_state; a test compares the two.
-- params   ticket_id  bigint
--          viewer_id  bigint | null   null: a member of staff, who sees every ticket
--          user_id    bigint          whose `watching` it is
--          at         timestamptz     the time for which `state` is computed
-- returns  at most one row: the columns of parts/shown.sql, those of SlaSerializer that need no sentence, and
--          "mergedInto", "mergedFrom" and watching
-- index    tickets_ticket_pkey, assignment_once, watch_once
SELECT
\ir parts/shown.sql
    , ticket.sla_hours AS hours
    , nullif(ticket.sla_calendar, '') AS calendar
    , (ticket.held_at AT TIME ZONE 'UTC')::text AS "onHoldSince"
    , ticket.hold_reason AS "holdReason"
    , ticket.held_seconds AS "heldSeconds"
    , (ticket.closed_at AT TIME ZONE 'UTC')::text AS "closedDate"
    , CASE
        WHEN ticket.status = 'closed' THEN CASE WHEN ticket.sla_met THEN 'met' ELSE 'missed' END
        WHEN ticket.held_at IS NOT NULL THEN 'on-hold'
        WHEN ticket.sla_due_at < %(at)s::timestamptz THEN 'breached'
        WHEN ticket.sla_warn_at < %(at)s THEN 'at-risk'
        ELSE 'ok'
    END AS state
    , ticket.merged_into_id AS "mergedInto"
    , ticket.merged_from AS "mergedFrom"
    , EXISTS (SELECT FROM tickets_watch WHERE ticket_id = ticket.id AND user_id = %(user_id)s::bigint) AS watching
FROM tickets_ticket AS ticket
WHERE ticket.id = %(ticket_id)s::bigint
AND
\ir parts/visible.sql
;
