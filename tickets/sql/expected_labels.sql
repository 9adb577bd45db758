-- How many tickets PostgreSQL expects to have all of some labels, according to its statistics.
-- params   labels   text[]
-- returns  one row: QUERY PLAN json   an array whose only element has the number at Plan, Plan Rows
-- index    none
EXPLAIN (FORMAT JSON)
SELECT FROM tickets_ticket WHERE labels @> %(labels)s::text[] AND labels <> '{}';
