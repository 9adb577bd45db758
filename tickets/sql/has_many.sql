-- Whether more than 3,000 tickets are assigned to a user.
-- params   user_id  bigint
-- returns  one row: has_many boolean
-- index    assignment_user
SELECT count(*) > 3000 AS has_many
FROM (SELECT FROM tickets_assignment WHERE user_id = %(user_id)s::bigint LIMIT 3001) AS assignment;
