-- Start after a position of the order. PostgreSQL sees through the CASEs if it knows the parameters.
(
    NOT %(is_descending)s::boolean
    OR (CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END, event.id)
        < (%(after)s::timestamptz, %(after_id)s::bigint)
)
AND (
    %(is_descending)s::boolean
    OR (CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END, event.id)
        > (%(after)s::timestamptz, %(after_id)s::bigint)
)
