-- The tickets of the messages that a summary replaces, with their titles and statuses as of the last message.
-- params   summary_id  bigint
--          user_type   text      the recipient's; only staff are told of internal comments
-- returns  number      bigint    of the ticket
--          title, status         text
--          updates, comments, reminders, misses  int  messages of each kind; reminders and misses are about deadlines
-- index    delivery_summary, tickets_comment_pkey
SELECT
    delivery.ticket_id AS number,
    (array_agg(delivery.payload ->> 'title' ORDER BY delivery.id DESC))[1] AS title,
    (array_agg(delivery.payload ->> 'status' ORDER BY delivery.id DESC))[1] AS status,
    count(*) FILTER (WHERE delivery.kind = 'ticket-updated') AS updates,
    count(*) FILTER (WHERE delivery.kind = 'comment-added') AS comments,
    count(*) FILTER (WHERE delivery.kind = 'sla-at-risk') AS reminders,
    count(*) FILTER (WHERE delivery.kind = 'sla-breached') AS misses
FROM notifications_delivery AS delivery
LEFT JOIN tickets_comment AS comment ON comment.id = (delivery.payload ->> 'comment')::bigint
WHERE delivery.summary_id = %(summary_id)s
    AND (delivery.kind <> 'comment-added' OR comment_is_readable(comment.is_internal, %(user_type)s))
GROUP BY delivery.ticket_id
ORDER BY delivery.ticket_id
