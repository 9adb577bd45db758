-- The mail server could not be used at that moment: nobody tries again for a while, which grows from 30 seconds to five
-- minutes. Of several who find out at the same time the first one counts.
-- params   at     timestamptz
--          error  text
-- returns  failures int, in a row; no row: it was known already
INSERT INTO notifications_outage AS outage (id, began_at, until, failures, last_error)
VALUES (1, %(at)s, %(at)s::timestamptz + interval '30 seconds', 1, %(error)s)
ON CONFLICT (id) DO UPDATE SET
    until = %(at)s::timestamptz + least(interval '5 minutes', interval '30 seconds' * 2 ^ least(outage.failures, 10)),
    failures = outage.failures + 1,
    last_error = excluded.last_error
WHERE outage.until <= %(at)s
RETURNING failures;
