-- Move committed changes from the inbox to the log, as functions/sequence.sql says.
-- params   number  int  at most
-- returns  taken   int  as many as that if there may be more
-- index    changes_inbox_pkey
SELECT changes_sequence(%(number)s::int) AS taken
