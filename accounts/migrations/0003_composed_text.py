"""Require composed names and normalized addresses."""

from django.db import migrations, models

import kit.db.text
import kit.email_addresses
from kit.db import normalizing


def normalize(apps, schema_editor):
    user = apps.get_model("accounts", "User")
    normalizing.compose(user, "name", shortest=3)
    normalizing.normalize_addresses(user, "email", is_unique=True)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sql"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(normalize, migrations.RunPython.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="user",
            name="email",
            field=kit.email_addresses.ModelField(max_length=254, verbose_name="e-mail address"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "email__regex",
                        "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\\.)+[A-Za-z][A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*$",
                    )
                ),
                name="user_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("name"), name="user_name_composed"),
        ),
    ]
