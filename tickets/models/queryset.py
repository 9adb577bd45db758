"""Selections of tickets: by who may see them, by their deadline, by words."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import Exact

from accounts.models import User
from kit.search.expressions import contains
from projects.models import Project, Visibility
from tickets.models.assignment import ASSIGNMENTS, Assignment
from tickets.models.clock import CLOCK_RUNS, UNCLOSED, Status
from tickets.models.queues import Queue, never, next_due

if TYPE_CHECKING:
    from tickets.models.ticket import Ticket

    TicketQuerySetBase = models.QuerySet[Ticket]
else:
    TicketQuerySetBase = models.QuerySet


class AnyOf(Exact):
    """`column = ANY (subquery)`, which PostgreSQL can answer from an index even within an OR."""

    def __init__(self, column: str, rows: models.QuerySet[Any]) -> None:
        super().__init__(F(column), ArraySubquery(rows.order_by()))

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= ANY({rhs})"


def _seen_by_everyone() -> Q:
    return Q(AnyOf("project_id", Project.objects.filter(visibility=Visibility.EVERYONE).values("pk")))


def _involves(user: User) -> Q:
    return Q(created_by=user) | Q(Exists(Assignment.objects.filter(user=user, ticket=OuterRef("pk"))))


class TicketQuerySet(TicketQuerySetBase):
    def visible_to(self, user: User) -> Self:
        """Select the tickets that the user may see.

        This is the only definition in Python. analytics/sql repeats it for raw queries; a test compares the two.
        """
        if user.is_staff:
            return self
        return self.filter(_seen_by_everyone() | _involves(user))

    def breached(self, at: datetime) -> Self:
        """Select the tickets past their deadline whose clock is running. The only definition of "breached"."""
        return self.filter(CLOCK_RUNS, sla_due_at__lt=at)

    def at_risk(self, at: datetime) -> Self:
        """Select the tickets that are not breached, but past their policy's at_risk_share of the time."""
        return self.filter(CLOCK_RUNS, sla_due_at__gte=at, sla_warn_at__lt=at)

    def met(self) -> Self:
        """Select the tickets that were closed in time."""
        return self.filter(sla_met=True)

    def missed(self) -> Self:
        """Select the tickets that were closed late."""
        return self.filter(sla_met=False)

    def on_hold(self) -> Self:
        """Select the tickets on hold. The second condition follows from the first; it has an index."""
        return self.filter(UNCLOSED, Exact(next_due(), never()), held_at__isnull=False)

    def assigned_to(self, user: User) -> Self:
        return self.filter(pk__in=Assignment.objects.filter(user=user).order_by().values("ticket"))

    def unassigned(self) -> Self:
        return self.filter(~Exists(Assignment.objects.filter(ticket=OuterRef("pk"))))

    def in_queue(self, queue: Queue, user: User, at: datetime) -> Self:
        """Select the tickets of a queue of the admin's list; sql/queue_counts.sql counts them."""
        match queue:
            case Queue.MINE:
                return self.filter(UNCLOSED).assigned_to(user)
            case Queue.UNASSIGNED:
                return self.filter(UNCLOSED).unassigned()
            case Queue.AT_RISK:
                return self.at_risk(at)
            case Queue.BREACHED:
                return self.breached(at)
            case Queue.ON_HOLD:
                return self.on_hold()
            case Queue.ACTIVE:
                return self.filter(UNCLOSED)
            case Queue.CLOSED:
                return self.filter(status=Status.CLOSED)
        return self

    def with_due_alarm(self, at: datetime) -> Self:
        """Select the tickets whose next deadline notification is due, most urgent first."""
        return self.filter(sla_alarm_at__lt=at).order_by("sla_alarm_at")

    def search(self, text: str) -> Self:
        """Select tickets whose title or description contains every word of the text. Words match by prefix."""
        return self.filter(contains(F("search"), text))

    def with_assignees(self) -> Self:
        """Fetch the assignments with their users, in order of assignment. This causes one more query in total."""
        return self.prefetch_related(ASSIGNMENTS)

    def locked(self, *, skip_locked: bool = False) -> Self:
        """Lock the rows until the transaction ends; others can still insert rows that refer to them."""
        return self.select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)


class TicketManager(models.Manager.from_queryset(TicketQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> TicketQuerySet:
        # Only PostgreSQL reads these.
        tickets: TicketQuerySet = super().get_queryset().defer("search", "title_key")
        return tickets
