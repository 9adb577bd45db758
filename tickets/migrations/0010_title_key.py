import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.conf import settings
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0005_search"),
        ("tickets", "0009_list_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_unclosed_title",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_title_order",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_venue_title",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_type_title",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_search",
        ),
        # Added again with what SearchVector is now; the state of the models does not change.
        migrations.RemoveField(
            model_name="ticket",
            name="search",
        ),
        migrations.AddField(
            model_name="ticket",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=kit.search.expressions.SearchVector("title", "description"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="title_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=kit.search.expressions.SortKey("title"),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="ticket_search"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("title_key"),
                models.F("id"),
                include=("created_at", "project", "created_by"),
                name="ticket_title_order",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(models.F("venue"), models.F("title_key"), models.F("id"), name="ticket_venue_title"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(models.F("type"), models.F("title_key"), models.F("id"), name="ticket_type_title"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("title_key"),
                models.F("id"),
                condition=models.Q(("status", "closed"), _negated=True),
                name="ticket_unclosed_title",
            ),
        ),
    ]
