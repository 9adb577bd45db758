"""One policy per priority. The hours are document 004's; staff change them in the admin."""

from django.db import migrations

HOURS = {"high": 4, "medium": 24, "low": 48}


def create(apps, schema_editor):
    policies = apps.get_model("sla", "SlaPolicy").objects
    for priority, hours in HOURS.items():
        policies.create(priority=priority, hours=hours)


class Migration(migrations.Migration):
    dependencies = [("sla", "0002_sql")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
