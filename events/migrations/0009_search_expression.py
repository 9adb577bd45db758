import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.conf import settings
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    """Add columns and indexes again with what SearchVector is now. The state of the models does not change."""

    dependencies = [
        ("events", "0008_cancel_waiting_of_deactivated"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="booking",
            name="booking_guest",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="event_name_words",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="event_search",
        ),
        migrations.RemoveField(
            model_name="booking",
            name="guest_words",
        ),
        migrations.RemoveField(
            model_name="event",
            name="name_words",
        ),
        migrations.AddField(
            model_name="booking",
            name="guest_words",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        then=kit.search.expressions.SearchVector("guest_first_name", "guest_last_name", "guest_email"),
                        user__isnull=True,
                    )
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="name_words",
            field=models.GeneratedField(
                db_persist=True,
                expression=kit.search.expressions.SearchVector("name"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("user__isnull", True)),
                fastupdate=False,
                fields=["guest_words"],
                name="booking_guest",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["name_words"], name="event_name_words"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=django.contrib.postgres.indexes.GinIndex(
                kit.search.expressions.SearchVector("name", "venue"), fastupdate=False, name="event_search"
            ),
        ),
    ]
