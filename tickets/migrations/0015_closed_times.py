"""Add to the index of closed tickets what the admin's overview reads of them."""

from django.conf import settings
from django.db import migrations, models

import kit.db.sampling


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_versions"),
        ("tickets", "0014_missed_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_closed_at",
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["closed_at"],
                include=("sla_met", "id", "created_at", "project"),
                name="ticket_closed_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False), kit.db.sampling.IsSampled("id")),
                fields=["closed_at"],
                include=("sla_met", "id", "created_at", "project"),
                name="ticket_closed_sample",
            ),
        ),
    ]
