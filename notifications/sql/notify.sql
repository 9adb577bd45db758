-- Create a delivery for each of these users who is active and has not been notified of this yet, and wake the workers.
-- params   kind, about  text
--          user_ids     bigint[]
--          ticket_id    bigint | null
--          payload      jsonb
-- returns  notified int, number of users
SELECT notifications_notify(%(kind)s, %(about)s, %(user_ids)s::bigint[], %(ticket_id)s, %(payload)s) AS notified;
