-- Append an entry to the audit log. For triggers: who did it, and how, comes from the context that history uses; without
-- one, it was done in SQL. `user_id` is whose account it is about, NULL if it is about none.
CREATE OR REPLACE FUNCTION accounts_audit(action text, user_id bigint, details jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO accounts_auditentry
        (at, action, user_id, account, by_id, door, address, user_agent, request_id, details)
    SELECT
        clock_timestamp(),
        accounts_audit.action,
        accounts_audit.user_id,
        coalesce((SELECT person.email FROM accounts_user AS person WHERE person.id = accounts_audit.user_id), ''),
        (origin.context ->> 'user')::bigint,
        coalesce(origin.context ->> 'door', 'database'),
        '',
        '',
        coalesce(origin.context ->> 'request_id', ''),
        accounts_audit.details
    FROM (SELECT nullif(current_setting('pghistory.context_metadata', true), '')::jsonb AS context) AS origin;
$$;
