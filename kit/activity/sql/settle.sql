-- Let the log take in what is committed by now. The function is that of the room `changes`, which may depend on others.
-- params   number  int  of changes, at most
-- returns  taken   int  as many as that if there may be more
SELECT changes_sequence(%(number)s::int) AS taken
