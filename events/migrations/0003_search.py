import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0002_sql"),
        ("search", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="booking",
            index=django.contrib.postgres.indexes.GinIndex(
                kit.search.expressions.SearchVector("guest_first_name", "guest_last_name", "guest_email"),
                condition=models.Q(("user__isnull", True)),
                fastupdate=False,
                name="booking_guest",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=django.contrib.postgres.indexes.GinIndex(
                kit.search.expressions.SearchVector("name", "venue"), fastupdate=False, name="event_search"
            ),
        ),
    ]
