-- Whether the ticket meets the conditions of the list, except those of parts/looked_up.sql.
(%(status)s::text IS NULL OR ticket.status = %(status)s)
AND (%(priority)s::text IS NULL OR ticket.priority = %(priority)s)
AND (%(type)s::text IS NULL OR ticket.type = %(type)s)
AND (%(venue)s::text IS NULL OR ticket.venue = %(venue)s)
AND (%(project_id)s::bigint IS NULL OR ticket.project_id = %(project_id)s)
AND (%(created_by_id)s::bigint IS NULL OR ticket.created_by_id = %(created_by_id)s)
AND (
    %(labels)s::text[] IS NULL
    -- The second condition, which is always true here, is that of the labels' index.
    OR (ticket.labels @> %(labels)s AND (NOT %(looks_up_labels)s::boolean OR ticket.labels <> '{}'))
)
AND (%(starts_at)s::timestamptz IS NULL OR ticket.created_at >= %(starts_at)s)
AND (%(ends_at)s::timestamptz IS NULL OR ticket.created_at < %(ends_at)s)
AND (
    %(sla)s::text IS NULL
    -- As in TicketQuerySet.breached and the methods after it.
    OR CASE %(sla)s
        WHEN 'met' THEN ticket.sla_met
        WHEN 'missed' THEN NOT ticket.sla_met
        WHEN 'breached' THEN
            ticket.status <> 'closed' AND ticket.held_at IS NULL AND ticket.sla_due_at < %(at)s::timestamptz
        WHEN 'at-risk' THEN
            ticket.status <> 'closed' AND ticket.held_at IS NULL
            AND ticket.sla_due_at >= %(at)s AND ticket.sla_warn_at < %(at)s
    END
)
AND (
    %(queue)s::text IS NULL
    -- As in TicketQuerySet.in_queue. Assignees are in looked_up.sql, and other queues are conditions above.
    OR CASE %(queue)s
        WHEN 'on-hold' THEN ticket.status <> 'closed' AND ticket.held_at IS NOT NULL
        ELSE ticket.status <> 'closed'
    END
)
