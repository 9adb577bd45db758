"""The work: tickets and who is assigned to them. What must hold whatever code runs is in the constraints and triggers.

Rules that need the caller or several rows are in services.py.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from projects.models import Project, Visibility

# Document 000: "a defined limit (e.g., 5 users per ticket)". The table's constraint says the same number.
MAX_ASSIGNEES = 5
MAX_PRICE = Decimal("99999999.99")


class Status(models.TextChoices):
    OPEN = "open"
    IN_PROGRESS = "in-progress"
    CLOSED = "closed"


class Priority(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SlaPolicy(models.Model):
    """How long a ticket of a priority may take. Rows, so that staff can change them."""

    priority = models.CharField(max_length=10, choices=Priority.choices, primary_key=True)
    hours = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = [
            models.CheckConstraint(condition=Q(hours__gte=1), name="sla_policy_hours"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="sla_policy_priority"),
        ]

    def __str__(self) -> str:
        return f"{self.priority}: {self.hours} h"

    def due(self, created_at: datetime) -> datetime:
        return created_at + timedelta(hours=self.hours)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: User) -> Self:
        """The one definition of "visible"; `analytics/sql` states the same for the raw queries, and a test compares."""
        if user.is_staff:
            return self
        return self.filter(
            Q(project__visibility=Visibility.EVERYONE)
            | Q(created_by=user)
            | Exists(Assignment.objects.filter(ticket=OuterRef("pk"), user=user))
        )

    def locked(self) -> Self:
        """Hold the rows until the transaction ends, without keeping out those who merely point at them."""
        return self.select_for_update(no_key=True, of=("self",))


class Ticket(models.Model):
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True, max_length=20_000)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    type = models.CharField(max_length=50, default="task", help_text="Any word: concert, conference, sports, task, bug…")
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
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    created_at = models.DateTimeField(editable=False)
    # Both move in the database alone, and only when something really changed.
    updated_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    assignees = models.ManyToManyField(
        User, through="Assignment", through_fields=("ticket", "user"), related_name="assigned_tickets"
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="ticket_created_at"),
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
            models.CheckConstraint(condition=~Q(title=""), name="ticket_title"),
            models.CheckConstraint(condition=~Q(type=""), name="ticket_type"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="ticket_status"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="ticket_priority"),
            models.CheckConstraint(condition=Q(price__isnull=True) | Q(price__range=(0, MAX_PRICE)), name="ticket_price"),
        ]
        triggers = [
            # Document 001: "Deleting ticket is not possible in the system."
            pgtrigger.Protect(name="keep_tickets", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="move_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF to_jsonb(NEW) - '{version,updated_at}'::text[]
                            IS DISTINCT FROM to_jsonb(OLD) - '{version,updated_at}'::text[] THEN
                        NEW.version := OLD.version + 1;
                        NEW.updated_at := date_trunc('milliseconds', clock_timestamp());
                    ELSIF pg_trigger_depth() = 1 THEN
                        -- Nothing changed. (At depth 2 it is the assignments' trigger that moves the version.)
                        NEW.version := OLD.version;
                        NEW.updated_at := OLD.updated_at;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    def may_be_assigned_by(self, user: User) -> bool:
        """Document 000: "only the user who created the ticket or an admin"; our agents count as staff."""
        return user.is_staff or self.created_by_id == user.pk


class Assignment(models.Model):
    """Somebody works on a ticket. `slot` numbers a ticket's assignees 1 to MAX_ASSIGNEES, so no race can add a sixth."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    slot = models.PositiveSmallIntegerField(editable=False)
    assigned_at = models.DateTimeField(auto_now_add=True)
    assigned_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="assignment_once"),
            models.UniqueConstraint(fields=["ticket", "slot"], name="assignment_slot_once"),
            models.CheckConstraint(condition=Q(slot__range=(1, MAX_ASSIGNEES)), name="assignment_limit"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="refuse_assignment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("ticket_id", "user_id"),
                declare=[("ticket_status", "text"), ("user_type", "text")],
                # The locks are the services' own, so that SQL from elsewhere waits in the same line.
                func="""
                    SELECT status INTO ticket_status FROM tickets_ticket
                        WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
                    IF ticket_status = 'closed' THEN
                        RAISE EXCEPTION 'a closed ticket takes no assignees'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_open_ticket';
                    END IF;
                    SELECT type INTO user_type FROM accounts_user WHERE id = NEW.user_id FOR SHARE;
                    IF user_type = 'admin' THEN
                        RAISE EXCEPTION 'an admin is not assigned'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_no_admin';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="move_ticket_version",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Delete,
                func="""
                    UPDATE tickets_ticket
                    SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
                    WHERE id = COALESCE(NEW.ticket_id, OLD.ticket_id);
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.name} on #{self.ticket_id}"
