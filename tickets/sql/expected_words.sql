-- How many tickets PostgreSQL expects to contain the looked-up words of a search, according to its statistics.
-- params   search     text
--          are_whole  boolean   whether longer words that begin with them do not count
-- returns  one row: QUERY PLAN json   an array whose only element has the number at Plan, Plan Rows
-- index    none
EXPLAIN (FORMAT JSON)
SELECT FROM tickets_ticket
WHERE search @@ CASE WHEN %(are_whole)s::boolean THEN
    search_whole(%(search)s::text)
ELSE
    search_query(%(search)s::text, TRUE)
END;
