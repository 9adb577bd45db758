import django.contrib.postgres.indexes
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sql"),
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="user",
            name="user_name",
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(kit.search.expressions.SortKey("name"), models.F("id"), name="user_name"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(
                kit.search.expressions.SearchVector("name", "email"), fastupdate=False, name="user_search"
            ),
        ),
    ]
