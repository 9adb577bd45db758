"""Require composed text (NFC)."""

from django.db import migrations, models

import kit.db.text
from kit.db import normalizing


def normalize(apps, schema_editor):
    normalizing.compose(apps.get_model("sla", "Calendar"), "name", is_unique=True)


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0003_policies"),
    ]

    operations = [
        migrations.RunPython(normalize, migrations.RunPython.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="calendar",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("name"), name="calendar_name_composed"),
        ),
    ]
