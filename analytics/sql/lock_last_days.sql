-- Lock the last days against folding, rebuilding and moving tickets until the transaction ends; waits for running ones.
-- params   none
-- returns  one row without meaning
SELECT pg_advisory_xact_lock(hashtext('analytics_lastday'))
