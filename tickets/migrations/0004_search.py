from importlib import import_module

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import kit.search.expressions

TICKET_WORDS = import_module("tickets.migrations.0001_initial").TICKET_WORDS


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0003_composed_text"),
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="ticket", name="ticket_title_order"),
        migrations.RemoveIndex(model_name="ticket", name="ticket_search"),
        # The expression of a generated column cannot be changed before PostgreSQL 17.
        migrations.RemoveField(model_name="ticket", name="search"),
        migrations.RunSQL("DROP FUNCTION ticket_words", TICKET_WORDS),
        migrations.AddField(
            model_name="ticket",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=kit.search.expressions.SearchVector("title", "description"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="ticket_search"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                kit.search.expressions.SortKey(models.F("title")),
                models.F("id"),
                include=("title",),
                name="ticket_title_order",
            ),
        ),
    ]
