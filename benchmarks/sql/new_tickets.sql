-- Create tickets like those that benchmarks/batch.py sends, with all triggers. What it takes is the least that a service
-- can take.
-- params   number      int
--          creator_id  bigint
INSERT INTO tickets_ticket (
    title, description, project_id, status, type, venue, priority, created_by_id, created_at,
    sla_due_at, sla_warn_at, sla_hours, version
)
SELECT
    'Printer ' || number || ' does not print', 'It has been slow since Monday: ' || number, project.id, 'open', 'task',
    '', 'medium', %(creator_id)s, date_trunc('milliseconds', now()), date_trunc('milliseconds', now()) + '24 h',
    date_trunc('milliseconds', now()) + '19 h', 24, 1
FROM generate_series(1, %(number)s) AS number, projects_project AS project
WHERE project.system_name = 'general';
