-- Create tickets in one statement. Triggers complete their clocks and write their history.
-- params   tickets  json   an array of objects with the columns below
-- returns  a row per ticket, in the order of the array: id bigint
INSERT INTO tickets_ticket (
    title, description, project_id, status, type, venue, price, priority, due_at, created_by_id, created_at,
    sla_due_at, sla_warn_at, sla_hours, sla_calendar, closed_at, sla_met, sla_left, labels, version
)
SELECT
    title, description, project_id, status, type, venue, price, priority, due_at, created_by_id, created_at,
    sla_due_at, sla_warn_at, sla_hours, sla_calendar, closed_at, sla_met, sla_left, coalesce(labels, '{}'), 1
FROM ROWS FROM (
    json_to_recordset(%(tickets)s::json) AS (
        title text, description text, project_id bigint, status text, type text, venue text, price numeric,
        priority text, due_at timestamptz, created_by_id bigint, created_at timestamptz, sla_due_at timestamptz,
        sla_warn_at timestamptz, sla_hours smallint, sla_calendar text, closed_at timestamptz, sla_met bool,
        sla_left interval, labels text[]
    )
) WITH ORDINALITY
ORDER BY ordinality
RETURNING id;
