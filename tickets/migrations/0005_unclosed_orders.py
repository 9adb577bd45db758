import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

import kit.search.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0004_search"),
        ("projects", "0005_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce(
                    models.F("updated_at"),
                    models.Func(output_field=models.DateTimeField(), template="'infinity'::timestamptz"),
                ),
                models.F("id"),
                condition=models.Q(("status", "closed"), _negated=True),
                include=("updated_at",),
                name="ticket_unclosed_updated_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                kit.search.expressions.SortKey(models.F("title")),
                models.F("id"),
                condition=models.Q(("status", "closed"), _negated=True),
                include=("title",),
                name="ticket_unclosed_title",
            ),
        ),
    ]
