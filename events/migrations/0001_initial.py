from decimal import Decimal

import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, max_length=20000)),
                ("venue", models.CharField(blank=True, max_length=255)),
                ("starts_at", models.DateTimeField()),
                (
                    "bookings_close_at",
                    models.DateTimeField(blank=True, help_text="Leave empty to keep bookings open.", null=True),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=12,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(Decimal("99999999.99")),
                        ],
                    ),
                ),
                (
                    "max_per_booking",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Leave empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("published", "Published"), ("cancelled", "Cancelled")],
                        default="published",
                        max_length=10,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("api", "API"),
                            ("box-office", "Box-office API"),
                            ("ticks", "Ticks API"),
                            ("admin", "Admin"),
                        ],
                        default="api",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("guest_first_name", models.CharField(blank=True, db_default="", max_length=150)),
                ("guest_last_name", models.CharField(blank=True, db_default="", max_length=150)),
                ("guest_email", models.EmailField(blank=True, db_default="", max_length=254)),
                ("quantity", models.PositiveIntegerField()),
                ("cancelled", models.PositiveIntegerField(db_default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[("confirmed", "Confirmed"), ("waiting", "Waiting"), ("cancelled", "Cancelled")],
                        max_length=10,
                    ),
                ),
                ("queue_number", models.PositiveBigIntegerField(null=True)),
                ("unit_price", models.DecimalField(decimal_places=2, max_digits=12)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("api", "API"),
                            ("box-office", "Box-office API"),
                            ("ticks", "Ticks API"),
                            ("admin", "Admin"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "seats",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                status="confirmed",
                                then=django.db.models.expressions.CombinedExpression(
                                    models.F("quantity"), "-", models.F("cancelled")
                                ),
                            ),
                            default=0,
                        ),
                        output_field=models.IntegerField(),
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        to="events.event",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BookingEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=models.Func(function="clock_timestamp"))),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("confirmed", "Confirmed"),
                            ("promoted", "Promoted"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("seats", models.IntegerField()),
                ("waiting", models.SmallIntegerField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=16)),
                (
                    "booking",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="events.booking",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="events.event",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "booking entries",
            },
        ),
        migrations.CreateModel(
            name="Inventory",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="inventory",
                        serialize=False,
                        to="events.event",
                    ),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ]
                    ),
                ),
                ("withheld", models.PositiveIntegerField(default=0, help_text="Seats that are not for sale.")),
                ("confirmed", models.PositiveIntegerField(default=0, editable=False)),
                ("waiting", models.PositiveIntegerField(default=0, editable=False)),
                ("last_queue_number", models.PositiveBigIntegerField(default=0, editable=False)),
                ("version", models.PositiveBigIntegerField(default=1, editable=False)),
            ],
            options={
                "verbose_name_plural": "inventories",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__range", (1, 1000000))), name="inventory_capacity"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "capacity__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("confirmed"), "+", models.F("withheld")
                                ),
                            ),
                            ("confirmed__gte", 0),
                            ("withheld__gte", 0),
                        ),
                        name="inventory_seats_fit",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["-created_at", "-id"], name="event_created_at"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["starts_at", "id"], name="event_starts_at"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=django.db.models.expressions.NegatedExpression(
                    django.db.models.lookups.Exact(django.db.models.functions.text.Trim("name"), "")
                ),
                name="event_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(("price__range", (0, Decimal("99999999.99")))), name="event_price"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_per_booking__isnull", True), ("max_per_booking__gte", 1), _connector="OR"),
                name="event_max_per_booking",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "published", "cancelled"])), name="event_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(("deleted_at__isnull", True), ("status", "cancelled"), _connector="OR"),
                name="event_deleted_is_cancelled",
            ),
        ),
        migrations.AddIndex(
            model_name="bookingentry",
            index=models.Index(fields=["booking", "id"], name="booking_entry_booking"),
        ),
        migrations.AddIndex(
            model_name="bookingentry",
            index=models.Index(
                fields=["event", "at"],
                include=("kind", "quantity", "seats", "waiting", "amount"),
                name="booking_entry_event",
            ),
        ),
        migrations.AddIndex(
            model_name="bookingentry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="booking_entry_at"),
        ),
        migrations.AddConstraint(
            model_name="bookingentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["requested", "confirmed", "promoted", "cancelled"])),
                name="booking_entry_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["event", "-id"], name="booking_event"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["user", "-id"], name="booking_user"),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__range", (1, 1000000))), name="booking_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("cancelled__gte", 0), ("cancelled__lte", models.F("quantity"))),
                name="booking_cancelled",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled", models.F("quantity")), ("status", "cancelled")),
                    models.Q(("cancelled__lt", models.F("quantity")), ("status__in", ["confirmed", "waiting"])),
                    _connector="OR",
                ),
                name="booking_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "waiting"), _negated=True), ("queue_number__isnull", False), _connector="OR"
                ),
                name="booking_waits_in_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("guest_email", ""), ("user__isnull", False)),
                    models.Q(("user__isnull", True), models.Q(("guest_email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="booking_of_user_or_guest",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_price__range", (0, Decimal("99999999.99")))), name="booking_unit_price"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "cancelled"), _negated=True),
                fields=("event", "user"),
                name="booking_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "waiting")), fields=("event", "queue_number"), name="booking_queue"
            ),
        ),
        # A row that is updated all the time stays small and in place if its page has room for its next versions.
        migrations.RunSQL(
            "ALTER TABLE events_inventory"
            " SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)",
            "ALTER TABLE events_inventory"
            " RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
        ),
    ]
