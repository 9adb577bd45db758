-- Record that the mail server is unreachable and pause sending: for `first` at first, twice as long after each further
-- failure, at most `longest`. If several workers find out during the same pause, only the first counts.
-- params   at       timestamptz
--          error    text
--          first    interval
--          longest  interval
-- returns  failures int, in a row; no row if the outage was already known
INSERT INTO notifications_outage AS outage (id, began_at, until, failures, last_error)
VALUES (1, %(at)s, %(at)s::timestamptz + %(first)s::interval, 1, %(error)s)
ON CONFLICT (id) DO UPDATE SET
    until = %(at)s::timestamptz + least(%(longest)s::interval, %(first)s::interval * 2 ^ least(outage.failures, 10)),
    failures = outage.failures + 1,
    last_error = excluded.last_error
WHERE outage.until <= %(at)s
RETURNING failures;
