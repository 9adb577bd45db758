-- Divide all titles anew into spans with about as many tickets each. No ticket is noted in them yet.
-- params   length   int   how many tickets a span has
-- index    ticket_title_order
WITH forgotten AS (
    DELETE FROM tickets_spannedword
), boundary AS (
    SELECT DISTINCT title_key
    FROM (SELECT title_key, row_number() OVER (ORDER BY title_key, id) AS place FROM tickets_ticket) AS ticket
    WHERE place %% %(length)s::int = 0
)
UPDATE tickets_titlespans
SET
    first_titles = ARRAY(SELECT title_key FROM boundary ORDER BY title_key),
    divided_id = (SELECT max(id) FROM tickets_ticket),
    last_id = 0;
