-- Write a delivery to each of these people who is active and does not have it yet, and defer its job.
-- params   kind, about  text
--          user_ids     bigint[]
--          ticket_id    bigint | null
--          payload      jsonb
-- returns  told int
SELECT notifications_tell(%(kind)s, %(about)s, %(user_ids)s::bigint[], %(ticket_id)s, %(payload)s) AS told;
