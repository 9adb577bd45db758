-- Insert 1.3 assignments per ticket on average. Nine in ten are an agent's. Customer 1 is assigned to 5 tickets, customer
-- 2 to 5,000.
-- params   total      int
--          customers  int
INSERT INTO tickets_assignment (ticket_id, user_id, slot, assigned_at)
SELECT
    ticket.id,
    CASE
        WHEN slot = 1 AND ticket.id %% (%(total)s / 5) = 7 THEN 1
        WHEN slot = 1 AND ticket.id %% (%(total)s / 5000) = 3 THEN 2
        -- Another user for each slot, as a user can be assigned only once.
        WHEN draw %% 10 = 0 THEN 3 + (draw / 10 + slot) %% (%(customers)s - 2)
        ELSE %(customers)s + 1 + (draw / 10 + slot) %% (%(customers)s / 100)
    END,
    slot,
    ticket.created_at
FROM tickets_ticket AS ticket
CROSS JOIN LATERAL (SELECT abs(hashint8extended(ticket.id, 8)) AS draw) AS drawn
CROSS JOIN LATERAL generate_series(
    1,
    CASE
        WHEN ticket.id %% (%(total)s / 5) = 7 OR ticket.id %% (%(total)s / 5000) = 3 THEN 1
        WHEN draw %% 100 < 15 THEN 0 WHEN draw %% 100 < 65 THEN 1 WHEN draw %% 100 < 90 THEN 2 ELSE 3
    END
) AS slot
ORDER BY ticket.id, slot;
