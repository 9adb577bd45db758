"""Remove deactivated assignees from tickets that were reopened, or whose assignee psql deactivated, before triggers."""

from django.db import migrations

DROP_DEACTIVATED = """
DELETE FROM tickets_assignment AS assignment
USING tickets_ticket AS ticket, accounts_user AS person
WHERE ticket.id = assignment.ticket_id AND person.id = assignment.user_id
    AND ticket.status <> 'closed' AND NOT person.is_active;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0007_deactivated_assignees"),
        ("accounts", "0002_sql"),
    ]

    operations = [migrations.RunSQL(DROP_DEACTIVATED, migrations.RunSQL.noop)]
