from django.db import migrations


def create(apps, schema_editor):
    policies = apps.get_model("tickets", "SlaPolicy").objects
    for priority, hours in {"high": 4, "medium": 24, "low": 48}.items():
        policies.create(priority=priority, hours=hours)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
