-- Whether the viewer may see what has changed, as the API shows it. CASE keeps the conditions from being joined, so that
-- only rows until the page is full are looked up.
CASE noted.type
    WHEN 'ticket' THEN EXISTS (
        SELECT FROM tickets_ticket AS ticket
        WHERE ticket.id = noted.object_id
        AND
\ir ../../../tickets/sql/parts/visible.sql
    ) AND (noted.action <> 'commented' OR EXISTS (
        SELECT FROM tickets_comment AS comment
        WHERE comment.id = noted.detail_id AND comment_is_readable(comment.is_internal, %(viewer_type)s::text)
    ))
    WHEN 'booking' THEN %(is_admin)s::boolean OR EXISTS (
        SELECT FROM events_booking AS booking WHERE booking.id = noted.object_id AND booking.user_id = %(user_id)s::bigint
    )
    WHEN 'event' THEN EXISTS (
        SELECT FROM events_event AS event
        WHERE event.id = noted.object_id
        AND (
            -- Deleted events are cancelled ones, which everyone could see.
            (noted.action = 'deleted' AND event.deleted_at IS NOT NULL)
            OR
\ir ../../../events/sql/parts/event_visible.sql
        )
    ) OR (noted.action = 'deleted' AND %(is_admin)s)
    WHEN 'project' THEN true
    WHEN 'user' THEN %(is_admin)s OR noted.object_id = %(user_id)s
END
