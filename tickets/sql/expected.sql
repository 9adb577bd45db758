-- How many tickets PostgreSQL expects to match a filter, according to its statistics.
-- params   at   timestamptz   the current time
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  one row: QUERY PLAN json   an array whose only element has the number at Plan, Plan Rows
-- index    none
EXPLAIN (FORMAT JSON)
SELECT FROM tickets_ticket AS ticket
WHERE
\ir parts/matching.sql
AND
\ir parts/looked_up_once.sql
;
