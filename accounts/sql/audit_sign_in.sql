-- Append an entry about a request that signs in or out, or tries to, to the audit log.
-- params   action         text
--          user_id        bigint  whose account it is; NULL: unknown, or there is none
--          account        text    the address that was entered
--          door           text    api or admin
--          address        text    the client's network address, '' if unknown
--          user_agent     text
--          request_id     text
--          once_per       text    an interval in which further entries of the same action, account and network address are left out; NULL: none are
-- index    audit_entry_account
INSERT INTO accounts_auditentry
    (at, action, user_id, account, by_id, door, address, user_agent, request_id, details)
SELECT
    clock_timestamp(),
    %(action)s,
    %(user_id)s::bigint,
    %(account)s,
    %(user_id)s::bigint,
    %(door)s,
    %(address)s,
    %(user_agent)s,
    %(request_id)s,
    '{}'
WHERE %(once_per)s::interval IS NULL
    OR NOT EXISTS (
        SELECT
        FROM accounts_auditentry AS earlier
        WHERE upper(earlier.account) = upper(%(account)s)
            AND earlier.action = %(action)s
            AND earlier.address = %(address)s
            AND earlier.at > clock_timestamp() - %(once_per)s::interval
    );
