-- The words of a search, each once, split and folded like the words of tickets.
-- params   words  text
-- returns  words  text[]   empty if the text has no letters or digits
SELECT tsvector_to_array(ticket_words(%(words)s)) AS words
