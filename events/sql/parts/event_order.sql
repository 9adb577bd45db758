-- Sort by the order, ids breaking ties. PostgreSQL sees through the CASEs if it knows the parameters.
ORDER BY
    CASE WHEN %(is_descending)s::boolean
        THEN CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END
    END DESC,
    CASE WHEN %(is_descending)s::boolean THEN event.id END DESC,
    CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END,
    event.id
