"""The ticket itself: its columns, indexes, constraints and triggers."""

from datetime import datetime
from decimal import Decimal

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Trim
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.sampling import IsSampled
from kit.db.text import composed_constraint
from kit.db.triggers import refuse_truncate, trigger
from kit.search.expressions import MarkedVector, SortKey
from projects.models import Project
from sla.clock import Clock
from sla.models import Priority, SlaState
from tickets.models.clock import CLOCK_TRIGGERS, UNCLOSED, Status, clock_of
from tickets.models.label import COUNTING_TRIGGERS
from tickets.models.ordering import CreationWeek, Ordering
from tickets.models.queryset import TicketManager
from tickets.models.queues import next_due
from tickets.models.title_span import NOTING_TRIGGERS

MAX_PRICE = Decimal("99999999.99")
# Fields with an index of their own that continues with the title.
TITLED_FIELDS = ("venue", "type", "project")
BY_TITLE = Ordering("title", is_descending=False)
BY_PRIORITY = Ordering("priority", is_descending=False)
# An index can be walked in both directions, but missing dates come last in either: dates need two.
BY_DATE = {
    "updated_at": Ordering("updated_at", is_descending=False),
    "updated_at_desc": Ordering("updated_at", is_descending=True),
    "due_at": Ordering("due_at", is_descending=False),
    "due_at_desc": Ordering("due_at", is_descending=True),
}
# The orders with indexes by week, besides those of all tickets.
WEEKLY = BY_DATE | {"priority": BY_PRIORITY}
WEEKLY_FIELDS = {ordering.field for ordering in WEEKLY.values()}
# What decides whether a ticket is visible and in a span.
SEEN_BY = ["created_at", "project", "created_by"]
# All that lists are filtered and sorted by, except words and deadlines. Indexes include it so that thousands of tickets
# can be filtered and sorted without a look at the table.
LISTED = (
    *("id", "created_at", "updated_at", "due_at", "title_key"),
    *("project", "created_by", "status", "priority", "type", "venue"),
)
CLOSED = ["sla_met", "id", "created_at", "project"]
# Columns that the database derives. Changing only these does not change the ticket: no new version, no history.
DERIVED = [
    *("version", "updated_at", "search", "title_key"),
    *("closed_at", "held_seconds", "sla_hours", "sla_calendar", "sla_warn_at", "sla_met", "sla_alarm_at"),
    *("sla_left", "sla_is_outdated"),
]


def _listing(*fields: str, name: str) -> models.Index:
    """Return an index on these fields that includes the others that lists are filtered and sorted by."""
    indexed = {field.removeprefix("-") for field in fields}
    return models.Index(fields=fields, include=[field for field in LISTED if field not in indexed], name=name)


class Ticket(models.Model):
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True, max_length=20_000)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    type = models.CharField(
        max_length=50, default="task", help_text="Any word: concert, conference, sports, task, bug…"
    )
    venue = models.CharField(max_length=255, blank=True)
    price = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)],
    )
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.MEDIUM)
    due_at = models.DateTimeField("due date", null=True, blank=True)
    sla_due_at = models.DateTimeField("SLA due", editable=False)
    held_at = models.DateTimeField("on hold since", null=True, editable=False)
    hold_reason = models.CharField(
        "reason for hold", max_length=255, blank=True, default="", db_default="", editable=False
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    created_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    # The terms behind sla_due_at: the hours since creation, the calendar ("" if they count round the clock), and the
    # business time spent on hold or closed, up to the last restart of the clock.
    sla_hours = models.PositiveSmallIntegerField("SLA hours", editable=False)
    sla_calendar = models.CharField(max_length=150, blank=True, default="", db_default="", editable=False)
    held_seconds = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # When the policy's at_risk_share of the time is used up.
    sla_warn_at = models.DateTimeField(editable=False)
    # Whether it was closed in time; NULL while it is not closed.
    sla_met = models.BooleanField("SLA met", null=True, editable=False)
    # Business time left when the clock stopped; NULL if it follows from the other columns. See sla/clock.py.
    sla_left = models.DurationField(null=True, editable=False)
    # Whether the priority has changed since the ticket was closed.
    sla_is_outdated = models.BooleanField(default=False, db_default=False, editable=False)
    # When to notify people next: first that the deadline is near, then that it has passed.
    sla_alarm_at = models.DateTimeField(null=True, editable=False)
    # Set by triggers, and only when something really changed. New or removed assignees count as a change.
    updated_at = models.DateTimeField(null=True, editable=False)
    # As models.label.normalized returns them.
    labels = ArrayField(models.TextField(), default=list, db_default=[], blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    # The ids of the tickets that were merged into this one, in that order.
    merged_from = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    assignees = models.ManyToManyField(
        User, through="Assignment", through_fields=("ticket", "user"), related_name="assigned_tickets"
    )

    search = models.GeneratedField(
        expression=MarkedVector("title", "description"), output_field=SearchVectorField(), db_persist=True
    )
    # Stored, because five indexes would each compute it for every new ticket.
    title_key = models.GeneratedField(expression=SortKey("title"), output_field=models.TextField(), db_persist=True)

    objects = TicketManager()

    class Meta:
        indexes = [
            _listing("-created_at", "-id", name="ticket_created_at"),
            *(ordering.index(f"ticket_{name}") for name, ordering in BY_DATE.items()),
            BY_PRIORITY.index("ticket_priority_order"),
            BY_TITLE.index("ticket_title_order", include=SEEN_BY),
            *(
                ordering.index(f"ticket_weekly_{name}", by=CreationWeek("created_at"), include=SEEN_BY)
                for name, ordering in WEEKLY.items()
            ),
            # The same titles recur, and those of one type or venue may all be far down among the others.
            *(BY_TITLE.index(f"ticket_{field}_title", by=F(field)) for field in TITLED_FIELDS),
            # Few tickets miss their deadline, and those may all be far down among the others.
            *(
                BY_DATE[name].index(f"ticket_missed_{name}", condition=Q(sla_met=False))
                for name in ("due_at", "due_at_desc")
            ),
            # Has all that lists of tickets that are not closed are filtered and sorted by, except words and titles.
            models.Index(
                fields=["sla_due_at"],
                include=[
                    *("id", "sla_warn_at", "held_at", "created_at", "updated_at", "due_at"),
                    *("project", "created_by", "status", "priority", "type", "venue"),
                ],
                condition=UNCLOSED,
                name="ticket_unclosed",
            ),
            # The admin's queues, most urgent first. Includes what the expression is computed from.
            models.Index(
                next_due(),
                F("id"),
                include=["sla_due_at", "held_at"],
                condition=UNCLOSED,
                name="ticket_next",
            ),
            # Every search would have to read the pending list of fastupdate.
            GinIndex(fields=["search"], fastupdate=False, name="ticket_search"),
            # Tickets without labels cost nothing.
            GinIndex(fields=["labels"], fastupdate=False, condition=~Q(labels=[]), name="ticket_labels"),
            models.Index(fields=["status", "-created_at", "-id"], name="ticket_by_status"),
            models.Index(fields=["type", "-created_at", "-id"], name="ticket_by_type"),
            _listing("sla_met", "-created_at", "-id", name="ticket_sla_met"),
            # The admin's overview counts and times recently closed tickets from these indexes alone: from all, or one
            # in 16.
            models.Index(
                fields=["closed_at"], include=CLOSED, condition=Q(closed_at__isnull=False), name="ticket_closed_at"
            ),
            models.Index(
                fields=["closed_at"],
                include=CLOSED,
                condition=Q(closed_at__isnull=False) & Q(IsSampled("id")),
                name="ticket_closed_sample",
            ),
            models.Index(fields=["sla_alarm_at"], condition=Q(sla_alarm_at__isnull=False), name="ticket_sla_alarm"),
            _listing("project", "-created_at", name="ticket_project"),
            _listing("venue", "created_at", name="ticket_venue"),
            # analytics/sql/dashboard.sql finds customers with a matching ticket from this index alone, too.
            _listing("created_by", "created_at", name="ticket_creator"),
            # For the thousands of tickets that are assigned to somebody.
            _listing("id", name="ticket_by_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("title"), ""), name="ticket_title"),
            models.CheckConstraint(condition=~Exact(Trim("type"), ""), name="ticket_type"),
            composed_constraint("title", name="ticket_title_composed"),
            composed_constraint("type", name="ticket_type_composed"),
            composed_constraint("venue", name="ticket_venue_composed"),
            models.CheckConstraint(
                condition=Q(labels=[])
                | Q(Func(F("labels"), function="labels_are_valid", output_field=models.BooleanField())),
                name="ticket_labels",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | (Q(status=Status.CLOSED) & ~Q(merged_into=F("id"))),
                name="ticket_merged",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="ticket_status"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="ticket_priority"),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__range=(0, MAX_PRICE)), name="ticket_price"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CLOSED, closed_at__isnull=False, sla_met__isnull=False, held_at__isnull=True)
                | (~Q(status=Status.CLOSED) & Q(closed_at__isnull=True, sla_met__isnull=True)),
                name="ticket_clock",
            ),
        ]
        triggers = [
            *CLOCK_TRIGGERS,
            *COUNTING_TRIGGERS,
            *NOTING_TRIGGERS,
            trigger(
                "tickets/refuse_merge",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("merged_into_id"),
                condition=pgtrigger.AnyChange("merged_into"),
            ),
            # Document 001: "Deleting ticket is not possible in the system."
            pgtrigger.Protect(name="keep_tickets", operation=pgtrigger.Delete),
            refuse_truncate("keep_all_tickets"),
            trigger(
                "tickets/step_2_keep_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("version", "updated_at"),
            ),
            trigger(
                "tickets/step_3_move_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(exclude=DERIVED),
            ),
            trigger(
                "tickets/step_4_drop_deactivated",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("status"),
                condition=pgtrigger.Condition("OLD.status = 'closed' AND NEW.status <> 'closed'"),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    def may_be_assigned_by(self, user: User) -> bool:
        """Return whether the user may assign people. Document 000: "only the user who created the ticket or an admin".

        Agents count as staff, as admins do.
        """
        return user.is_staff or self.created_by_id == user.pk

    @property
    def clock(self) -> Clock:
        return clock_of(self)

    def sla_state(self, at: datetime) -> SlaState:
        """Return where the ticket stands. TicketQuerySet states the same for lists; a test compares the two."""
        if self.status == Status.CLOSED:
            return SlaState.MET if self.sla_met else SlaState.MISSED
        if self.held_at is not None:
            return SlaState.ON_HOLD
        if self.sla_due_at < at:
            return SlaState.BREACHED
        return SlaState.AT_RISK if self.sla_warn_at < at else SlaState.OK
