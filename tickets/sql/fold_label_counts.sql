-- Replace the rows that add up to a label's count in a project with their sum. Readers see either the rows or the sum.
-- Rows that are written while this runs are left for the next run.
-- index    none: reads the whole table, which this keeps small
WITH folded AS (
    DELETE FROM tickets_labelcount
    RETURNING label, project_id, tickets
)
INSERT INTO tickets_labelcount (label, project_id, tickets)
SELECT label, project_id, sum(tickets)
FROM folded
GROUP BY label, project_id
HAVING sum(tickets) <> 0;
