-- Empty the benchmark's database except for what migrations have written.
-- Runs with triggers off, as triggers refuse to truncate most of these tables.
TRUNCATE accounts_user, tickets_ticketevent, tickets_assignmentevent, idempotency_idempotencykey,
    notifications_unannounced RESTART IDENTITY CASCADE;
DELETE FROM projects_project WHERE system_name IS NULL;
