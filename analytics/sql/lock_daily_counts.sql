-- Lock the daily counts against folding and rebuilding until the transaction ends; waits for a running one.
-- params   none
-- returns  one row without meaning
SELECT pg_advisory_xact_lock(hashtext('analytics_dailycount'))
