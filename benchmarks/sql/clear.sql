-- Empty the benchmark's database except for what migrations have written.
-- Runs with triggers off, as triggers refuse to truncate most of these tables.
TRUNCATE accounts_user, tickets_ticketevent, tickets_assignmentevent, idempotency_idempotencykey,
    tickets_labelcount, tickets_titlespans, tickets_spannedword, tickets_newlytitled, changes_change RESTART IDENTITY CASCADE;
DELETE FROM changes_inbox;
DELETE FROM projects_project WHERE system_name IS NULL;
