-- From here to the end of the transaction, changes of tickets tell nobody.
-- returns  hushed text
SELECT set_config('ticketing.quiet', 'on', true) AS hushed;
