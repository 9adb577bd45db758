"""The projects that come with the system."""

from django.db import migrations


def create(apps, schema_editor):
    projects = apps.get_model("projects", "Project").objects
    projects.create(name="General", system_name="general", description="Tickets without a project of their own.")
    projects.create(
        name="HelpDesk",
        system_name="helpdesk",
        visibility="involved",
        description="Requests for help. Visible to the people involved and to staff.",
    )


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_sql")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
