import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("events", "0001_initial"),
        ("tickets", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnnouncedAssignment",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tickets.assignmentevent",),
        ),
        migrations.CreateModel(
            name="AnnouncedChange",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tickets.ticketevent",),
        ),
        migrations.CreateModel(
            name="AnnouncedComment",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tickets.comment",),
        ),
        migrations.CreateModel(
            name="AnnouncedEntry",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("events.bookingentry",),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("ticket-updated", "Ticket updated"),
                            ("booking-confirmed", "Booking confirmed"),
                            ("booking-waiting", "Booking on waiting list"),
                            ("booking-promoted", "Booking promoted"),
                            ("booking-cancelled", "Booking cancelled"),
                            ("event-cancelled", "Event cancelled"),
                            ("sla-at-risk", "SLA at risk"),
                            ("sla-breached", "SLA breached"),
                            ("comment-added", "Comment added"),
                            ("set-password", "Set password"),
                            ("reset-password", "Reset password"),
                        ],
                        max_length=40,
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        help_text="Identifies the occasion; nobody is notified of it twice.", max_length=200
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("name", models.CharField(max_length=301)),
                (
                    "payload",
                    models.JSONField(
                        db_default={}, help_text="Values for the templates that cannot be looked up later."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sent", "Sent"),
                            ("failed", "Rejected"),
                            ("dead", "Gave up after retries"),
                        ],
                        db_default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                ("last_error", models.TextField(blank=True, db_default="")),
                ("next_attempt_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "booking",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="events.booking",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="tickets.ticket",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "e-mail",
                "verbose_name_plural": "sent mail",
            },
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("failures", models.PositiveIntegerField()),
                ("last_error", models.TextField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="outage_single")],
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_attempt_at", "id"], name="delivery_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("booking__isnull", False)), fields=["booking", "-id"], name="delivery_booking"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("state__in", ("failed", "dead"))),
                name="delivery_given_up",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="delivery_created_at"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("about", "user"), name="delivery_once"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("booking__isnull", False), ("user__isnull", True)),
                fields=("about",),
                name="delivery_once_guest",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "sent", "failed", "dead"])), name="delivery_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sent_at__isnull", False), ("state", "sent")),
                    models.Q(models.Q(("state", "sent"), _negated=True), ("sent_at__isnull", True)),
                    _connector="OR",
                ),
                name="delivery_sent_at",
            ),
        ),
    ]
