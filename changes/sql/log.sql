-- Where the log ends.
-- returns  position  bigint  of the newest change
-- index    changes_log_pkey
SELECT position FROM changes_log
