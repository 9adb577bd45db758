-- Which users and which events does each word of a search name?
-- params   words           text
--          row_limit       int         maximum number of ids in each array
-- returns  word            text        a word of the search, folded
--          is_looked_up    boolean     whether the arrays are filled: only for the most selective words
--          users           bigint[]    ids of users with a word in their name or address that begins with this one
--          events          bigint[]    ids of events with such a word in their name
-- index    user_search, event_name_words
WITH word AS MATERIALIZED (
    SELECT term, is_looked_up, search_query(term) AS query FROM search_terms(%(words)s)
)
SELECT
    term AS word,
    is_looked_up,
    ARRAY(SELECT id FROM accounts_user WHERE is_looked_up AND search @@ query LIMIT %(row_limit)s) AS users,
    ARRAY(SELECT id FROM events_event WHERE is_looked_up AND name_words @@ query LIMIT %(row_limit)s) AS events
FROM word
