-- Count a failed sign-in against a budget, unless it is used up, and forget failures that no longer count. Atomic:
-- simultaneous statements wait for each other's row lock.
-- params   account  text, a digest
--          scope    text
--          limit    int
--          at       timestamptz, of the failure
--          since    timestamptz, earlier failures no longer count
-- returns  is_counted  bool
--          oldest      timestamptz, of the failures that count
-- index    failure_budget_once
INSERT INTO accounts_failurebudget AS budget (account, scope, failures, expires_at)
VALUES (
    %(account)s,
    %(scope)s,
    ARRAY[%(at)s::timestamptz],
    %(at)s::timestamptz + (%(at)s::timestamptz - %(since)s::timestamptz)
)
ON CONFLICT (account, scope) DO UPDATE SET
    failures = (
        SELECT recent.failures || CASE WHEN cardinality(recent.failures) < %(limit)s THEN excluded.failures END
        FROM (
            SELECT ARRAY(
                SELECT failed_at FROM unnest(budget.failures) AS failed_at
                WHERE failed_at > %(since)s
                ORDER BY failed_at
            ) AS failures
        ) AS recent
    ),
    expires_at = excluded.expires_at
RETURNING failures[cardinality(failures)] = %(at)s AS is_counted, failures[1] AS oldest;
