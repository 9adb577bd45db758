-- The next changes in the log that the viewer may see, in its order, and how far the log reaches.
-- params   after        bigint          position of the last change that the viewer knows
--          scan         int             how many changes to look at, at most
--          types        text[]
--          viewer_id    bigint | null   null: a member of staff, who sees every ticket
--          user_id      bigint          the viewer
--          viewer_type  text            customer, agent or admin
--          is_admin     bool
--          row_limit    int             maximum number of changes
-- returns  last bigint, purged bigint: positions of the newest change and of the newest one that was deleted; position
--          bigint; type, action, door text; id, version bigint; at timestamptz; by_id bigint, by_name text: null if
--          unknown or not for the viewer. One row of nulls with the first two if there are no changes.
-- index    changes_change_pkey, tickets_ticket_pkey, assignment_once, tickets_comment_pkey, events_booking_pkey,
--          events_event_pkey, accounts_user_pkey
SELECT
    log.position AS last,
    log.purged,
    change.position,
    change.type,
    change.object_id AS id,
    change.action,
    change.version,
    change.at,
    change.door,
    change.by_id,
    person.name AS by_name
FROM changes_log AS log
LEFT JOIN LATERAL (
    SELECT
        position, type, object_id, action, version, at, door,
        -- As history does for tickets. The change of a booking may be due to that of somebody else's.
        CASE WHEN %(viewer_id)s::bigint IS NULL OR type = 'ticket' OR by_id = %(viewer_id)s THEN by_id END AS by_id
    FROM changes_change AS noted
    WHERE position > %(after)s::bigint
        AND position <= %(after)s + %(scan)s::int
        AND type = ANY(%(types)s::text[])
        AND
\ir parts/visible.sql
    ORDER BY position
    LIMIT %(row_limit)s::int
) AS change ON true
LEFT JOIN accounts_user AS person ON person.id = change.by_id
ORDER BY change.position
