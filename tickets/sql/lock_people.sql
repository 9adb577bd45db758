-- The creators and assignees of new or changed tickets. Until the transaction ends, nobody can deactivate or delete them
-- or change their type. All are locked at once, in the order of their ids: triggers lock them one by one, and
-- transactions that did so in different orders could wait for each other.
-- params   ids  bigint[]
-- returns  id bigint; is_active, is_admin, is_customer bool; no row for unknown ids
-- index    accounts_user_pkey
SELECT id, is_active, type = 'admin' AS is_admin, type = 'customer' AS is_customer
FROM accounts_user
WHERE id = ANY(%(ids)s::bigint[])
ORDER BY id
FOR SHARE;
