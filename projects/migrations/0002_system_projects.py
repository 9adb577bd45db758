from django.db import migrations


def create(apps, schema_editor):
    projects = apps.get_model("projects", "Project").objects
    projects.create(name="General", system_name="general", description="Tickets that name no project.")
    projects.create(
        name="HelpDesk",
        system_name="helpdesk",
        visibility="involved",
        description="Requests for help: seen by those involved and by staff.",
    )


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
