-- Which projects exist, in order of name, and how many of their tickets can a user see, by status?
-- "Can see" means the same as Ticket.objects.visible_to (tested in test_api.py). Where the user sees every ticket of a
-- project, the numbers come from the daily counts of analytics.
-- params   viewer      bigint          id of the user
--          sees_all    boolean         true for staff, who see every ticket
--          project     bigint | null   id of a project; null: any
--          search      text            words of the name, or their beginnings; '' matches any
--          after       text | null     name of the last project on the previous page; null: start with the first
--          after_id    bigint | null   its id
--          row_limit   int             maximum number of projects
-- returns  id                          bigint
--          name, description           text
--          visibility                  text        everyone | involved
--          version                     int
--          open, in_progress, closed   bigint      tickets
-- index    project_order; none for the daily counts; ticket_creator and assignment_once for the tickets of
--          the people involved
WITH page AS MATERIALIZED (
    SELECT id, name, description, visibility, version
    FROM projects_project
    WHERE (%(project)s::bigint IS NULL OR id = %(project)s)
        AND (%(search)s = '' OR search_split(search_fold(name))::tsvector @@ search_query(%(search)s))
        AND (%(after)s::text IS NULL OR (search_sort_key(name), id) > (search_sort_key(%(after)s), %(after_id)s))
    ORDER BY search_sort_key(name), id
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
    page.id, page.name, page.description, page.visibility, page.version,
    coalesce(sum(tickets) FILTER (WHERE status = 'open'), 0)::bigint AS open,
    coalesce(sum(tickets) FILTER (WHERE status = 'in-progress'), 0)::bigint AS in_progress,
    coalesce(sum(tickets) FILTER (WHERE status = 'closed'), 0)::bigint AS closed
FROM page
LEFT JOIN counted ON counted.id = page.id
GROUP BY page.id, page.name, page.description, page.visibility, page.version
ORDER BY search_sort_key(page.name), page.id
