-- The end of a statement that begins with SELECT … FROM ( and finds ids of tickets: keep the first ones, in order.
    ORDER BY
\ir in_order.sql
    LIMIT %(row_limit)s::int
) AS found
JOIN tickets_ticket AS ticket ON ticket.id = found.id
ORDER BY
\ir in_order.sql
