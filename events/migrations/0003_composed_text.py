"""Require composed text and normalized addresses."""

from django.conf import settings
from django.db import migrations, models

import kit.db.text
import kit.email_addresses
from kit.db import normalizing


def normalize(apps, schema_editor):
    normalizing.compose(apps.get_model("events", "Event"), "name", "venue")
    booking = apps.get_model("events", "Booking")
    normalizing.compose(booking, "guest_first_name", "guest_last_name")
    normalizing.normalize_addresses(booking, "guest_email")


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0002_sql"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Nobody is mailed about this.
        migrations.RunSQL("SELECT set_config('ticketing.quiet', 'on', true)", migrations.RunSQL.noop),
        migrations.RunPython(normalize, migrations.RunPython.noop),
        migrations.RunSQL("SELECT set_config('ticketing.quiet', '', true)", migrations.RunSQL.noop),
        # Pending events of deferred constraints would prevent the next statements.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="booking",
            name="guest_email",
            field=kit.email_addresses.ModelField(blank=True, db_default="", max_length=254),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("guest_email", ""),
                    (
                        "guest_email__regex",
                        "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\\.)+[A-Za-z][A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*$",
                    ),
                    _connector="OR",
                ),
                name="booking_guest_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=kit.db.text.IsComposed("guest_first_name"), name="booking_first_name_composed"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=kit.db.text.IsComposed("guest_last_name"), name="booking_last_name_composed"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("name"), name="event_name_composed"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(condition=kit.db.text.IsComposed("venue"), name="event_venue_composed"),
        ),
    ]
