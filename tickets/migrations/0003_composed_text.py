"""Require composed text (NFC)."""

from django.conf import settings
from django.db import migrations, models

import kit.db.text
from kit.db import normalizing


def normalize(apps, schema_editor):
    normalizing.compose(apps.get_model("tickets", "Ticket"), "title", "type", "venue")


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0002_sql"),
        ("projects", "0004_composed_text"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Nobody is mailed about this.
        migrations.RunSQL("SELECT set_config('ticketing.quiet', 'on', true)", migrations.RunSQL.noop),
        migrations.RunPython(normalize, migrations.RunPython.noop),
        migrations.RunSQL("SELECT set_config('ticketing.quiet', '', true)", migrations.RunSQL.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("title"), name="ticket_title_composed"),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("type"), name="ticket_type_composed"),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("venue"), name="ticket_venue_composed"),
        ),
    ]
