-- Note that a user has a ticket open, and find who else has.
-- params   ticket_id  bigint
--          user_id    bigint
--          at         timestamptz, now
--          since      timestamptz, others who were seen earlier have left
--          row_limit  int
-- returns  name  text, of each of the others, in alphabetical order
-- index    presence_once
WITH looking AS (
    INSERT INTO tickets_presence (ticket_id, user_id, seen_at)
    VALUES (%(ticket_id)s, %(user_id)s, %(at)s)
    ON CONFLICT (ticket_id, user_id) DO UPDATE SET seen_at = excluded.seen_at
)
SELECT person.name
FROM tickets_presence AS presence
JOIN accounts_user AS person ON person.id = presence.user_id
WHERE presence.ticket_id = %(ticket_id)s AND presence.user_id <> %(user_id)s AND presence.seen_at >= %(since)s
ORDER BY search_sort_key(person.name), person.id
LIMIT %(row_limit)s
