from decimal import Decimal

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
import pghistory.utils
from django.conf import settings
from django.db import migrations, models

# What the generated column needs: a frozen copy of tickets/sql/functions/ticket_words.sql.
TICKET_WORDS = r"""
-- Return the words of a text: runs of letters and digits. Used by the search column and by searches. Everything else is
-- removed before parsing: PostgreSQL's parser would keep addresses, numbers and paths whole, so that their parts could
-- not be found, and what it counts as a letter depends on the locale of the database.
CREATE OR REPLACE FUNCTION ticket_words(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector(
        'pg_catalog.simple'::regconfig,
        regexp_replace(
            normalize(words),
            '[!-/:-@\[-`{-~'
            -- Latin; Arabic, Indian
            '\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965'
            -- quotes, dashes, currencies; arrows, signs, shapes
            '\u2000-\u20cf\u2190-\u2bff\u2e00-\u2e7f'
            -- Chinese, Japanese; presentation forms; emoji
            '\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe00-\ufe1f\ufe30-\ufe6f'
            '\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff]+',
            ' ',
            'g'
        )
    );
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("projects", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(TICKET_WORDS, "DROP FUNCTION ticket_words"),
        migrations.RunSQL("CREATE SEQUENCE tickets_history_id", "DROP SEQUENCE tickets_history_id"),
        migrations.CreateModel(
            name="Assignee",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("accounts.user",),
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.PositiveSmallIntegerField(editable=False)),
                ("assigned_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "assigned_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, max_length=20000)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("in-progress", "In Progress"), ("closed", "Closed")],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        default="task", help_text="Any word: concert, conference, sports, task, bug…", max_length=50
                    ),
                ),
                ("venue", models.CharField(blank=True, max_length=255)),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(Decimal("99999999.99")),
                        ],
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="due date")),
                ("sla_due_at", models.DateTimeField(editable=False, verbose_name="SLA due")),
                ("held_at", models.DateTimeField(editable=False, null=True, verbose_name="on hold since")),
                (
                    "hold_reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="reason for hold",
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("closed_at", models.DateTimeField(editable=False, null=True)),
                ("sla_hours", models.PositiveSmallIntegerField(editable=False, verbose_name="SLA hours")),
                (
                    "sla_calendar",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
                ),
                ("held_seconds", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("sla_warn_at", models.DateTimeField(editable=False)),
                ("sla_met", models.BooleanField(editable=False, null=True, verbose_name="SLA met")),
                ("sla_alarm_at", models.DateTimeField(editable=False, null=True)),
                ("updated_at", models.DateTimeField(editable=False, null=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            "title",
                            "description",
                            template="setweight(ticket_words(title), 'A') || setweight(ticket_words(description), 'D')",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "assignees",
                    models.ManyToManyField(
                        related_name="assigned_tickets",
                        through="tickets.Assignment",
                        through_fields=("ticket", "user"),
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tickets",
                        to="projects.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message", models.TextField(max_length=20000)),
                (
                    "is_internal",
                    models.BooleanField(default=False, help_text="Visible to staff only; nobody else is notified."),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="tickets.ticket",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AssignmentEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_id",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("tickets_history_id"), function="nextval"),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("assigned_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "assigned_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="assignment",
            name="ticket",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="assignments",
                to="tickets.ticket",
            ),
        ),
        migrations.CreateModel(
            name="TicketEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_id",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("tickets_history_id"), function="nextval"),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("title", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True, max_length=20000)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("in-progress", "In Progress"), ("closed", "Closed")],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        default="task", help_text="Any word: concert, conference, sports, task, bug…", max_length=50
                    ),
                ),
                ("venue", models.CharField(blank=True, max_length=255)),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(Decimal("99999999.99")),
                        ],
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True, verbose_name="due date")),
                ("sla_due_at", models.DateTimeField(editable=False, verbose_name="SLA due")),
                ("held_at", models.DateTimeField(editable=False, null=True, verbose_name="on hold since")),
                (
                    "hold_reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="reason for hold",
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tickets.ticket",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["-created_at", "-id"], name="ticket_created_at"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce(
                    models.F("updated_at"),
                    models.Func(output_field=models.DateTimeField(), template="'infinity'::timestamptz"),
                ),
                models.F("id"),
                include=("updated_at",),
                name="ticket_updated_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        models.F("updated_at"),
                        models.Func(output_field=models.DateTimeField(), template="'-infinity'::timestamptz"),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("id"), descending=True),
                include=("updated_at",),
                name="ticket_updated_at_desc",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce(
                    models.F("due_at"),
                    models.Func(output_field=models.DateTimeField(), template="'infinity'::timestamptz"),
                ),
                models.F("id"),
                include=("due_at",),
                name="ticket_due_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        models.F("due_at"),
                        models.Func(output_field=models.DateTimeField(), template="'-infinity'::timestamptz"),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("id"), descending=True),
                include=("due_at",),
                name="ticket_due_at_desc",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.Case(
                    models.When(
                        django.db.models.lookups.Exact(models.F("priority"), models.Value("low")), then=models.Value(0)
                    ),
                    models.When(
                        django.db.models.lookups.Exact(models.F("priority"), models.Value("medium")),
                        then=models.Value(1),
                    ),
                    models.When(
                        django.db.models.lookups.Exact(models.F("priority"), models.Value("high")), then=models.Value(2)
                    ),
                    output_field=models.SmallIntegerField(),
                ),
                models.F("id"),
                include=("priority",),
                name="ticket_priority_order",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                django.db.models.functions.text.Upper(models.F("title")),
                models.F("id"),
                include=("title",),
                name="ticket_title_order",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="ticket_search"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["status", "-created_at", "-id"], name="ticket_by_status"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["type", "-created_at", "-id"], name="ticket_by_type"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(models.Q(("status", "closed"), _negated=True), ("held_at__isnull", True)),
                fields=["sla_due_at"],
                include=("sla_warn_at",),
                name="ticket_sla_due_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["sla_met", "-created_at", "-id"], name="ticket_sla_met"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["closed_at"],
                include=("sla_met",),
                name="ticket_closed_at",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("sla_alarm_at__isnull", False)), fields=["sla_alarm_at"], name="ticket_sla_alarm"
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["project", "-created_at"], name="ticket_project"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["venue", "created_at"], name="ticket_venue"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                fields=["created_by", "created_at"],
                include=("project", "status", "priority", "type"),
                name="ticket_creator",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=django.db.models.expressions.NegatedExpression(
                    django.db.models.lookups.Exact(django.db.models.functions.text.Trim("title"), "")
                ),
                name="ticket_title",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=django.db.models.expressions.NegatedExpression(
                    django.db.models.lookups.Exact(django.db.models.functions.text.Trim("type"), "")
                ),
                name="ticket_type",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "in-progress", "closed"])), name="ticket_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__in", ["low", "medium", "high"])), name="ticket_priority"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("price__isnull", True), ("price__range", (0, Decimal("99999999.99"))), _connector="OR"
                ),
                name="ticket_price",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", False),
                        ("held_at__isnull", True),
                        ("sla_met__isnull", False),
                        ("status", "closed"),
                    ),
                    models.Q(
                        models.Q(("status", "closed"), _negated=True),
                        ("closed_at__isnull", True),
                        ("sla_met__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="ticket_clock",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(fields=["ticket", "id"], name="comment_of_ticket"),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=django.db.models.expressions.NegatedExpression(
                    django.db.models.lookups.Exact(django.db.models.functions.text.Trim("message"), "")
                ),
                name="comment_message",
            ),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("message"), 20000
                ),
                name="comment_message_length",
            ),
        ),
        migrations.AddIndex(
            model_name="assignmentevent",
            index=models.Index(fields=["ticket", "-pgh_id"], name="assignment_event_order"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(fields=("ticket", "user"), name="assignment_once"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(fields=("ticket", "slot"), name="assignment_slot_once"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(condition=models.Q(("slot__range", (1, 5))), name="assignment_limit"),
        ),
        migrations.AddIndex(
            model_name="ticketevent",
            index=models.Index(fields=["pgh_obj", "-pgh_id"], name="ticket_event_order"),
        ),
    ]
