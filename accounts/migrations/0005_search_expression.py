import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    """Add the column again with what SearchVector is now. The state of the models does not change."""

    dependencies = [
        ("accounts", "0004_search"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="user",
            name="user_search",
        ),
        migrations.RemoveField(
            model_name="user",
            name="search",
        ),
        migrations.AddField(
            model_name="user",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=kit.search.expressions.SearchVector("name", "email"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="user_search"),
        ),
    ]
