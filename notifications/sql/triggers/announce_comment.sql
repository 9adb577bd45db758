-- AFTER INSERT ON tickets_comment, FOR EACH ROW, DEFERRED (condition: models.py).
-- Notifies the assignees, the watchers and the creator, except the author; for an internal comment, only those who are staff.
-- Deferred, so that people assigned in the same transaction are included.
DECLARE
    ticket tickets_ticket;
BEGIN
    SELECT * INTO ticket FROM tickets_ticket WHERE id = NEW.ticket_id;
    PERFORM notifications_notify(
        'comment-added',
        'comment/' || NEW.id,
        ARRAY(
            SELECT person.id
            FROM accounts_user AS person
            WHERE person.id = ANY(ARRAY(
                    SELECT user_id FROM tickets_assignment WHERE ticket_id = ticket.id
                    UNION
                    SELECT tickets_watchers(ticket.id)
                    UNION
                    SELECT ticket.created_by_id
                ))
                AND person.id <> NEW.author_id
                AND comment_is_readable(NEW.is_internal, person.type)
        ),
        ticket.id,
        jsonb_build_object('comment', NEW.id, 'title', ticket.title, 'status', ticket.status),
        NEW.author_id
    );
    RETURN NULL;
END;
