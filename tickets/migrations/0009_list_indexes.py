from django.conf import settings
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0005_search"),
        ("tickets", "0008_drop_deactivated_assignees"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_created_at",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_sla_due_at",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_title_order",
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                fields=["-created_at", "-id"],
                include=("updated_at", "due_at", "project", "priority", "status"),
                name="ticket_created_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                kit.search.expressions.SortKey(models.F("title")),
                models.F("id"),
                include=("title", "created_at", "project", "created_by"),
                name="ticket_title_order",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("venue"),
                kit.search.expressions.SortKey(models.F("title")),
                models.F("id"),
                name="ticket_venue_title",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("type"),
                kit.search.expressions.SortKey(models.F("title")),
                models.F("id"),
                name="ticket_type_title",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("status", "closed"), _negated=True),
                fields=["sla_due_at"],
                include=(
                    "id",
                    "sla_warn_at",
                    "held_at",
                    "created_at",
                    "updated_at",
                    "due_at",
                    "project",
                    "created_by",
                    "status",
                    "priority",
                    "type",
                    "venue",
                ),
                name="ticket_unclosed",
            ),
        ),
    ]
