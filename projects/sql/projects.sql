-- Projects by name, each with its tickets that somebody may see, counted by status.
-- params   viewer       bigint         whose eyes: the id of a user
--          sees_all     boolean        true for staff; Ticket.objects.visible_to says the same
--          project      bigint | null  null: any
--          search       text           a part of the name, in whatever case; '' is a part of any
--          after        text | null    the name of the last row seen; null: from the first
--          row_limit    int            rows at most
-- returns  id bigint; name, description, visibility text; open, in_progress, closed bigint (tickets)
-- index    project_name_unique (the order); none for what everybody sees, which is one pass over the daily counts; for
--          the tickets of those involved ticket_creator and the assignments' keys
WITH page AS MATERIALIZED (
    SELECT id, name, description, visibility
    FROM projects_project
    WHERE (%(project)s::bigint IS NULL OR id = %(project)s)
        AND strpos(upper(name), upper(%(search)s)) > 0
        AND (%(after)s::text IS NULL OR upper(name) > upper(%(after)s))
    ORDER BY upper(name)
    LIMIT %(row_limit)s
),
counted AS (
    SELECT page.id, count.status, sum(count.tickets) AS tickets
    FROM page
    JOIN analytics_dailycount AS count ON count.project_id = page.id
    WHERE %(sees_all)s OR page.visibility = 'everyone'
    GROUP BY page.id, count.status
    UNION ALL
    SELECT page.id, ticket.status, count(*)
    FROM page
    JOIN tickets_ticket AS ticket ON ticket.project_id = page.id
    WHERE NOT %(sees_all)s AND page.visibility = 'involved'
        AND ticket.id IN (
            SELECT id FROM tickets_ticket WHERE created_by_id = %(viewer)s
            UNION
            SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer)s
        )
    GROUP BY page.id, ticket.status
)
SELECT
    page.id, page.name, page.description, page.visibility,
    coalesce(sum(tickets) FILTER (WHERE status = 'open'), 0)::bigint AS open,
    coalesce(sum(tickets) FILTER (WHERE status = 'in-progress'), 0)::bigint AS in_progress,
    coalesce(sum(tickets) FILTER (WHERE status = 'closed'), 0)::bigint AS closed
FROM page
LEFT JOIN counted ON counted.id = page.id
GROUP BY page.id, page.name, page.description, page.visibility
ORDER BY upper(page.name)
