"""Indexes for lists of waiting and cancelled bookings."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0011_book_enters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                condition=models.Q(("status", "confirmed"), _negated=True),
                fields=["status", "-id"],
                name="booking_unconfirmed",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                condition=models.Q(("status", "confirmed"), _negated=True),
                fields=["event", "status", "-id"],
                name="booking_event_unconfirmed",
            ),
        ),
    ]
