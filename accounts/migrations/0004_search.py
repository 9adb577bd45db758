import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_composed_text"),
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="user",
            name="user_name",
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
            index=models.Index(kit.search.expressions.SortKey("name"), models.F("id"), name="user_name"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="user_search"),
        ),
    ]
