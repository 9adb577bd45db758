-- Remove what earlier benchmarks have left beside the data set: events, bookings, mail and new tickets.
-- Runs with triggers off, as triggers refuse to truncate or delete most of this.
-- params   tickets  int, number of tickets in the data set
TRUNCATE events_event, events_inventory, events_booking, events_bookingentry, notifications_delivery,
    changes_change,
    procrastinate_jobs, idempotency_idempotencykey, tickets_ticketevent, tickets_assignmentevent RESTART IDENTITY CASCADE;
DELETE FROM changes_inbox;
DELETE FROM tickets_comment;
DELETE FROM tickets_assignment WHERE ticket_id > %(tickets)s;
DELETE FROM tickets_ticket WHERE id > %(tickets)s;
