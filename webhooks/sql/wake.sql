-- Wake the workers for deliveries that are due, once this transaction commits.
-- returns  woken  text, empty
SELECT pg_notify('webhooks', '')::text AS woken
