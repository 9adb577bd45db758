-- Give a job to each delivery that is due and has none waiting, the one that has waited longest first.
-- One whose job a worker holds gets another: either that worker is dead, or the second finds nothing to do.
-- params   at    timestamptz
--          most  int, how many
-- returns  deferred int
-- index    delivery_due
SELECT
    notifications_defer(ARRAY(
        SELECT id
        FROM notifications_delivery
        WHERE state = 'pending' AND next_attempt_at <= %(at)s
        ORDER BY next_attempt_at, id
        LIMIT %(most)s
    )) AS deferred;
