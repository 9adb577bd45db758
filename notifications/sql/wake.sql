-- Wake the workers for mail that is due, once this transaction commits.
-- returns  woken  text, empty
SELECT pg_notify('mail', '')::text AS woken
