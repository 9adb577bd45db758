-- Assign users to new tickets in one statement.
-- params   ticket_ids, user_ids  bigint[]     one pair per assignment, in the order in which to assign them
--          slots                 smallint[]   numbered from 1 for each ticket
--          assigned_by_id        bigint
--          at                    timestamptz  the tickets' created_at
INSERT INTO tickets_assignment (ticket_id, user_id, slot, assigned_at, assigned_by_id)
SELECT ticket_id, user_id, slot, %(at)s, %(assigned_by_id)s
FROM unnest(%(ticket_ids)s::bigint[], %(user_ids)s::bigint[], %(slots)s::smallint[])
    WITH ORDINALITY AS added (ticket_id, user_id, slot, place)
ORDER BY place;
