-- What a text is taken apart into when tickets are searched for it: its words, each once, as the tickets' are written.
-- params   words  text
-- returns  words  text[]   empty: nothing but punctuation
SELECT tsvector_to_array(ticket_words(%(words)s)) AS words
