"""A guest has two names, and each may be as long as a user's one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0005_tell_comments")]
    operations = [migrations.AlterField("delivery", "name", models.CharField(max_length=301))]
