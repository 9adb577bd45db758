-- Whether the ticket comes after a position in the order and not after the end. PostgreSQL has to plan the statement with
-- its parameters, so that only one branch remains. Where the rest of the order has one key, as after the last date, the
-- condition says so: PostgreSQL estimates a comparison of rows by their first column, and would expect no rows at all.
-- params   ordering        text      the column to sort by: created_at, updated_at, due_at, priority or title
--          is_descending   boolean
--          after_date      timestamptz | null   the position to start after: the sort key of a ticket, or an end of the
--          after_title     text | null          order; null where the order does not need it, and at the first title
--          after_rank      int | null
--          after_id        bigint
--          until_date      timestamptz | null   the end of a walk in order of creation
--          until_rank      int | null           and by priority
CASE
    WHEN %(ordering)s::text = 'title' THEN
        %(after_title)s::text IS NULL
        OR CASE
            WHEN %(is_descending)s::boolean THEN
                (ticket.title_key, ticket.id) < (search_sort_key(%(after_title)s), %(after_id)s::bigint)
            ELSE (ticket.title_key, ticket.id) > (search_sort_key(%(after_title)s), %(after_id)s)
        END
    WHEN %(ordering)s = 'priority' THEN
        CASE
            WHEN %(after_rank)s::int = %(until_rank)s::int THEN
\ir rank.sql
                = %(after_rank)s
                AND CASE WHEN %(is_descending)s THEN ticket.id < %(after_id)s ELSE ticket.id > %(after_id)s END
            WHEN %(is_descending)s THEN
                (
\ir rank.sql
                    , ticket.id
                ) < (%(after_rank)s, %(after_id)s)
                AND
\ir rank.sql
                >= %(until_rank)s
            ELSE
                (
\ir rank.sql
                    , ticket.id
                ) > (%(after_rank)s, %(after_id)s)
                AND
\ir rank.sql
                <= %(until_rank)s
        END
    WHEN %(ordering)s = 'created_at' THEN
        CASE WHEN %(is_descending)s THEN
            (ticket.created_at, ticket.id) < (%(after_date)s::timestamptz, %(after_id)s)
            AND ticket.created_at >= %(until_date)s::timestamptz
        ELSE
            (ticket.created_at, ticket.id) > (%(after_date)s, %(after_id)s)
            AND ticket.created_at < %(until_date)s
        END
    WHEN %(ordering)s = 'updated_at' THEN
        CASE
            WHEN %(is_descending)s AND %(after_date)s = '-infinity' THEN
                coalesce(ticket.updated_at, '-infinity') = '-infinity' AND ticket.id < %(after_id)s
            WHEN %(is_descending)s THEN
                (coalesce(ticket.updated_at, '-infinity'), ticket.id) < (%(after_date)s, %(after_id)s)
            WHEN %(after_date)s = 'infinity' THEN
                coalesce(ticket.updated_at, 'infinity') = 'infinity' AND ticket.id > %(after_id)s
            ELSE (coalesce(ticket.updated_at, 'infinity'), ticket.id) > (%(after_date)s, %(after_id)s)
        END
    WHEN %(ordering)s = 'due_at' THEN
        CASE
            WHEN %(is_descending)s AND %(after_date)s = '-infinity' THEN
                coalesce(ticket.due_at, '-infinity') = '-infinity' AND ticket.id < %(after_id)s
            WHEN %(is_descending)s THEN
                (coalesce(ticket.due_at, '-infinity'), ticket.id) < (%(after_date)s, %(after_id)s)
            WHEN %(after_date)s = 'infinity' THEN
                coalesce(ticket.due_at, 'infinity') = 'infinity' AND ticket.id > %(after_id)s
            ELSE (coalesce(ticket.due_at, 'infinity'), ticket.id) > (%(after_date)s, %(after_id)s)
        END
END
