-- The projects of `page` with the keys of ProjectSerializer, counting the tickets that the viewer can see.
-- "Can see" means the same as Ticket.objects.visible_to (tested in test_api.py). Where the user sees every ticket of a
-- project, the numbers come from the monthly counts of analytics and the daily ones that were not added to them yet.
-- params   viewer_id  bigint | null   null: a member of staff, who sees every ticket
-- index    daily_count_new, none for the monthly counts; ticket_creator and assignment_once for the tickets of the people involved
counted AS (
    SELECT page.id, count.status, sum(count.tickets) AS tickets
    FROM page
    JOIN (
\ir counts.sql
    ) AS count ON count.project_id = page.id
    WHERE %(viewer_id)s::bigint IS NULL OR page.visibility = 'everyone'
    GROUP BY page.id, count.status
    UNION ALL
    SELECT page.id, ticket.status, count(*)
    FROM page
    JOIN tickets_ticket AS ticket ON ticket.project_id = page.id
    WHERE %(viewer_id)s IS NOT NULL AND page.visibility = 'involved'
        AND ticket.id IN (
            SELECT id FROM tickets_ticket WHERE created_by_id = %(viewer_id)s
            UNION
            SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s
        )
    GROUP BY page.id, ticket.status
)
SELECT
    page.id,
    page.name,
    page.description,
    page.visibility,
    json_build_object(
        'open', coalesce(sum(tickets) FILTER (WHERE status = 'open'), 0)::bigint,
        'inProgress', coalesce(sum(tickets) FILTER (WHERE status = 'in-progress'), 0)::bigint,
        'closed', coalesce(sum(tickets) FILTER (WHERE status = 'closed'), 0)::bigint
    ) AS tickets,
    page.version
FROM page
LEFT JOIN counted ON counted.id = page.id
GROUP BY page.id, page.name, page.description, page.visibility, page.version
ORDER BY search_sort_key(page.name), page.id
