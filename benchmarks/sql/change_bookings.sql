-- Change bookings, each of which is then announced to webhooks.
UPDATE events_booking
SET guest_last_name = CASE guest_last_name WHEN 'Guest' THEN 'Gast' ELSE 'Guest' END
WHERE id IN (SELECT id FROM events_booking ORDER BY id LIMIT %(number)s)
