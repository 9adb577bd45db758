-- What to sort tickets by. PostgreSQL ignores what is null, because it plans the statement with its parameters.
    CASE WHEN NOT %(is_descending)s::boolean THEN
        CASE %(ordering)s::text
            WHEN 'created_at' THEN ticket.created_at
            WHEN 'updated_at' THEN coalesce(ticket.updated_at, 'infinity')
            WHEN 'due_at' THEN coalesce(ticket.due_at, 'infinity')
        END
    END,
    CASE WHEN NOT %(is_descending)s::boolean AND %(ordering)s = 'priority' THEN
\ir rank.sql
    END,
    CASE WHEN NOT %(is_descending)s::boolean AND %(ordering)s = 'title' THEN ticket.title_key END,
    CASE WHEN NOT %(is_descending)s::boolean THEN ticket.id END,
    CASE WHEN %(is_descending)s THEN
        CASE %(ordering)s::text
            WHEN 'created_at' THEN ticket.created_at
            WHEN 'updated_at' THEN coalesce(ticket.updated_at, '-infinity')
            WHEN 'due_at' THEN coalesce(ticket.due_at, '-infinity')
        END
    END DESC,
    CASE WHEN %(is_descending)s AND %(ordering)s = 'priority' THEN
\ir rank.sql
    END DESC,
    CASE WHEN %(is_descending)s AND %(ordering)s = 'title' THEN ticket.title_key END DESC,
    CASE WHEN %(is_descending)s THEN ticket.id END DESC
