-- Keep everybody else from folding or rebuilding the counts until this transaction ends; wait for one who does.
SELECT pg_advisory_xact_lock(hashtext('analytics_dailycount'))
