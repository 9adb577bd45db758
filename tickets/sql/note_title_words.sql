-- Note the words of the next tickets, and of those that have been changed, in the spans of their titles.
-- params   walk   int   how many ids to go on by
-- returns  one row: is_done boolean   whether all tickets up to next_id are noted
-- index    tickets_ticket_pkey
WITH changed AS (
    DELETE FROM tickets_newlytitled RETURNING ticket_id
), moved AS (
    UPDATE tickets_titlespans SET last_id = least(last_id + %(walk)s::int, next_id) RETURNING last_id = next_id AS is_done
), added AS (
    SELECT title_key, search
    FROM tickets_ticket
    WHERE id > (SELECT last_id FROM tickets_titlespans)
        AND id <= (SELECT least(last_id + %(walk)s, next_id) FROM tickets_titlespans)
    UNION ALL
    SELECT title_key, search
    FROM tickets_ticket
    WHERE id IN (SELECT ticket_id FROM changed)
), placed AS MATERIALIZED (
    -- An ARRAY of its own, because PostgreSQL would decompress a stored one for each ticket.
    SELECT width_bucket(title_key, ARRAY(SELECT unnest(first_titles) FROM tickets_titlespans)) AS span, search
    FROM added
), found AS (
    SELECT DISTINCT left(word, 4) COLLATE "C" AS beginning, span
    FROM placed
    CROSS JOIN LATERAL unnest(tsvector_to_array(search)) AS word
    WHERE word !~ '^[0-9]'
), merged AS (
    INSERT INTO tickets_spannedword AS known (beginning, spans)
    SELECT
        beginning,
        bit_or(set_bit(
            (SELECT repeat('0', cardinality(first_titles) + 1)::bit varying FROM tickets_titlespans), span, 1
        ))
    FROM found
    GROUP BY beginning
    ON CONFLICT (beginning) DO UPDATE SET spans = known.spans | excluded.spans
    WHERE known.spans | excluded.spans <> known.spans
)
SELECT is_done FROM moved;
