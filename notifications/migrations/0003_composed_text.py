"""Require addresses that mail can be sent to."""

from django.conf import settings
from django.db import migrations, models

from kit.db import normalizing


def normalize(apps, schema_editor):
    normalizing.normalize_addresses(apps.get_model("notifications", "Delivery"), "address")


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_sql"),
        ("events", "0003_composed_text"),
        ("tickets", "0003_composed_text"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(normalize, migrations.RunPython.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "address__regex",
                        "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\\.)+[A-Za-z][A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*$",
                    )
                ),
                name="delivery_address",
            ),
        ),
    ]
