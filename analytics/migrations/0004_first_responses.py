"""First responses, filled from the comments that exist, and subscriptions to the weekly report."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import kit.db.sampling

FIND_FIRST_RESPONSES = """
INSERT INTO analytics_firstresponse (ticket_id, author_id, project_id, responded_at, seconds)
SELECT DISTINCT ON (ticket.id)
    ticket.id, comment.author_id, ticket.project_id, comment.created_at,
    greatest(extract(epoch FROM comment.created_at - ticket.created_at), 0)
FROM tickets_comment AS comment
JOIN tickets_ticket AS ticket ON ticket.id = comment.ticket_id
JOIN accounts_user AS author ON author.id = comment.author_id
WHERE NOT comment.is_internal AND author.type <> 'customer' AND author.id <> ticket.created_by_id
ORDER BY ticket.id, comment.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_versions"),
        ("analytics", "0003_months"),
        ("tickets", "0014_missed_orders"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportSubscription",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reported_on",
                    models.DateField(help_text="The Monday of the last report; at first, the one before subscribing."),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CountedComment",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tickets.comment",),
        ),
        migrations.CreateModel(
            name="FirstResponse",
            fields=[
                ("ticket_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("author_id", models.BigIntegerField()),
                ("project_id", models.BigIntegerField(help_text="The ticket's project at that time.")),
                ("responded_at", models.DateTimeField()),
                ("seconds", models.FloatField(help_text="From the creation of the ticket to the response.")),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["responded_at"],
                        include=("ticket_id", "author_id", "project_id", "seconds"),
                        name="first_response_at",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="firstresponse",
            index=models.Index(
                condition=models.Q(kit.db.sampling.IsSampled("ticket_id")),
                fields=["responded_at"],
                include=("ticket_id", "author_id", "project_id", "seconds"),
                name="first_response_sample",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countedcomment",
            trigger=pgtrigger.compiler.Trigger(
                name="note_first_response",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NOT NEW."is_internal")',
                    func="BEGIN\n    INSERT INTO analytics_firstresponse (ticket_id, author_id, project_id, responded_at, seconds)\n    SELECT\n        ticket.id, NEW.author_id, ticket.project_id, NEW.created_at,\n        -- Clocks can go back.\n        greatest(extract(epoch FROM NEW.created_at - ticket.created_at), 0)\n    FROM tickets_ticket AS ticket\n    JOIN accounts_user AS author ON author.id = NEW.author_id\n    WHERE ticket.id = NEW.ticket_id AND author.type <> 'customer' AND author.id <> ticket.created_by_id\n    ON CONFLICT (ticket_id) DO NOTHING;\n    RETURN NULL;\nEND;\n",
                    hash="f44d3401dfdc415689ef0fe230438ee99588e224",
                    operation="INSERT",
                    pgid="pgtrigger_note_first_response_a7064",
                    table="tickets_comment",
                    when="AFTER",
                ),
            ),
        ),
        # The trigger keeps writers out until the migration is committed.
        migrations.RunSQL(FIND_FIRST_RESPONSES, migrations.RunSQL.noop),
    ]
