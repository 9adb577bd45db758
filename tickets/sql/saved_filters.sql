-- A user's own saved filters and those that others share, in order of name, ignoring case and accents, then of id.
-- params   viewer_id  bigint  the user
--          after      text    name of the last filter on the previous page; '': start with the first
--          after_id   bigint  its id; 0: start with the first
--          row_limit  int     maximum number of filters
-- returns  id bigint; name, query text; shared bool; is_own bool: whether it belongs to the viewer
-- index    saved_filter_own, saved_filter_shared
SELECT id, name, query, is_shared AS shared, owner_id = %(viewer_id)s::bigint AS is_own
FROM (
    (
        SELECT *
        FROM tickets_savedfilter
        WHERE owner_id = %(viewer_id)s::bigint
            AND (search_sort_key(name), id) > (search_sort_key(%(after)s::text), %(after_id)s::bigint)
        ORDER BY search_sort_key(name), id
        LIMIT %(row_limit)s::int
    )
    UNION ALL
    (
        SELECT *
        FROM tickets_savedfilter
        WHERE is_shared AND owner_id <> %(viewer_id)s::bigint
            AND (search_sort_key(name), id) > (search_sort_key(%(after)s::text), %(after_id)s::bigint)
        ORDER BY search_sort_key(name), id
        LIMIT %(row_limit)s::int
    )
) AS found
ORDER BY search_sort_key(name), id
LIMIT %(row_limit)s::int;
