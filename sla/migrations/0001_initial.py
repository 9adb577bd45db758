import datetime

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

import sla.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("name", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "ordering": ["day"],
            },
        ),
        migrations.CreateModel(
            name="Opening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ]
                    ),
                ),
                ("opens_at", models.TimeField(verbose_name="opens")),
                ("closes_at", models.TimeField(help_text="00:00 means the end of the day.", verbose_name="closes")),
            ],
            options={
                "ordering": ["weekday", "opens_at"],
            },
        ),
        migrations.CreateModel(
            name="SlaPolicy",
            fields=[
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        max_length=10,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("hours", models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ("at_risk_share", models.FloatField(db_default=0.8, default=0.8, editable=False)),
            ],
            options={
                "verbose_name": "SLA policy",
                "verbose_name_plural": "SLA policies",
            },
        ),
        migrations.CreateModel(
            name="Calendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150)),
                ("time_zone", models.CharField(choices=sla.models.time_zones, default="UTC", max_length=64)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("name"),
                        name="calendar_name",
                        violation_error_message="A calendar with this name already exists.",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.expressions.NegatedExpression(
                            django.db.models.lookups.Exact(django.db.models.functions.text.Trim("name"), "")
                        ),
                        name="calendar_has_name",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="holiday",
            name="calendar",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="holidays", to="sla.calendar"
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="calendar",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="openings", to="sla.calendar"
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="calendar",
            field=models.ForeignKey(
                blank=True,
                help_text="When the hours count. Without a calendar, they count round the clock.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="policies",
                to="sla.calendar",
            ),
        ),
        migrations.AddConstraint(
            model_name="holiday",
            constraint=models.UniqueConstraint(fields=("calendar", "day"), name="holiday_once"),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.UniqueConstraint(fields=("calendar", "weekday", "opens_at"), name="opening_once"),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(condition=models.Q(("weekday__range", (0, 6))), name="opening_weekday"),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closes_at__gt", models.F("opens_at")), ("closes_at", datetime.time(0, 0)), _connector="OR"
                ),
                name="opening_before_closing",
                violation_error_message="Must close after it opens; 00:00 means the end of the day.",
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(condition=models.Q(("hours__gte", 1)), name="sla_policy_hours"),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__in", ["low", "medium", "high"])), name="sla_policy_priority"
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("at_risk_share__gt", 0), ("at_risk_share__lt", 1)), name="sla_policy_at_risk_share"
            ),
        ),
    ]
