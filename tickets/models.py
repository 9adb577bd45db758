"""The work: tickets, who is assigned to them, and what is said about them.

What must hold whatever code runs is in the constraints and triggers. Rules that need the caller or several rows are in
services.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self, cast

import pghistory
import pgtrigger
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Expression, F, Func, Prefetch, Q, Value, When
from django.db.models.functions import Coalesce, Length, Trim, Upper
from django.db.models.lookups import Exact, GreaterThan, LessThan, LessThanOrEqual
from django.utils import timezone
from pghistory.models import Event

from accounts.models import User
from kit.db.triggers import refuse_truncate, trigger
from projects.models import Project, Visibility
from sla.models import Priority, SlaState

# Document 000: "a defined limit (e.g., 5 users per ticket)". The table's constraint says the same number.
MAX_ASSIGNEES = 5
MAX_PRICE = Decimal("99999999.99")
MAX_MESSAGE = 20_000
# How many words of a search the index is asked for.
MOST_LOOKED_UP = 4
# What the database writes itself, and what follows from the rest: no change of a ticket.
DERIVED = [
    *("version", "updated_at", "search"),
    *("closed_at", "held_seconds", "sla_hours", "sla_calendar", "sla_warn_at", "sla_met", "sla_alarm_at"),
]


class Status(models.TextChoices):
    OPEN = "open"
    IN_PROGRESS = "in-progress"
    CLOSED = "closed"


class WordBeginning(SearchQuery):
    """Asks for words that begin with this one."""

    template = "%(expressions)s::tsquery"

    def __init__(self, word: str) -> None:
        quoted = word.replace("\\", "\\\\").replace("'", "''")
        super().__init__(f"'{quoted}':*")


def _by_date(date: Expression, is_descending: bool) -> Expression:
    last = "'-infinity'::timestamptz" if is_descending else "'infinity'::timestamptz"
    return Coalesce(date, Func(template=last, output_field=models.DateTimeField()))


def _by_priority(priority: Expression, is_descending: bool) -> Expression:
    ranks = [When(Exact(priority, Value(name)), then=Value(rank)) for rank, name in enumerate(Priority.values)]
    return Case(*ranks, output_field=models.SmallIntegerField())


# What is compared, by field. Each has an index: Ticket.Meta.
SORT_KEYS: dict[str, Callable[[Any, bool], Expression]] = {
    "created_at": lambda date, _: date,
    "updated_at": _by_date,
    "due_at": _by_date,
    "priority": _by_priority,
    "title": lambda title, _: Upper(title),
}


@dataclass(frozen=True)
class Ordering:
    """An order of tickets: by a field of SORT_KEYS, of equal ones by id, in the same direction.

    Priorities go from low to high, titles regardless of case. Whatever the direction, those without a date come last.
    """

    field: str = "created_at"
    is_descending: bool = True

    def key(self) -> Expression:
        """What is compared of the tickets."""
        return SORT_KEYS[self.field](F(self.field), self.is_descending)

    def key_of(self, value: Any) -> Expression:
        """What is compared of a value, be it None."""
        column = cast("models.Field[Any, Any]", Ticket._meta.get_field(self.field))
        return SORT_KEYS[self.field](Value(value, output_field=column), self.is_descending)

    def place(self, ticket: "Ticket") -> tuple[Any, int]:
        """Where a ticket stands, for `TicketQuerySet.in_order` to go on from."""
        return getattr(ticket, self.field), ticket.pk


class AnyOf(Exact):
    """That a column is one of some rows', asked so that PostgreSQL can answer it by index, among OR as well."""

    def __init__(self, column: str, rows: models.QuerySet[Any]) -> None:
        super().__init__(F(column), ArraySubquery(rows.order_by()))

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= ANY({rhs})"


def _seen_by_everyone() -> Q:
    return Q(AnyOf("project_id", Project.objects.filter(visibility=Visibility.EVERYONE).values("pk")))


def _involving(user: User) -> Q:
    return Q(created_by=user) | Q(AnyOf("pk", Assignment.objects.filter(user=user).values("ticket")))


# It stands still while a ticket is on hold, and when it is closed.
CLOCK_RUNS = ~Q(status=Status.CLOSED) & Q(held_at__isnull=True)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: User) -> Self:
        """The one definition of "visible"; `analytics/sql` states the same for the raw queries, and a test compares."""
        if user.is_staff:
            return self
        return self.filter(_seen_by_everyone() | _involving(user))

    def seen_by_everyone(self) -> Self:
        return self.filter(_seen_by_everyone())

    def involving(self, user: User) -> Self:
        """Those that somebody created or is assigned to."""
        return self.filter(_involving(user))

    def concerning(self, user: User) -> Self:
        """Of those visible to somebody, what is theirs to look after: all of them for staff."""
        return self if user.is_staff else self.involving(user)

    def breached(self, at: datetime) -> Self:
        """The one definition of "breached": sla_due_at < at, of those whose clock runs, as an index knows them."""
        return self.filter(CLOCK_RUNS, sla_due_at__lt=at)

    def at_risk(self, at: datetime) -> Self:
        """Not breached, but more than AT_RISK_SHARE of the time is used."""
        return self.filter(CLOCK_RUNS, sla_due_at__gte=at, sla_warn_at__lt=at)

    def met(self) -> Self:
        """Closed in time."""
        return self.filter(sla_met=True)

    def missed(self) -> Self:
        """Closed late."""
        return self.filter(sla_met=False)

    def alarmed(self, at: datetime) -> Self:
        """Those of which people are to be told something about the deadline, the most urgent first."""
        return self.filter(sla_alarm_at__lt=at).order_by("sla_alarm_at")

    def search(self, words: Iterable[str]) -> Self:
        """Those in which each of these begins a word of title or description. `queries.words` takes a text apart."""
        # A word of another script may be short, but takes more bytes.
        asked = sorted(words, key=lambda word: len(word.encode()), reverse=True)
        # One or two letters begin so many words that it takes long to look them up, and many words take as long; they
        # are looked for in what is found by the others.
        longest = [word for word in asked if len(word.encode()) >= 3] or asked
        by_index = longest[:MOST_LOOKED_UP]
        others = (word for word in asked if word not in by_index)
        return self.filter(
            *(Q(search=WordBeginning(word)) for word in by_index),
            *(~Q(search=~WordBeginning(word)) for word in others),
        )

    def alike(self, ordering: Ordering, value: Any) -> Self:
        """Those that stand where `value` does in this order."""
        return self.filter(Exact(ordering.key(), ordering.key_of(value)))

    def in_order(self, ordering: Ordering, *, after: tuple[Any, int] | None = None, by_index: bool = True) -> Self:
        """In this order, from the place `after` on.

        `by_index` false keeps PostgreSQL from walking the index of the order: it finds them all, then sorts. For few.
        """
        key = ordering.key()
        shown = key if by_index else Func(key, function="GREATEST")
        tickets = self.order_by(*(each.desc() if ordering.is_descending else each.asc() for each in (shown, F("pk"))))
        if after is None:
            return tickets
        value, ticket_id = after
        here, there = (_row(key, F("pk")), _row(ordering.key_of(value), Value(ticket_id)))
        return tickets.filter(LessThan(here, there) if ordering.is_descending else GreaterThan(here, there))

    def with_assignees(self) -> Self:
        """Fetch the assignments with their users, in the order of assignment: one more query, however many."""
        return self.prefetch_related(ASSIGNMENTS)

    def locked(self, *, skip_locked: bool = False) -> Self:
        """Hold the rows until the transaction ends, without keeping out those who merely point at them."""
        return self.select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)


def _row(*values: Any) -> Func:
    # Compared as a whole: one step into the index, where "greater, or equal and …" would walk along all ties.
    return Func(*values, function="ROW", output_field=models.TextField())


def _order_index(field: str, is_descending: bool, name: str) -> models.Index:
    key = Ordering(field, is_descending).key()
    columns = [key.desc(), F("id").desc()] if is_descending else [key, F("id")]
    # Without what the key is made of PostgreSQL would look at every ticket that it walks past.
    return models.Index(*columns, include=[field], name=name)


class TicketManager(models.Manager.from_queryset(TicketQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> TicketQuerySet:
        # Made for its index; nobody reads it.
        tickets: TicketQuerySet = super().get_queryset().defer("search")
        return tickets


# How the clock of a ticket stops, whatever stops it. When it goes on, the services work out the deadline: that takes a
# calendar. Fired before move_version, by name.
CLOCK = [
    trigger(
        "tickets/start_clock",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
    ),
    trigger(
        "tickets/step_1_keep_clock",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.AnyChange(
            *("status", "closed_at", "sla_met", "held_at", "hold_reason", "sla_due_at", "sla_warn_at", "sla_hours")
        ),
    ),
]


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
    # While it is on hold, what it was when the clock stopped.
    held_at = models.DateTimeField("on hold since", null=True, editable=False)
    hold_reason = models.CharField(
        "reason of the hold", max_length=255, blank=True, default="", db_default="", editable=False
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    created_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    # How sla_due_at came about: the hours since the creation, the calendar by which they counted ("": round the clock),
    # and how much of that time the ticket was on hold or closed, up to the last time that its clock went on.
    sla_hours = models.PositiveSmallIntegerField("SLA hours", editable=False)
    sla_calendar = models.CharField(max_length=150, blank=True, default="", db_default="", editable=False)
    held_seconds = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # When AT_RISK_SHARE of the time is used.
    sla_warn_at = models.DateTimeField(editable=False)
    # Whether it was closed in time; of others nobody knows yet.
    sla_met = models.BooleanField("SLA met", null=True, editable=False)
    # When people are to be told of the deadline next: that it comes near, then that it has passed.
    sla_alarm_at = models.DateTimeField(null=True, editable=False)
    # Both move in the database alone, and only when something really changed. Assignees are something.
    updated_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    assignees = models.ManyToManyField(
        User, through="Assignment", through_fields=("ticket", "user"), related_name="assigned_tickets"
    )

    # The title weighs more.
    search = models.GeneratedField(
        expression=Func(
            *("title", "description"),
            template="setweight(ticket_words(title), 'A') || setweight(ticket_words(description), 'D')",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = TicketManager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="ticket_created_at"),
            # One for each other order. Walked backwards they serve the other direction as well, but for missing dates.
            _order_index("updated_at", False, "ticket_updated_at"),
            _order_index("updated_at", True, "ticket_updated_at_desc"),
            _order_index("due_at", False, "ticket_due_at"),
            _order_index("due_at", True, "ticket_due_at_desc"),
            _order_index("priority", False, "ticket_priority_order"),
            _order_index("title", False, "ticket_title_order"),
            # Without a list of what is pending, which every search would have to read.
            GinIndex(fields=["search"], fastupdate=False, name="ticket_search"),
            models.Index(fields=["status", "-created_at", "-id"], name="ticket_by_status"),
            models.Index(fields=["type", "-created_at", "-id"], name="ticket_by_type"),
            models.Index(
                fields=["sla_due_at"], include=["sla_warn_at"], condition=CLOCK_RUNS, name="ticket_sla_due_at"
            ),
            models.Index(fields=["sla_met", "-created_at", "-id"], name="ticket_sla_met"),
            # Of what was closed when, in time or not, the admin's first page asks; from this alone.
            models.Index(
                fields=["closed_at"],
                include=["sla_met"],
                condition=Q(closed_at__isnull=False),
                name="ticket_closed_at",
            ),
            models.Index(fields=["sla_alarm_at"], condition=Q(sla_alarm_at__isnull=False), name="ticket_sla_alarm"),
            models.Index(fields=["project", "-created_at"], name="ticket_project"),
            models.Index(fields=["venue", "created_at"], name="ticket_venue"),
            # Which customers have a matching ticket is answered from this index alone; see analytics/sql/dashboard.sql.
            models.Index(
                fields=["created_by", "created_at"],
                include=["project", "status", "priority", "type"],
                name="ticket_creator",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("title"), ""), name="ticket_title"),
            models.CheckConstraint(condition=~Exact(Trim("type"), ""), name="ticket_type"),
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
            *CLOCK,
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
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    def may_be_assigned_by(self, user: User) -> bool:
        """Document 000: "only the user who created the ticket or an admin"; our agents count as staff."""
        return user.is_staff or self.created_by_id == user.pk

    def sla_state(self, at: datetime) -> SlaState:
        """The QuerySet's words, of one ticket; a test compares."""
        if self.status == Status.CLOSED:
            return SlaState.MET if self.sla_met else SlaState.MISSED
        if self.held_at is not None:
            return SlaState.ON_HOLD
        if self.sla_due_at < at:
            return SlaState.BREACHED
        return SlaState.AT_RISK if self.sla_warn_at < at else SlaState.OK


class Assignment(models.Model):
    """Somebody works on a ticket. `slot` numbers its assignees from 1 to MAX_ASSIGNEES: no race can add a sixth."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    slot = models.PositiveSmallIntegerField(editable=False)
    # The ticket's own created_at for those who were assigned on its creation.
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)
    assigned_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="assignment_once"),
            models.UniqueConstraint(fields=["ticket", "slot"], name="assignment_slot_once"),
            models.CheckConstraint(condition=Q(slot__range=(1, MAX_ASSIGNEES)), name="assignment_limit"),
        ]
        triggers = [
            trigger(
                "tickets/refuse_assignment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("ticket_id", "user_id"),
            ),
            trigger(
                "tickets/step_1_move_ticket_version",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("ticket_id", "user_id") | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.name} on #{self.ticket_id}"


class Assignee(User):
    """A user, for the trigger that Assignment needs on their table."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "tickets/user_holds_assignments",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("type"),
                condition=pgtrigger.Condition("NEW.type = 'admin' AND OLD.type <> 'admin'"),
            )
        ]


ASSIGNMENTS = Prefetch("assignments", Assignment.objects.select_related("user"))


class CommentQuerySet(models.QuerySet["Comment"]):
    def visible_to(self, user: User) -> Self:
        """Those on tickets that they may see; internal ones are for staff alone."""
        if user.is_staff:
            return self
        return self.filter(is_internal=False, ticket__in=Ticket.objects.visible_to(user).order_by())


class Comment(models.Model):
    """What somebody said about a ticket. It stays as it was said."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="comments", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    message = models.TextField(max_length=MAX_MESSAGE)
    is_internal = models.BooleanField(default=False, help_text="Among staff: nobody else sees it or is told of it.")
    created_at = models.DateTimeField(editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        # Oldest first is by id, which no clock can turn back.
        indexes = [models.Index(fields=["ticket", "id"], name="comment_of_ticket")]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("message"), ""), name="comment_message"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("message"), MAX_MESSAGE), name="comment_message_length"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all"),
        ]

    def __str__(self) -> str:
        return f"comment on #{self.ticket_id}"


class HistoryEvent(Event):
    """What was done to a ticket, written by triggers, with who did it as far as they said (`pgh_context`).

    All kinds draw their ids from one sequence while they hold the ticket's row: by id, each ticket's are in order.
    """

    pgh_id = models.BigIntegerField(
        primary_key=True, db_default=Func(Value("tickets_history_id"), function="nextval"), editable=False
    )

    class Meta:
        abstract = True
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all"),
        ]


# Any: mypy knows no class that is made by a call.
_TicketSnapshot: Any = pghistory.create_event_model(
    Ticket,
    pghistory.InsertEvent(trigger_name="record_creation"),
    pghistory.UpdateEvent(trigger_name="record_change", condition=pgtrigger.AnyChange(exclude=DERIVED)),
    fields=[
        *("title", "description", "project", "status", "type", "venue", "price", "priority"),
        *("due_at", "sla_due_at", "held_at", "hold_reason", "created_by", "created_at", "version"),
    ],
    obj_field=pghistory.ObjForeignKey(db_index=False, related_name="+"),
    base_model=HistoryEvent,
)
# Triggers fire by name. Step 1 takes the ticket's lock.
_AssignmentSnapshot: Any = pghistory.create_event_model(
    Assignment,
    pghistory.InsertEvent(trigger_name="step_2_record_assignment"),
    pghistory.DeleteEvent(trigger_name="step_2_record_removal"),
    # What no service does, but SQL may: somebody is turned into somebody else.
    pghistory.UpdateEvent(
        "delete", trigger_name="step_2_record_replaced", row="OLD", condition=pgtrigger.AnyChange("ticket", "user")
    ),
    pghistory.UpdateEvent(
        "insert", trigger_name="step_3_record_replacing", condition=pgtrigger.AnyChange("ticket", "user")
    ),
    fields=["ticket", "user", "assigned_at", "assigned_by"],
    obj_field=None,  # type: ignore[arg-type]  # Its docs say so.
    base_model=HistoryEvent,
)


class TicketEvent(_TicketSnapshot):
    """A ticket as it was after its creation (`insert`) or a change (`update`)."""

    class Meta(HistoryEvent.Meta):
        indexes = [models.Index(fields=["pgh_obj", "-pgh_id"], name="ticket_event_order")]

    def __str__(self) -> str:
        return f"{self.pgh_label} of #{self.pgh_obj_id}"


class AssignmentEvent(_AssignmentSnapshot):
    """Somebody was put to work on a ticket (`insert`) or taken off it (`delete`)."""

    class Meta(HistoryEvent.Meta):
        indexes = [models.Index(fields=["ticket", "-pgh_id"], name="assignment_event_order")]

    def __str__(self) -> str:
        return f"{self.pgh_label} of user {self.user_id} on #{self.ticket_id}"
