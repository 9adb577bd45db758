-- Choose which tickets to note next: all up to the last one. No transaction is writing any of them (pause_writers.sql).
-- index    tickets_ticket_pkey
UPDATE tickets_titlespans SET next_id = coalesce((SELECT max(id) FROM tickets_ticket), 0);
