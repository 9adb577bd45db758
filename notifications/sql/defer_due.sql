-- Queue a job for each due delivery that has none waiting, the longest overdue first.
-- A delivery whose job is running gets another one: if the worker is alive, the second job finds nothing to do.
-- params   at     timestamptz
--          limit  int
-- returns  deferred int, number of jobs queued
-- index    delivery_due
SELECT
    notifications_defer(ARRAY(
        SELECT id
        FROM notifications_delivery
        WHERE state = 'pending' AND next_attempt_at <= %(at)s
        ORDER BY next_attempt_at, id
        LIMIT %(limit)s
    )) AS deferred;
