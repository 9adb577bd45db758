"""Who is told of a comment, in SQL like the rest: one written in psql tells people as much as one through the API."""

from django.db import migrations

# At the end of the transaction, so that who is assigned in it is told as well. `ticketing.quiet`: see 0002.
ANNOUNCE = """
CREATE FUNCTION notifications_announce_comment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ticket tickets_ticket;
BEGIN
    SELECT * INTO ticket FROM tickets_ticket WHERE id = NEW.ticket_id;
    PERFORM notifications_tell(
        'comment-added',
        'comment/' || NEW.id,
        ARRAY(
            SELECT person.id
            FROM accounts_user AS person
            WHERE person.id = ANY(ARRAY(
                    SELECT user_id FROM tickets_assignment WHERE ticket_id = ticket.id UNION SELECT ticket.created_by_id
                ))
                AND person.id <> NEW.author_id
                AND (NOT NEW.is_internal OR person.type IN ('agent', 'admin'))
        ),
        ticket.id,
        jsonb_build_object('comment', NEW.id, 'title', ticket.title, 'status', ticket.status)
    );
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER announce AFTER INSERT ON tickets_comment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION notifications_announce_comment();
"""

FORGET = """
DROP TRIGGER announce ON tickets_comment;
DROP FUNCTION notifications_announce_comment;
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_tell_bookings"), ("tickets", "0006_comment")]
    operations = [
        migrations.RunSQL(ANNOUNCE, FORGET),
    ]
