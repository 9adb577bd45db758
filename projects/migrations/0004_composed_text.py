"""Require composed text (NFC)."""

from django.db import migrations, models

import kit.db.text
from kit.db import normalizing


def normalize(apps, schema_editor):
    normalizing.compose(apps.get_model("projects", "Project"), "name", shortest=3, is_unique=True)


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0003_system_projects"),
    ]

    operations = [
        migrations.RunPython(normalize, migrations.RunPython.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("name"), name="project_name_composed"),
        ),
    ]
